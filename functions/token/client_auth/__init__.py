"""How a client says and proves who it is, one module a way."""
