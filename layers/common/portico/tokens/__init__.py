"""Signing keys and JSON Web Tokens: the only door to PyJWT and cryptography.

It fetches nothing and is light enough for the authorizer.
"""
