"""A gateway without AWS: a read model over records in a dict, counters in memory, real keys and
tokens.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from functions.authorizer.assertions import Assertions, Signer
from functions.authorizer.calls import Call
from functions.authorizer.credentials.api_keys import ApiKeys
from functions.authorizer.credentials.basic import Basic, Known
from functions.authorizer.credentials.bearer import Bearer
from functions.authorizer.credentials.internal import InternalKeys
from functions.authorizer.credentials.opaque import Opaque
from functions.authorizer.credentials.signed import KeySet
from functions.authorizer.extensions import Extensions
from functions.authorizer.leases import Count, Draw, Drawn
from functions.authorizer.pipeline import Pipeline
from functions.authorizer.throttling import Throttling
from portico.domain.errors import Unavailable
from portico.domain.gateway import (
    Deployment,
    GatewayApplication,
    GatewayClient,
    Grant,
    PolicyTable,
    PublicKeys,
)
from portico.domain.records import Record
from portico.storage.keys import PLACES
from portico.storage.readmodel import Key, ReadModel
from portico.tokens.jwt import ACCESS_TOKEN, API_KEY, INTERNAL_KEY, sign
from portico.tokens.keys import SigningKey, generate, public_jwk, signing_key
from tests.fakes import FakeClock

TENANT = "carbon.super"
ISSUER = "https://gateway.example/oauth2/token"


@cache
def secret(alg: str, number: int) -> str:
    """A secret with one key; the same in all tests, for making RSA keys takes time."""
    return json.dumps({"keys": [generate(alg, number)]})


def signer(alg: str, number: int = 0) -> SigningKey:
    return signing_key(secret(alg, number))


@dataclass
class FakeSource:
    """The Gateway table in a dict; `reads` are the keys of each request."""

    items: dict[tuple[str, str], Record] = field(default_factory=dict)
    reads: list[list[Key[Any]]] = field(default_factory=list)
    failing: Exception | None = None

    def put(self, record: Record) -> None:
        for pair in (
            PLACES[type(record).__name__].key,
            *PLACES[type(record).__name__].also.values(),
        ):
            at = pair.fill(vars(record))
            stamp = self.items[at].stamp if at in self.items else 0
            self.items[at] = replace(record, stamp=stamp + 1)

    def remove(self, record: Record) -> None:
        for pair in (
            PLACES[type(record).__name__].key,
            *PLACES[type(record).__name__].also.values(),
        ):
            del self.items[pair.fill(vars(record))]

    def read(self, wanted: Sequence[Key[Any]]) -> dict[Key[Any], Record]:
        if self.failing:
            raise self.failing
        self.reads.append(list(wanted))
        return {
            each: self.items[each.pk, each.sk]
            for each in wanted
            if (each.pk, each.sk) in self.items
        }

    def any_below(self, tenant: str, prefix: str) -> bool:
        self.reads.append([])
        pk, below = (
            PLACES["Deployment"].also["all"].fill({"tenant": tenant, "prefix": f"{prefix}/"})
        )
        return any(at[0] == pk and at[1].startswith(below) for at in self.items)


@dataclass
class FakeCounters:
    """Counters in a dict; like the table, they tell the value of a single one only.

    `lost` draws are granted, but their answers do not arrive.
    """

    counts: dict[tuple[str, int], Count] = field(default_factory=dict)
    draws: int = 0
    looks: int = 0
    lost: int = 0
    failing: Exception | None = None

    @property
    def granted(self) -> dict[tuple[str, int], int]:
        return {at: count.granted for at, count in self.counts.items()}

    def draw(self, draws: Sequence[Draw]) -> Drawn:
        if self.failing:
            raise self.failing
        self.draws += 1
        before = [self._count(draw.name, draw.start) for draw in draws]
        fits = [draw.fits(count) for draw, count in zip(draws, before, strict=True)]
        if not all(fits):
            told = zip(fits, before, strict=True)
            return Drawn(False, [None if fit else count for fit, count in told])
        for draw, (granted, lent) in zip(draws, before, strict=True):
            self.counts[draw.name, draw.start] = Count(granted + draw.wanted, lent + draw.lending)
        if self.lost:
            self.lost -= 1
            raise Unavailable("The answer was lost")
        if len(draws) > 1:
            return Drawn(True, [None] * len(draws))
        return Drawn(True, [self._count(draws[0].name, draws[0].start)])

    def look(self, wanted: Sequence[tuple[str, int, int]]) -> list[Count]:
        if self.failing:
            raise self.failing
        self.looks += 1
        return [self._count(name, start) for name, _, start in wanted]

    def _count(self, name: str, start: int) -> Count:
        return self.counts.get((name, start), Count(0, 0))


@dataclass
class FakePasswords:
    """Users with their passwords and roles in a dict; `asked` are the names that were checked."""

    users: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: Exception | None = None

    def check(self, tenant: str, name: str, password: str, address: str) -> Known | None:
        if self.failing:
            raise self.failing
        self.asked.append(name)
        user, _, home = name.rpartition("@")
        where, who = (home, user) if user else (tenant, name)
        known = self.users.get((where, who))
        if known is None or known[0] != password:
            return None
        return Known(where, who, frozenset(known[1]))


RESOURCES: list[list[Any]] = [
    ["/menu", "GET", "Application & Application User", [], "Unlimited"],
    ["/menu/{item}", "GET", "None", [], "Unlimited"],
    ["/order", "POST", "Application & Application User", ["order", "admin"], "Unlimited"],
    ["/order/{id}", "GET", "Application User", [], "Unlimited"],
    ["/machine", "GET", "Application", [], "Unlimited"],
    ["/rare", "GET", "Application & Application User", [], "10KPerMin"],
]

PIZZA = Deployment(
    tenant=TENANT,
    prefix="/pizza/1.0.0",
    api_id="api-1",
    name="PizzaShop",
    version="1.0.0",
    context="/pizza/1.0.0",
    provider="publisher",
    state="PUBLISHED",
    access="token",
    revision_id="rev-1",
    resources=RESOURCES,
    production_endpoint="http://pizza.example/v1",
)
GRANT = Grant(
    tenant=TENANT,
    application_id="app-1",
    prefix="/pizza/1.0.0",
    api_id="api-1",
    subscription_id="sub-1",
    status="UNBLOCKED",
    policy="Gold",
)
APPLICATION = GatewayApplication(
    tenant=TENANT,
    application_id="app-1",
    number=7,
    name="Phone",
    owner="dora",
    policy="50PerMin",
    attributes={"colour": "red"},
)
CLIENT = GatewayClient(
    tenant=TENANT, client_id="key-1", application_id="app-1", key_type="PRODUCTION"
)
POLICIES = PolicyTable(
    tenant=TENANT,
    policies={
        "subscription": {
            "Gold": [5000, 60, True],
            "Three": [3, 60, True],
            "Soft": [3, 60, False],
            "Unlimited": [0, 0, True],
            "Unauthenticated": [500, 60, True],
        },
        "application": {
            "50PerMin": [50, 60, True],
            "Two": [2, 60, True],
            "Unlimited": [0, 0, True],
        },
        "api": {"10KPerMin": [4, 60, True], "Unlimited": [0, 0, True]},
    },
)


class World:
    """One environment of the authorizer and the table that it reads."""

    def __init__(self, cache_seconds: float = 5.0) -> None:
        self.clock = FakeClock()
        self.source = FakeSource()
        self.counters = FakeCounters()
        self.model = ReadModel(self.source, cache_seconds, self.clock.now)
        self.secret = secret("ES256", 0)
        self.passwords = FakePasswords()
        self.functions: Any = None  # a client of Lambda
        self.notices: list[tuple[str, dict[str, Any]]] = []
        self.pipeline = Pipeline(
            credentials=self._credentials(cache_seconds),
            throttling=Throttling(self.counters, self.clock.now),
            assertions=Assertions(
                Signer(lambda: self.secret, self.clock.now),
                self.clock.now,
                Extensions(("acme_plugins",), self._functions, self._notice),
                self._notice,
            ),
            clock=self.clock.now,
        )
        for record in (PIZZA, GRANT, APPLICATION, CLIENT, POLICIES, public_keys()):
            self.source.put(record)

    def _functions(self, seconds: float) -> Any:
        return self.functions

    def _notice(self, message: str, **more: Any) -> None:
        self.notices.append((message, more))

    def _credentials(self, seconds: float) -> tuple[Any, ...]:
        keys, now = KeySet(), self.clock.now
        return (
            InternalKeys(ISSUER, now, keys),
            Opaque(now),
            Bearer(ISSUER, now, keys),
            ApiKeys(ISSUER, now, keys),
            Basic(self.passwords, seconds, now),
        )

    def judge(
        self,
        method: str = "GET",
        path: str = "/pizza/1.0.0/menu",
        token: str | None = None,
        query: str = "",
        address: str = "203.0.113.7",
        **headers: str,
    ) -> dict[str, Any]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        call = Call(
            method=method,
            path=path,
            headers=given,
            source_ip=address,
            query=query,
            view=self.model.view(),
            now=self.clock.now(),
        )
        return self.pipeline.judge(call)

    def token(self, key: SigningKey | None = None, typ: str = ACCESS_TOKEN, **changes: Any) -> str:
        now = int(self.clock.now())
        claims = {
            "iss": ISSUER,
            "sub": "key-1",
            "aud": "key-1",
            "client_id": "key-1",
            "azp": "key-1",
            "scope": "default",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "jti": "token-1",
            "aut": "APPLICATION",
            "keytype": "PRODUCTION",
            "app": "app-1",
            "owner": "dora",
            "tenant": TENANT,
            "fam": "family-1",
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return sign(claims, key or signer("RS256"), typ)

    def api_key(self, key: SigningKey | None = None, typ: str = API_KEY, **changes: Any) -> str:
        """A self-contained API key."""
        return sign(self.api_key_claims(**changes), key or signer("RS256"), typ)

    def api_key_claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now())
        claims = {
            "iss": ISSUER,
            "sub": "dora@carbon.super",
            "jti": "key-id-1",
            "iat": now,
            "exp": now + 3600,
            "tenant": TENANT,
            "keytype": "PRODUCTION",
            "permittedIP": "",
            "permittedReferer": "",
            "application": {"uuid": "app-1", "owner": "dora"},
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def internal_key(self, typ: str = INTERNAL_KEY, **changes: Any) -> str:
        now = int(self.clock.now())
        claims = {
            "iss": ISSUER,
            "sub": "pia@carbon.super",
            "jti": "internal-1",
            "iat": now,
            "exp": now + 900,
            "tenant": TENANT,
            "keytype": "PRODUCTION",
            "api": "api-1",
            **changes,
        }
        return sign(claims, signer("RS256"), typ)

    def user_token(self, **changes: Any) -> str:
        return self.token(aut="APPLICATION_USER", sub="jane@carbon.super", **changes)


def public_keys(*access: SigningKey) -> PublicKeys:
    keys = access or (signer("RS256"),)
    return PublicKeys(
        tenant="*",
        keys=[public_jwk(key) for key in (*keys, signer("ES256"))],
        access=tuple(key.kid for key in keys),
    )
