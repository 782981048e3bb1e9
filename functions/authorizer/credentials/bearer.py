"""A bearer token in a header (RFC 6750 section 2.1): a signed access token of ours (RFC 9068)."""

from collections.abc import Callable

from functions.authorizer.calls import Call, Guess, Identity, Kind, Refused
from functions.authorizer.credentials.identities import ended, identity_of, token_of
from functions.authorizer.credentials.signed import KEYS, KeySet, Signed
from portico.tokens.jwt import ACCESS_TOKEN


class Bearer:
    """Verifies access tokens, each once until it expires; revocation is looked at on every call."""

    kind = Kind.TOKEN

    def __init__(self, issuer: str, clock: Callable[[], float], keys: KeySet | None = None) -> None:
        self._signed = Signed(keys or KeySet(), issuer, ACCESS_TOKEN, identity_of, clock)

    def foresee(self, call: Call) -> Guess | None:
        """Whom the token names: good for reading ahead and nothing else."""
        token = token_of(call)
        identity = self._signed.foresee(token, call) if token else None
        if identity is None:
            return None
        return Guess((KEYS, *identity.records), identity.application_id, identity.user)

    def authenticate(self, call: Call) -> Identity | None:
        """Who calls; None when there is no bearer token, Refused when it does not hold."""
        token = token_of(call)
        if token is None:
            return None
        identity = self._signed.identify(token, call)
        if ended(identity, call):
            raise Refused("900901")
        return identity
