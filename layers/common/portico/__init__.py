"""Portico's shared package: everything that more than one function needs."""
