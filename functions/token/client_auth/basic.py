"""HTTP Basic (RFC 7617) and the client credentials in it (RFC 6749 section 2.3.1)."""

import base64
import binascii
from urllib.parse import unquote_plus


def basic(header: str) -> tuple[str, str] | None:
    """User and password of an Authorization header; None if malformed or of another scheme."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon and user else None


def readings(client_id: str, secret: str) -> list[tuple[str, str]]:
    """How the two parts may be meant: RFC 6749 has both form-encoded, which many clients leave out;
    take either.
    """
    given = (client_id, secret)
    decoded = (unquote_plus(client_id), unquote_plus(secret))
    return [given] if decoded == given else [given, decoded]
