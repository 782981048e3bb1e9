"""The id_token of another OpenID provider, judged as its client must (OpenID Connect Core section
3.1.3.7); whose it is then, is not decided here.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from portico.tokens.foreign import (
    ForeignKey,
    audiences_of,
    check_times,
    moment_of,
    text_of,
    verified,
)
from portico.tokens.jwt import InvalidToken

LONGEST = 86_400  # seconds from now to its end
OLDEST = 600  # seconds since it was issued: it was asked for a moment ago
MAX_SUBJECT = 255  # characters (OpenID Connect Core section 2)
_TYPES = ("", "jwt")
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True)
class Expected:
    """What the id_token of one sign-in must say."""

    issuer: str
    client_id: str
    nonce: str


def id_claims(
    token: str, keys: Sequence[ForeignKey], expected: Expected, access_token: str, now: float
) -> dict[str, Any]:
    """The claims of an id_token that is meant for this client and this very sign-in.

    UnknownKey when its key is not among these; ExpiredToken, or InvalidToken for the rest.
    """
    claims = verified(token, keys, types=_TYPES)
    if text_of(claims, "iss") != expected.issuer:
        raise InvalidToken("The id_token is another issuer's")
    audiences = audiences_of(claims)
    if expected.client_id not in audiences:
        raise InvalidToken("The id_token is meant for another client")
    party = text_of(claims, "azp")
    if party != expected.client_id and (party or len(audiences) > 1):
        raise InvalidToken("The id_token was issued to another client")
    check_times(claims, longest=LONGEST, now=now)
    issued = moment_of(claims, "iat")
    if issued is None or issued < now - OLDEST:
        raise InvalidToken("The id_token is not a fresh one")
    if not hmac.compare_digest(text_of(claims, "nonce").encode(), expected.nonce.encode()):
        raise InvalidToken("The id_token is that of another sign-in")
    if not 0 < len(text_of(claims, "sub")) <= MAX_SUBJECT:
        raise InvalidToken("The id_token names nobody")
    _check_access_token(token, claims, access_token)
    return claims


def _check_access_token(token: str, claims: Mapping[str, Any], access_token: str) -> None:
    """`at_hash`, where it is there (OpenID Connect Core section 3.1.3.8)."""
    told = text_of(claims, "at_hash")
    if not told:
        return
    algorithm = str(jwt.get_unverified_header(token).get("alg", ""))
    # Ed25519 hashes with SHA-512 by itself.
    whole = _HASHES.get(algorithm[2:], hashlib.sha512)(access_token.encode()).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).decode().rstrip("=")
    if not hmac.compare_digest(told.encode(), half.encode()):
        raise InvalidToken("The id_token belongs to another access token")
