"""Signing and verifying JSON Web Tokens (RFC 7519, RFC 9068, RFC 8725).

What the claims mean is the callers' business.
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.types import Options

from portico.domain.errors import Unauthenticated
from portico.tokens.keys import Keys, SigningKey

ACCESS_TOKEN = "at+jwt"  # noqa: S105 - a media type (RFC 9068 section 2.1), not a password
API_KEY = "apikey+jwt"
INTERNAL_KEY = "internalkey+jwt"
PLAIN = "JWT"
SKEW = 5  # seconds by which the clocks of signer and verifier may differ
MAX_TOKEN = 8192  # characters; API Gateway takes 10 KB of headers in all

# Signature only: the times are checked here, against the caller's clock.
_SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class InvalidToken(Unauthenticated):
    """Not a token of ours: malformed, of another kind, or its signature does not hold."""

    error = "invalid_token"


class UnknownKey(InvalidToken):
    """The token names a key that is not in the set; whoever caches keys may refresh them."""

    error = "unknown_key"


class ExpiredToken(Unauthenticated):
    """The token was ours; its time is over."""

    error = "expired_token"


def sign(claims: Mapping[str, Any], key: SigningKey, typ: str = PLAIN) -> str:
    """The claims as a JWS in compact form; its header has `typ`, `alg`, `kid`, and `x5t` where the
    key has a certificate.
    """
    return jwt.encode(dict(claims), key.private, algorithm=key.alg, headers=_header(key, typ))


def sign_padded(claims: Mapping[str, Any], key: SigningKey, typ: str = PLAIN) -> str:
    """The same in padded standard Base64, which is no JWS (RFC 7515 section 2): what WSO2 sends
    unless it is told otherwise. What is signed is the text as it is sent.
    """
    header = {**_header(key, typ), "alg": key.alg}
    told = ".".join(
        base64.b64encode(json.dumps(part, separators=(",", ":")).encode()).decode()
        for part in (header, dict(claims))
    )
    signature = jwt.get_algorithm_by_name(key.alg).sign(told.encode(), key.private)
    return f"{told}.{base64.b64encode(signature).decode()}"


def _header(key: SigningKey, typ: str) -> dict[str, str]:
    header = {"typ": typ, "kid": key.kid}
    return {**header, "x5t": key.x5t} if key.x5t else header


def verify(
    token: str,
    keys: Keys,
    *,
    now: float | None = None,
    leeway: float = 0,
    typ: str = ACCESS_TOKEN,
) -> dict[str, Any]:
    """The claims of a token of kind `typ` that one of the keys signed and whose time is now.

    `now` is in epoch seconds. Raises ExpiredToken, UnknownKey, or InvalidToken for everything else;
    the signature is judged before the times.
    """
    claims = _signed_claims(token, keys, typ)
    moment = time.time() if now is None else now
    expires = _moment(claims, "exp")
    if expires is None:
        raise InvalidToken("The token has no 'exp'")
    if moment >= expires + leeway:
        raise ExpiredToken("The token has expired")
    starts = _moment(claims, "nbf")
    if starts is not None and moment < starts - max(leeway, SKEW):
        raise InvalidToken("The token is not valid yet")
    return claims


def _signed_claims(token: str, keys: Keys, typ: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN:
        raise InvalidToken("The token is too long")
    try:
        header = jwt.get_unverified_header(token)
    # PyJWT lets some decoder errors through (deeply nested JSON, lone surrogates).
    except (jwt.PyJWTError, ValueError, RecursionError) as exc:
        raise InvalidToken("The token is malformed") from exc
    kind = header.get("typ")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != typ.lower():
        raise InvalidToken(f"The token is not of type {typ}")
    key = keys.get(str(header.get("kid")))
    if key is None:
        raise UnknownKey("The token's key is not known")
    try:
        # `algorithms` comes from the key, never from the token (RFC 8725 section 3.1).
        claims: dict[str, Any] = jwt.decode(
            token, key.public, algorithms=[key.alg], options=_SIGNATURE_ONLY
        )
    except (jwt.PyJWTError, ValueError, RecursionError) as exc:
        raise InvalidToken("The token's signature does not hold") from exc
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"'{name}' is not a number")
    return value
