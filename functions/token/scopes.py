"""The parameter `scope` (RFC 6749 section 3.3)."""

import re

from functions.token.errors import OAuthError

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token


def scopes_of(text: str) -> tuple[str, ...]:
    """The scopes of a parameter; `invalid_scope` for one that can be none."""
    # Spaces only: what another one's parser takes for two scopes is not to be two here either.
    scopes = tuple(scope for scope in text.split(" ") if scope)
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise OAuthError("invalid_scope", "The scope has characters that no scope may have")
    return scopes
