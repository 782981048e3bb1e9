"""The whole platform on one machine: embedded AWS, deployment, loopback front, demo back end.

For development, demos and tests. Nothing here is deployed.
"""
