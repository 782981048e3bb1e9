"""A bearer token in a header (RFC 6750 section 2.1): a signed access token of ours (RFC 9068)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from typing import Any

from functions.authorizer.calls import Call, Guess, Identity, Refused
from functions.authorizer.credentials.identities import ended, identity_of, token_of
from portico.domain.bounded import Bounded
from portico.domain.gateway import PublicKeys
from portico.storage.readmodel import View, key
from portico.tokens.jwt import ExpiredToken, InvalidToken, UnknownKey, verify
from portico.tokens.keys import Keys, verification_keys

MAX_TOKENS = 10_000  # verified tokens kept; about 1 KB each
KEYS = key(PublicKeys, tenant="*")


class Bearer:
    """Verifies access tokens, each once until it expires; revocation is looked at on every call."""

    def __init__(self, issuer: str, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._clock = clock
        self._verified: Bounded[bytes, Identity] = Bounded(MAX_TOKENS, clock)
        self._parsed: tuple[PublicKeys | None, Keys] = (None, {})

    def foresee(self, call: Call) -> Guess | None:
        """Whom the token names: good for reading ahead and nothing else.

        With keys at hand the signature is looked at first, so that nonsense costs no reads; the
        first call of an environment believes the token.
        """
        token = token_of(call)
        if not token:
            return None
        digest = _digest(token)
        identity = self._verified.get(digest)
        try:
            if identity is None and self._parsed[1]:
                identity = self._remember(token, digest, self._parsed[1], call.now)
            elif identity is None:
                identity = identity_of(b"", _peek(token), "")
        except (InvalidToken, ExpiredToken):
            return None
        return Guess((KEYS, *identity.records), identity.application_id)

    def authenticate(self, call: Call) -> Identity | None:
        """Who calls; None when there is no bearer token, Refused when it does not hold."""
        token = token_of(call)
        if token is None:
            return None
        digest = _digest(token)
        identity = self._verified.get(digest)
        # A key that was taken out of use takes its tokens with it.
        if identity is None or identity.kid not in self._keys(call.view):
            identity = self._verify(token, digest, call)
        if ended(identity, call):
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
        identity = identity_of(digest, claims, str(_peek(token, 0).get("kid")))
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
