"""An opaque bearer token: a random text whose claims are in the read model, below its digest."""

import hashlib
import re
from collections.abc import Callable

from functions.authorizer.calls import Call, Guess, Identity, Kind, Refused
from functions.authorizer.credentials.identities import ended, identity_of, load, token_of
from portico.domain.bounded import Bounded
from portico.domain.gateway import OpaqueToken
from portico.storage.keys import PLACES
from portico.storage.readmodel import Key
from portico.tokens.jwt import InvalidToken

# A tenant's name, unless it is the super tenant's token, and what is random.
FORM = re.compile(r"(?:[A-Za-z0-9.-]{1,100}~)?[A-Za-z0-9_-]{32,128}")
MAX_TOKENS = 10_000  # identities kept; about 1 KB each


class Opaque:
    """Looks tokens up in the tenant of the path.

    Only tokens that are there are kept, so that made-up ones push nothing out: each of them costs
    one read, and one that does not even look like a token none.
    """

    kind = Kind.TOKEN

    def __init__(self, clock: Callable[[], float]) -> None:
        self._identities: Bounded[tuple[str, bytes], Identity] = Bounded(MAX_TOKENS, clock)

    def foresee(self, call: Call) -> Guess | None:
        """The token's record, and what its identity needs where that is known."""
        token = _token(call)
        if token is None:
            return None
        identity = self._identities.get((call.tenant, _digest(token)))
        record = _key(call.tenant, token)
        if identity is None:
            return Guess((record,), "")
        return Guess((record, *identity.records), identity.application_id, identity.user)

    def authenticate(self, call: Call) -> Identity | None:
        """Who calls; None for another kind of token, Refused for one that is not there."""
        token = _token(call)
        if token is None:
            return None
        record = call.view.get(_key(call.tenant, token))
        if record is None:
            raise Refused("900901")
        if record.expires <= call.now:
            raise Refused("900903")
        identity = self._identity(call.tenant, _digest(token), record)
        load(identity, call)
        if ended(identity, call):
            raise Refused("900901")
        return identity

    def _identity(self, tenant: str, digest: bytes, record: OpaqueToken) -> Identity:
        known = self._identities.get((tenant, digest))
        if known is not None:
            return known
        try:
            identity = identity_of(digest, record.claims, "")
        except InvalidToken as exc:
            raise Refused("900901") from exc
        if identity.tenant != tenant:
            raise Refused("900901")
        self._identities.put((tenant, digest), identity, record.expires)
        return identity


def _token(call: Call) -> str | None:
    token = token_of(call)
    return token if token and FORM.fullmatch(token) else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _key(tenant: str, token: str) -> Key[OpaqueToken]:
    # Not the cached `key`: texts that callers make up would push others' keys out.
    values = {"tenant": tenant, "digest": _digest(token).hex()}
    return Key(OpaqueToken, *PLACES["OpaqueToken"].key.fill(values))
