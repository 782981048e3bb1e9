"""An internal key: lets a publisher test one API before it is published, without a subscription."""

from collections.abc import Callable, Mapping
from typing import Any

from functions.authorizer.calls import Call, Guess, Identity, Kind, Refused
from functions.authorizer.credentials.identities import ended
from functions.authorizer.credentials.signed import KEYS, KeySet, Signed
from portico.domain.gateway import Revocation
from portico.domain.tenant import split_user
from portico.storage.readmodel import key
from portico.tokens.jwt import INTERNAL_KEY, InvalidToken

HEADER = "internal-key"


class InternalKeys:
    """Verifies internal keys; they are short-lived and name their API."""

    kind = Kind.INTERNAL

    def __init__(self, issuer: str, clock: Callable[[], float], keys: KeySet | None = None) -> None:
        self._signed = Signed(keys or KeySet(), issuer, INTERNAL_KEY, identity_of, clock)

    def foresee(self, call: Call) -> Guess | None:
        """What judging the key will need; None without one."""
        text = call.headers.get(HEADER)
        identity = self._signed.foresee(text, call) if text else None
        return Guess((KEYS, *identity.records), "", identity.user) if identity else None

    def authenticate(self, call: Call) -> Identity | None:
        """Who tests; None without a key, Refused when it does not hold or is another API's."""
        text = call.headers.get(HEADER)
        if text is None:
            return None
        identity = self._signed.identify(text.strip(), call)
        if identity.tenant != call.tenant or ended(identity, call):
            raise Refused("900901")
        if identity.api_id != call.api.api_id:
            raise Refused("900908")
        return identity


def identity_of(digest: bytes, claims: Mapping[str, Any], kid: str) -> Identity:
    """Whom the claims name; InvalidToken when they do not say what is needed."""
    names = ("tenant", "jti", "sub", "api")
    tenant, jti, user, api_id = (claims.get(name) for name in names)
    if not all(isinstance(one, str) and 0 < len(one) <= 256 for one in (tenant, jti, user, api_id)):
        raise InvalidToken("The key does not name its API, tenant or user")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise InvalidToken("The key has no usable times")
    revocation = key(Revocation, tenant=str(tenant), subject=str(jti))
    return Identity(
        digest=digest,
        kid=kid,
        tenant=str(tenant),
        client_id="",
        application_id="",
        key_type="SANDBOX" if claims.get("keytype") == "SANDBOX" else "PRODUCTION",
        user=split_user(str(user))[0],
        is_user=True,
        scopes=frozenset(),
        issued=issued,
        expires=expires,
        revocations=(revocation,),
        client=None,
        application=None,
        records=(revocation,),
        kind=Kind.INTERNAL,
        api_id=str(api_id),
    )
