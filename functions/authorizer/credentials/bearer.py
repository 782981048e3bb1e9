"""A bearer token in a header (RFC 6750 section 2.1): a signed access token of ours (RFC 9068)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from functions.authorizer.calls import Call, Identity, Refused
from portico.domain.gateway import (
    Deployment,
    GatewayApplication,
    GatewayClient,
    PublicKeys,
    Revocation,
)
from portico.domain.tenant import split_user
from portico.storage.bounded import Bounded
from portico.storage.readmodel import View, key
from portico.tokens.jwt import MAX_TOKEN, ExpiredToken, InvalidToken, UnknownKey, verify
from portico.tokens.keys import Keys, verification_keys

SCHEME = "bearer "
MAX_TOKENS = 10_000  # verified tokens kept; about 1 KB each
MAX_CLAIM = 256  # characters of a claim that becomes part of a key
KEYS = key(PublicKeys, tenant="*")


class Bearer:
    """Verifies access tokens, each once until it expires; revocation is looked at on every call."""

    def __init__(self, issuer: str, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._clock = clock
        self._verified: Bounded[bytes, Identity] = Bounded(MAX_TOKENS, clock)
        self._parsed: tuple[PublicKeys | None, Keys] = (None, {})

    def foresee(self, call: Call) -> Identity | None:
        """Whom the token names: good for reading ahead and nothing else.

        With keys at hand the signature is looked at first, so that nonsense costs no reads; the
        first call of an environment believes the token.
        """
        token = _token(call.headers, _header(call.deployment))
        if not token:
            return None
        digest = _digest(token)
        known = self._verified.get(digest)
        if known is not None:
            return known
        try:
            if self._parsed[1]:
                return self._remember(token, digest, self._parsed[1], call.now)
            return _identity(b"", _peek(token), "")
        except (InvalidToken, ExpiredToken):
            return None

    def authenticate(self, call: Call) -> Identity | None:
        """Who calls; None when there is no bearer token, Refused when it does not hold."""
        token = _token(call.headers, _header(call.deployment))
        if token is None:
            return None
        digest = _digest(token)
        identity = self._verified.get(digest)
        # A key that was taken out of use takes its tokens with it.
        if identity is None or identity.kid not in self._keys(call.view):
            identity = self._verify(token, digest, call)
        if _revoked(identity, call.view):
            raise Refused("900901")
        return identity

    def _verify(self, token: str, digest: bytes, call: Call) -> Identity:
        try:
            try:
                return self._remember(token, digest, self._keys(call.view), call.now)
            except UnknownKey:
                # A key that was made a moment ago may be newer than what is cached.
                call.view.again(KEYS)
                return self._remember(token, digest, self._keys(call.view), call.now)
        except ExpiredToken as exc:
            raise Refused("900903") from exc
        except InvalidToken as exc:
            raise Refused("900901") from exc

    def _remember(self, token: str, digest: bytes, keys: Keys, now: float) -> Identity:
        claims = verify(token, keys, now=now)
        if claims.get("iss") != self._issuer:
            raise InvalidToken("The token is of another issuer")
        identity = _identity(digest, claims, str(_peek(token, 0).get("kid")))
        self._verified.put(digest, identity, identity.expires)
        return identity

    def _keys(self, view: View) -> Keys:
        record = view.get(KEYS)
        if record is None:
            return {}
        parsed = self._parsed[0]
        if parsed is None or parsed.stamp != record.stamp or parsed.keys != record.keys:
            # Only keys that sign access tokens: a backend JWT is no credential.
            self._parsed = (record, verification_keys(record.keys, only=record.access))
        return self._parsed[1]


def _header(deployment: Deployment | None) -> str:
    return deployment.authorization_header.lower() if deployment else "authorization"


def _token(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name, "")
    if value[: len(SCHEME)].lower() != SCHEME:
        return None
    return value[len(SCHEME) :].strip()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _peek(token: str, which: int = 1) -> dict[str, Any]:
    """The claims (or with 0 the header) as the token states them, unverified."""
    try:
        part = token.split(".", 2)[which]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _identity(digest: bytes, claims: Mapping[str, Any], kid: str) -> Identity:
    def text(name: str, *, needed: bool = False, longest: int = MAX_CLAIM) -> str:
        value = claims.get(name, "")
        if not isinstance(value, str) or len(value) > longest or (needed and not value):
            raise InvalidToken(f"The token has no usable '{name}'")
        return value

    def number(name: str) -> float:
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidToken(f"The token has no usable '{name}'")
        return value

    tenant, client_id = text("tenant", needed=True), text("client_id", needed=True)
    application_id, jti, family = text("app"), text("jti"), text("fam")
    is_user = text("aut") == "APPLICATION_USER"
    subjects = [jti] * bool(jti) + [f"fam:{family}"] * bool(family) + [f"client:{client_id}"]
    revocations = tuple(key(Revocation, tenant=tenant, subject=name) for name in subjects)
    client = key(GatewayClient, tenant=tenant, client_id=client_id)
    application = key(GatewayApplication, tenant=tenant, application_id=application_id)
    return Identity(
        digest=digest,
        kid=kid,
        tenant=tenant,
        client_id=client_id,
        application_id=application_id,
        key_type=text("keytype") or "PRODUCTION",
        user=split_user(text("sub", needed=True))[0] if is_user else text("owner"),
        is_user=is_user,
        scopes=frozenset(text("scope", longest=MAX_TOKEN).split()),
        issued=number("iat"),
        expires=number("exp"),
        revocations=revocations,
        client=client,
        application=application,
        records=(KEYS, *revocations, client, *([application] if application_id else [])),
    )


def _revoked(identity: Identity, view: View) -> bool:
    view.load(identity.revocations)
    return any(
        record is not None and (not record.since or identity.issued <= record.since)
        for record in map(view.get, identity.revocations)
    )
