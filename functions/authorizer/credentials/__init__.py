"""Kinds of credentials, one file each; each says whether it is responsible for a call."""
