"""Routes of the Admin REST API, one module a noun."""
