"""An API from its publisher's words to a delivered call: services, authorizer and forwarder, with
back ends on loopback.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from functions.gateway.answers import Answer
from functions.gateway.backends import Backends
from functions.gateway.caching import Cache
from functions.gateway.delivering import Delivering
from functions.gateway.forward import Forwarder, NotDelivered
from functions.gateway.plans import Plans
from functions.publisher.bodies.api_answers import api_body
from functions.publisher.bodies.apis import ApiBody
from portico.domain.api import Api, Revision
from portico.domain.gateway import DeliveryPlan, Deployment, RequestSchemas
from portico.domain.records import Put
from portico.domain.user import Caller
from portico.services.definitions import reading
from portico.services.policies import default_policies
from portico.services.publishing import Publishing
from portico.services.revisions import Revisions
from tests.fakes import FakeClock, FakeDocuments, FakeRecords, FakeSealer
from tests.functions.authorizer.world import TENANT, World

JANE = Caller(
    TENANT, "jane", ("Internal/creator", "Internal/publisher"), frozenset({"apim:api_create"})
)
HOSTS = ("127.0.0.1", "pizza.example", "burger.example")


@dataclass
class Shop:
    """One API; what it is and who calls is a test's to say."""

    records: FakeRecords = field(default_factory=FakeRecords)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    sealer: FakeSealer = field(default_factory=FakeSealer)
    clock: FakeClock = field(default_factory=FakeClock)
    seconds: float = 5.0
    api: Api | None = None

    def __post_init__(self) -> None:
        self.records.commit(*(Put(policy) for policy in default_policies(TENANT)))
        self.publishing = Publishing(
            self.records, self.documents, self.clock, HOSTS, sealer=self.sealer
        )
        self.revisions = Revisions(self.records, self.documents, self.clock)
        self.backends = Backends(HOSTS, resolve=lambda host, port: ["127.0.0.1"])
        self.forwarder = Forwarder(self.backends, seconds=self.seconds)
        self.world = World()
        self.plans = Plans(lambda: self.world.model, lambda: self.sealer, self.forwarder)
        self.cache = Cache(self.clock.now)
        self.noted: list[tuple[str, str]] = []
        self.delivering = Delivering(
            self.forwarder,
            lambda: self.plans,
            self.cache,
            lambda url, failure: self.noted.append((url, failure.code)),
        )

    def create(self, definition: Any = None, **fields: Any) -> dict[str, Any]:
        """The API as it is given back."""
        draft = ApiBody.model_validate(self.body(**fields)).draft()
        read = reading.read(json.dumps(definition).encode()) if definition else None
        self.api = self.publishing.create(JANE, draft, read)
        return api_body(self.api)

    def update(self, **fields: Any) -> dict[str, Any]:
        assert self.api
        changes = ApiBody.model_validate(self.body(**fields)).changes()
        self.api = self.publishing.update(JANE, self.api.id, changes)
        return api_body(self.api)

    def body(self, **fields: Any) -> dict[str, Any]:
        return {
            "name": "Pizza",
            "version": "1.0.0",
            "context": "/pizza",
            "policies": ["Gold"],
            **fields,
        }

    def deploy(self) -> Revision:
        assert self.api
        revision = self.revisions.create(JANE, self.api.id)
        deployed = self.revisions.deploy(JANE, self.api.id, revision.id)
        self.mirror()
        return deployed

    def mirror(self) -> None:
        """What was written to the Gateway table, as the authorizer and the gateway read it."""
        for record in list(self.records.items.values()):
            if isinstance(record, Deployment):
                # Open, so that a test needs no token; `token` in a decision is another's test.
                self.world.source.put(replace(record, access="open"))
            elif isinstance(record, DeliveryPlan | RequestSchemas):
                self.world.source.put(record)

    def decide(self, method: str, path: str) -> dict[str, Any]:
        return self.world.judge(method, f"/pizza/1.0.0{path}")

    def call(
        self,
        method: str = "GET",
        path: str = "/menu",
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: str | None = None,
        **decision: Any,
    ) -> Answer:
        event = {
            "rawQueryString": query,
            "headers": {"host": "gateway.example", **(headers or {})},
            "requestContext": {"http": {"method": method, "sourceIp": "203.0.113.7"}},
            "body": body,
        }
        decided = {**self.decide(method, path), **decision}
        return self.delivering.deliver(event, decided)

    def fault(self, *args: Any, **named: Any) -> str:
        try:
            answer = self.call(*args, **named)
        except NotDelivered as failure:
            return f"{failure.code} {failure.told}".strip()
        raise AssertionError(f"delivered: {answer}")

    def close(self) -> None:
        self.backends.close()


def one(url: str, **more: Any) -> dict[str, Any]:
    """A simple endpoint."""
    return {"endpoint_type": "http", "production_endpoints": {"url": url}, **more}


def secured(url: str, **security: Any) -> dict[str, Any]:
    return one(url, endpoint_security={"production": {"enabled": True, **security}})


def several(kind: str, urls: Sequence[str], **config: Any) -> dict[str, Any]:
    """Endpoints of a kind, each with the same advanced settings."""
    each = [{"url": url, "config": config} for url in urls]
    if kind == "load_balance":
        return {"endpoint_type": kind, "production_endpoints": each}
    return {
        "endpoint_type": kind,
        "production_endpoints": each[0],
        "production_failovers": each[1:],
    }
