"""The authorization server: tokens, revocation, introspection, keys and client registration."""
