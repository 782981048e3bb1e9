"""Measures what callers wait for and what a deployment costs: `make bench`."""
