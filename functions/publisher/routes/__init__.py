"""Routes of the Publisher REST API, one module a noun."""
