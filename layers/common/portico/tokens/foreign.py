"""Verifying JSON Web Tokens that others signed: of clients (RFC 7523) and of trusted issuers.

The keys come from what is registered, never from the token; whom to trust is the callers' business.
"""

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.types import Options

from portico.tokens.jwt import ExpiredToken, InvalidToken, UnknownKey

MAX_TOKEN = 16_384  # characters
MAX_KEYS = 100  # of one set that are looked at
MIN_RSA = 2048  # bits (RFC 7518 section 3.3)
LEEWAY = 30  # seconds by which the clocks of signer and verifier may differ
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
EDDSA = "EdDSA"
# Kinds of JWT that an assertion may be (RFC 8725 section 3.11); none says less than "JWT" does.
ASSERTION_TYPES = ("", "jwt", "client-authentication+jwt", "authorization-grant+jwt")
TOKEN_TYPES = ("", "jwt", "at+jwt")
_RSA = frozenset(name for name in ALGORITHMS if name[0] in "RP")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
# Headers by which a token would bring or name its own key (RFC 7515 sections 4.1.2 to 4.1.6), and
# extensions that we would have to understand (section 4.1.11).
_FORBIDDEN = ("jku", "jwk", "x5u", "x5c", "crit", "b64")
_SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True)
class ForeignKey:
    """A public key of somebody else, and the algorithms that it may verify (RFC 8725 3.1)."""

    kid: str
    algorithms: frozenset[str]
    public: PublicKey


def foreign_keys(jwks: Iterable[Mapping[str, Any]]) -> tuple[ForeignKey, ...]:
    """The keys of a JWKS (RFC 7517) that can verify signatures; all others are left out, also
    symmetric ones.
    """
    found = []
    for index, jwk in enumerate(jwks):
        if index == MAX_KEYS:
            break
        key = _parsed(jwk) if isinstance(jwk, Mapping) else None
        if key is not None:
            found.append(key)
    return tuple(found)


def claims_unverified(token: str) -> dict[str, Any]:
    """What a token says, not yet believed: tells whose keys to verify it with. InvalidToken."""
    header, claims = _parts(token)
    _check_header(header)
    return claims


def verified(
    token: str, keys: Sequence[ForeignKey], *, types: Collection[str] = ASSERTION_TYPES
) -> dict[str, Any]:
    """The claims of a token of one of the kinds that one of the keys signed; times are not judged.

    UnknownKey when its key is not among these, InvalidToken for everything else.
    """
    header, _ = _parts(token)
    algorithm = _check_header(header)
    typ = header.get("typ", "")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise InvalidToken("The token is of another kind")
    kid = header.get("kid")
    named = [key for key in keys if kid is None or key.kid == kid]
    if not named:
        raise UnknownKey("The token's key is not known")
    fitting = [key for key in named if algorithm in key.algorithms]
    if not fitting:
        raise InvalidToken("The token's algorithm is not that of its key")
    for key in fitting:
        try:
            # `algorithm` is one that this very key allows.
            claims: dict[str, Any] = jwt.decode(
                token, key.public, algorithms=[algorithm], options=_SIGNATURE_ONLY
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            continue
        return claims
    if kid is None:
        raise UnknownKey("None of the keys signed the token")
    raise InvalidToken("The token's signature does not hold")


def check_times(
    claims: Mapping[str, Any], *, longest: int, now: float | None = None, leeway: float = LEEWAY
) -> int:
    """When the token ends (epoch seconds): it must end, within `longest` seconds from now, and must
    have begun. ExpiredToken or InvalidToken.
    """
    moment = time.time() if now is None else now
    expires = moment_of(claims, "exp")
    if expires is None:
        raise InvalidToken("The token has no 'exp'")
    if moment >= expires + leeway:
        raise ExpiredToken("The token has expired")
    if expires > moment + longest + leeway:
        raise InvalidToken(f"The token is valid for longer than {longest} seconds")
    for name in ("nbf", "iat"):
        begins = moment_of(claims, name)
        if begins is not None and begins > moment + leeway:
            raise InvalidToken(f"The token is not valid yet: '{name}' is in the future")
    return math.ceil(expires)


def moment_of(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 section 2); InvalidToken for what is none, such as NaN."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise InvalidToken(f"'{name}' is not a time")
    return value


def audiences_of(claims: Mapping[str, Any]) -> list[str]:
    """`aud` as a list; InvalidToken when it is neither a string nor strings."""
    value = claims.get("aud", [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise InvalidToken("'aud' is neither a string nor a list of strings")
    return listed


def text_of(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a text; '' when it is not there. InvalidToken for what is none."""
    value = claims.get(name, "")
    # JSON may smuggle in halves of surrogate pairs, which are no text.
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InvalidToken(f"'{name}' is not a string")
    return value


def signed_part(token: str) -> str:
    """What the signature is over: the same for every form that the signature itself can take."""
    return token.rpartition(".")[0]


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > MAX_TOKEN:
        raise InvalidToken("The token is too long")
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    # PyJWT lets some decoder errors through (deeply nested JSON, lone surrogates).
    except (jwt.PyJWTError, ValueError, RecursionError) as exc:
        raise InvalidToken("The token is malformed") from exc
    return whole["header"], whole["payload"]


def _check_header(header: Mapping[str, Any]) -> str:
    """The algorithm that the header names, when it is one of those that we know."""
    for name in _FORBIDDEN:
        if name in header:
            raise InvalidToken(f"The token may not have the header '{name}'")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in (*ALGORITHMS, EDDSA):
        raise InvalidToken("The token's algorithm is not allowed")
    return algorithm


def _parsed(jwk: Mapping[str, Any]) -> ForeignKey | None:
    usable = jwk.get("use", "sig") == "sig" and "d" not in jwk
    operations = jwk.get("key_ops", ["verify"])
    if not usable or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public = _public(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    algorithms = _algorithms(public)
    if "alg" in jwk:
        algorithms &= {jwk["alg"]} if isinstance(jwk["alg"], str) else set()
    kid = jwk.get("kid", "")
    if public is None or not algorithms or not isinstance(kid, str):
        return None
    return ForeignKey(kid, frozenset(algorithms), public)


def _public(jwk: dict[str, Any]) -> PublicKey | None:
    parsers = {
        "RSA": RSAAlgorithm.from_jwk,
        "EC": ECAlgorithm.from_jwk,
        "OKP": OKPAlgorithm.from_jwk,
    }
    parse = parsers.get(str(jwk.get("kty")))
    key = parse(jwk) if parse else None
    return key if isinstance(key, PublicKey) else None


def _algorithms(public: PublicKey | None) -> set[str]:
    if isinstance(public, rsa.RSAPublicKey):
        return set(_RSA) if public.key_size >= MIN_RSA else set()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return {_CURVES[public.curve.name]} if public.curve.name in _CURVES else set()
    return {EDDSA} if isinstance(public, ed25519.Ed25519PublicKey) else set()
