"""A token by client_credentials over HTTP, ours and other servers': processor time of each."""
