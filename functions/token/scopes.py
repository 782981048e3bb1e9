"""The parameter `scope` (RFC 6749 section 3.3)."""

import re

from functions.token.errors import OAuthError

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token


def scopes_of(text: str) -> tuple[str, ...]:
    """The scopes of a parameter; `invalid_scope` for one that can be none."""
    scopes = tuple(text.split())
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise OAuthError("invalid_scope", "The scope has characters that no scope may have")
    return scopes
