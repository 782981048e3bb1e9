"""The backend JWT of a call: signed once for each caller and API, and used until shortly before it
expires.
"""

import time
from collections.abc import Callable

from functions.authorizer.calls import Call
from portico.domain.bounded import Bounded
from portico.domain.errors import Unavailable
from portico.tokens.claims import DIALECT, LIFETIME, Caller, backend_claims
from portico.tokens.jwt import sign
from portico.tokens.keys import SigningKey, signing_key

LONGEST = 4096  # characters; all headers together may have 10 KB
MARGIN = 60  # seconds of life that a back end can count on
MAX_ASSERTIONS = 5_000  # about 1.5 KB each
KEY_SECONDS = 300  # how long a signing key is used before the secret is read again


class Signer:
    """The key that signs, from a secret that is read again from time to time, so that it can be
    rotated.
    """

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._read = read
        self._clock = clock
        self._text = ""
        self._key: SigningKey | None = None
        self._until = 0.0

    def key(self) -> SigningKey:
        """The current key. An unanswered read keeps the one in use; without any, raises
        Unavailable.
        """
        if self._key is None or self._until <= self._clock():
            try:
                text = self._read()
            except Unavailable:
                if self._key is None:
                    raise
                text = self._text
            # The same text may hold a key that has begun to sign since.
            self._key, self._text = signing_key(text, self._clock()), text
            self._until = self._clock() + KEY_SECONDS
        return self._key


class Assertions:
    """Makes and keeps backend JWTs."""

    def __init__(self, signer: Signer, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._clock = clock
        self._made: Bounded[tuple[object, ...], str] = Bounded(MAX_ASSERTIONS, clock)

    def of(self, call: Call) -> str:
        """The signed assertion for this caller and API; never empty."""
        identity, application, grant, api = call.identity, call.application, call.grant, call.api
        # All that the claims are made of: a change of one of them makes a new assertion.
        name = (
            identity and identity.digest,
            call.tenant,
            api.context,
            api.version,
            api.name,
            grant and grant.policy,
            application and application.stamp,
        )
        made = self._made.get(name)
        if made is None:
            now = int(self._clock())
            claims = backend_claims(
                _caller(call),
                api_name=api.name,
                api_context=api.context,
                api_version=api.version,
                now=now,
            )
            made = sign(claims, self._signer.key())
            if len(made) > LONGEST:
                # Attributes are free text of the application's owner; the rest is bounded.
                claims.pop(f"{DIALECT}/applicationAttributes", None)
                made = sign(claims, self._signer.key())
            self._made.put(name, made, now + LIFETIME - MARGIN)
        return made


def _caller(call: Call) -> Caller:
    identity, application, grant = call.identity, call.application, call.grant
    if identity and not application:
        # A user with a password, or whoever tests the API: no application stands behind them.
        return Caller(
            tenant=identity.tenant,
            end_user=identity.user,
            user_type="APPLICATION_USER",
            key_type=identity.key_type,
        )
    if not identity or not application or not grant:
        return Caller(tenant=call.tenant)
    return Caller(
        tenant=identity.tenant,
        end_user=identity.user or application.owner,
        user_type="APPLICATION_USER" if identity.is_user else "APPLICATION",
        key_type=identity.key_type,
        subscriber=application.owner,
        application_id=application.application_id,
        application_number=application.number,
        application_name=application.name,
        application_policy=application.policy,
        application_attributes=application.attributes,
        policy=grant.policy,
    )
