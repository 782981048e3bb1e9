"""Bodies of the Admin REST API, named after the contract's schemas."""
