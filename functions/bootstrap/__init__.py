"""The function that a deployment calls: makes what a stack begins with, clears up on deletion."""
