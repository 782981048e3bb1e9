"""The backend JWT of a call: signed once for each caller and API, and used until shortly before it
expires.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from functions.authorizer.calls import Call
from functions.authorizer.steps.ruling import rules_of, user_of
from portico.domain.backend_jwt import DIALECT, ES256, BackendJwtRules
from portico.domain.bounded import Bounded
from portico.domain.errors import Unavailable
from portico.tokens.claims import LIFETIME, Caller, backend_claims
from portico.tokens.jwt import sign, sign_padded
from portico.tokens.keys import SigningKey, signing_key

LONGEST = 4095  # characters: below 4 KB, for all headers together may have 10 KB
MARGIN = 60  # seconds of life that a back end can count on
MAX_ASSERTIONS = 5_000  # about 1.5 KB each
KEY_SECONDS = 300  # how long a signing key is used before the secret is read again
MISSING_SECONDS = 10  # how long a secret without a key of the kind is believed
RETRY_SECONDS = 5  # how long an assertion serves that an extension should have added to
DEFAULTS = BackendJwtRules(tenant="*")


class Added(NamedTuple):
    """What an extension adds to the claims; not `whole` when it failed and need not succeed."""

    claims: Mapping[str, Any]
    whole: bool = True


NOTHING = Added({})


class Extension(Protocol):
    """Asks the tenant's extension: by the claims of an assertion that is to be made, or None for a
    step of the pipeline, which sees the request. Raises Refused, Unavailable.
    """

    def __call__(
        self, call: Call, rules: BackendJwtRules, claims: Mapping[str, Any] | None
    ) -> Added: ...


class Signer:
    """The keys that sign, from a secret that is read again from time to time, so that they can be
    rotated.
    """

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._read = read
        self._clock = clock
        self._text = ""
        self._keys: dict[str, SigningKey] = {}  # by algorithm
        self._until: dict[str, float] = {}

    def key(self, alg: str = ES256) -> SigningKey:
        """The current key. An unanswered read keeps the one in use; without any, raises
        Unavailable.
        """
        now = self._clock()
        if self._until.get(alg, 0.0) <= now:
            try:
                text = self._read()
            except Unavailable:
                if alg not in self._keys:
                    raise
                text = self._text
            try:
                # The same text may hold a key that has begun to sign since.
                self._keys[alg], self._text = signing_key(text, now, alg), text
                self._until[alg] = now + KEY_SECONDS
            except LookupError:
                self._until[alg] = now + MISSING_SECONDS
        if alg not in self._keys:
            raise Unavailable(f"There is no key for {alg}; the deployment's bootstrap makes it")
        return self._keys[alg]


class Assertions:
    """Makes and keeps backend JWTs. `extension` is asked where a tenant has one; `notice` is told
    which claims an assertion had to go without.
    """

    def __init__(
        self,
        signer: Signer,
        clock: Callable[[], float] = time.time,
        extension: Extension | None = None,
        notice: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._extension = extension
        self._notice = notice
        self._made: Bounded[tuple[object, ...], str] = Bounded(MAX_ASSERTIONS, clock)

    def extend(self, call: Call) -> None:
        """As a step of the pipeline: the tenant's extension adds claims or refuses, on every call
        if the tenant wants that.
        """
        rules = rules_of(call)
        if rules is None or not rules.extension_every_call or call.preflight:
            return
        if rules.extension and self._extension is not None:
            call.added = self._extension(call, rules, None).claims

    def of(self, call: Call) -> str:
        """The signed assertion for this caller and API; never empty."""
        identity, application, grant, api = call.identity, call.application, call.grant, call.api
        rules = rules_of(call)
        # All that the claims are made of: a change of one of them makes a new assertion.
        name: tuple[object, ...] = (
            identity and identity.digest,
            call.tenant,
            api.context,
            api.version,
            api.name,
            grant and grant.policy,
            application and application.stamp,
        )
        told: Mapping[str, str] = {}
        if rules is not None:
            told = _told(call, rules) if rules.claims else {}
            name += (rules.stamp, *told.items(), call.preflight, _text(call.added))
        made = self._made.get(name)
        if made is None:
            made, seconds = self._make(call, rules or DEFAULTS, told)
            self._made.put(name, made, int(self._clock()) + seconds)
        return made

    def _make(
        self, call: Call, rules: BackendJwtRules, told: Mapping[str, str]
    ) -> tuple[str, float]:
        """An assertion, and for how many seconds it is used."""
        api, key = call.api, self._signer.key(rules.algorithm)
        own = backend_claims(
            _caller(call),
            api_name=api.name,
            api_context=api.context,
            api_version=api.version,
            now=int(self._clock()),
            dialect=rules.dialect,
        )
        added = NOTHING if call.added is None else Added(call.added)
        if call.added is None and rules.extension and not call.preflight and self._extension:
            added = self._extension(call, rules, {**told, **own})
        seconds = LIFETIME - MARGIN if added.whole else RETRY_SECONDS
        if rules.old:
            own["exp"] *= 1000
        # What goes first when it is too long: free text of developers, the users' claims from the
        # last to the dearest, and what the extension added, of which half might mislead.
        attributes = f"{rules.dialect}/applicationAttributes"
        steps = [{attributes}, *({name} for name in reversed(list(told))), set(added.claims)]
        claims = {**told, **added.claims, **own}
        write = sign_padded if rules.padded else sign
        made, missing = write(claims, key), []
        for names in steps:
            if len(made) <= LONGEST:
                break
            missing += [name for name in sorted(names) if name in claims]
            claims = {name: value for name, value in claims.items() if name not in names}
            made = write(claims, key)
        if missing:
            self._notice(
                "A backend JWT has no room for all claims",
                tenant=call.tenant,
                api=api.api_id,
                missing=missing,
            )
        return made, seconds


def _text(added: Mapping[str, Any] | None) -> str:
    return json.dumps(added, sort_keys=True) if added else ""


def _told(call: Call, rules: BackendJwtRules) -> dict[str, str]:
    """The end user's claims that the tenant wants told, under the tenant's dialect."""
    user = user_of(call)
    if user is None:
        return {}
    prefix = f"{DIALECT}/"
    return {
        f"{rules.dialect}/{uri.removeprefix(prefix)}" if uri.startswith(prefix) else uri: text
        for uri in rules.claims
        if (text := user.claims.get(uri))
    }


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
