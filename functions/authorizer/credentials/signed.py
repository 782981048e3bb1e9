"""Credentials that are JWTs of ours (RFC 7519): each is verified once and remembered until it
expires. What their claims mean is the business of each kind.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from functions.authorizer.calls import Call, Identity, Refused
from portico.domain.bounded import Bounded
from portico.domain.gateway import PublicKeys
from portico.storage.readmodel import View, key
from portico.tokens.jwt import ExpiredToken, InvalidToken, UnknownKey, verify
from portico.tokens.keys import Keys, verification_keys

MAX_TOKENS = 10_000  # verified tokens kept of each kind; about 1 KB each
KEYS = key(PublicKeys, tenant="*")

# digest, claims, key id -> whom they name; InvalidToken when they do not say what is needed.
Reading = Callable[[bytes, Mapping[str, Any], str], Identity]


class KeySet:
    """The public keys, parsed once for all kinds and again when they change."""

    def __init__(self) -> None:
        self._record: PublicKeys | None = None
        self.parsed: Keys = {}

    def of(self, view: View) -> Keys:
        """The keys as the call sees them."""
        record = view.get(KEYS)
        if record is None:
            return {}
        known = self._record
        if known is None or known.stamp != record.stamp or known.keys != record.keys:
            # Only keys that sign access tokens: a backend JWT is no credential.
            self.parsed = verification_keys(record.keys, only=record.access)
            self._record = record
        return self.parsed


class Signed:
    """Verifies JWTs of one type (RFC 8725 section 3.11), which `read` turns into identities."""

    def __init__(
        self,
        keys: KeySet,
        issuer: str,
        typ: str,
        read: Reading,
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._typ = typ
        self._read = read
        self._verified: Bounded[bytes, Identity] = Bounded(MAX_TOKENS, clock)

    def foresee(self, token: str, call: Call) -> Identity | None:
        """Whom the token names: good for reading ahead and nothing else.

        With keys at hand the signature is looked at first, so that nonsense costs no reads; the
        first call of an environment believes the token.
        """
        identity = self._seen(token, call)
        if identity is not None:
            return identity
        digest = digest_of(token)
        identity = self._verified.get(digest)
        try:
            if identity is None and self._keys.parsed:
                identity = self._remember(token, digest, self._keys.parsed, call.now)
            elif identity is None:
                return self._read(b"", _peek(token), "")
        except (InvalidToken, ExpiredToken):
            return None
        call.verified = (token, self._typ, identity)
        return identity

    def identify(self, token: str, call: Call) -> Identity:
        """Whom the token speaks for; Refused when it does not hold. Not whether it was ended."""
        identity = self._seen(token, call)
        if identity is None:
            identity = self._verified.get(digest_of(token))
        # A key that was taken out of use takes its tokens with it.
        if identity is None or identity.kid not in self._keys.of(call.view):
            identity = self._verify(token, digest_of(token), call)
        return identity

    def _seen(self, token: str, call: Call) -> Identity | None:
        known = call.verified
        return known[2] if known and known[0] == token and known[1] == self._typ else None

    def _verify(self, token: str, digest: bytes, call: Call) -> Identity:
        try:
            try:
                return self._remember(token, digest, self._keys.of(call.view), call.now)
            except UnknownKey:
                # A key that was made a moment ago may be newer than what is cached.
                call.view.again(KEYS)
                return self._remember(token, digest, self._keys.of(call.view), call.now)
        except ExpiredToken as exc:
            raise Refused("900903") from exc
        except InvalidToken as exc:
            raise Refused("900901") from exc

    def _remember(self, token: str, digest: bytes, keys: Keys, now: float) -> Identity:
        claims = verify(token, keys, now=now, typ=self._typ)
        if claims.get("iss") != self._issuer:
            raise InvalidToken("The token is of another issuer")
        identity = self._read(digest, claims, str(_peek(token, 0).get("kid")))
        self._verified.put(digest, identity, identity.expires)
        return identity


def digest_of(token: str) -> bytes:
    """By what a token is remembered."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _peek(token: str, which: int = 1) -> dict[str, Any]:
    """The claims (or with 0 the header) as the token states them, unverified."""
    try:
        part = token.split(".", 2)[which]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
