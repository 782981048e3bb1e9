"""Delivers mediated calls, and tells callers why theirs was refused; decides nothing itself."""
