"""The publisher's routes on fakes: the real resolver, services and bodies, no network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

from functions.publisher.handler import ROUTES
from functions.publisher.wiring import Wiring
from portico.domain.addresses import pin, target_of
from portico.domain.approvals import PendingTransition
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.records import Put
from portico.domain.scopes import scopes_of_roles
from portico.domain.user import ADMIN, CREATOR, PUBLISHER, Caller, User
from portico.lifecycle.engine import describe
from portico.services.approving import Approving
from portico.services.executing import Executing
from portico.services.internal_keys import InternalKeys
from portico.services.lifecycles import Lifecycles
from portico.services.policies import Policies, default_policies
from portico.services.previewing import Previewing
from portico.services.publishing import Publishing
from portico.services.revisions import Revisions
from portico.services.scheduling import Scheduling
from portico.services.subscribers import Subscribers
from portico.services.sunsetting import Sunsetting
from portico.services.transitions import Transitions
from portico.services.undoing import Undoing
from portico.services.uploads import Uploads
from portico.settings import Settings
from portico.web.contract import contract
from portico.web.rest import rest_app
from tests.events import Context, function_url_event
from tests.fakes import FakeClock, FakeDocuments, FakeRecords, FakeSigner

BASE = "/api/am/publisher/v4"
TENANT = "carbon.super"
BOUNDARY = "portico-boundary"


@dataclass
class FakeLifecycle:
    """The lifecycle function as far as the publisher sees it, on the real service."""

    transitions: Transitions
    failing: PorticoError | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    nudged: int = 0

    def transition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if self.failing:
            raise self.failing
        caller = Caller(request["tenant"], request["user"], tuple(request["roles"]))
        taken = Approving(self.transitions).take(
            caller,
            request["api_id"],
            request["event"],
            request["checklist"],
            request["stamp"],
            comment=request["comment"],
        )
        lifecycle = self.transitions.lifecycle_of(caller.tenant)
        if isinstance(taken, PendingTransition):
            return {**describe(lifecycle, taken.state), "waits": taken.id, "stamp": None}
        state = describe(lifecycle, taken.api.state)
        return {**state, "event": taken.step.event, "stamp": taken.api.stamp}

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        caller = Caller(request["tenant"], request["user"], tuple(request["roles"]))
        if request["request"] == "decide":
            approving = Approving(self.transitions)
            how = approving.approve if request["decision"] == "APPROVED" else approving.reject
            how(caller, request["pending"], request["comment"])
            return {"decision": request["decision"]}
        assert request["request"] == "undo"
        undone = Undoing(self.transitions, 3600).undo(
            caller, request["api_id"], request["stamp"], request["comment"]
        )
        state = describe(self.transitions.lifecycle_of(caller.tenant), undone.api.state)
        return {**state, "undone": undone.entry.event, "stamp": undone.api.stamp}

    def work_outbox(self) -> None:
        self.nudged += 1


@dataclass
class FakeDownloads:
    """Files by URL, behind the real guard; hosts resolve to `addresses`, public by default."""

    files: dict[str, bytes] = field(default_factory=dict)
    addresses: Sequence[str] = ("93.184.215.14",)

    def fetch(self, url: str, max_bytes: int) -> bytes:
        pin(target_of(url), self.addresses, ())
        if url not in self.files:
            raise InvalidInput.of("url", "the server answered 404")
        return self.files[url]


@dataclass
class FakeCallers:
    """Whoever the test says."""

    caller: Caller | None

    def of(self, event: object) -> Caller | None:
        return self.caller


@dataclass(frozen=True)
class Answer:
    """An answer of the function."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Publisher:
    """Calls the routes as one user; `as_user` calls them as another."""

    app: LambdaFunctionUrlResolver
    wiring: Wiring
    records: FakeRecords
    documents: FakeDocuments
    clock: FakeClock
    lifecycle: FakeLifecycle
    downloads: FakeDownloads
    caller: Caller | None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: int | None = None,
    ) -> Answer:
        event = function_url_event(
            method, BASE + path, body=body, headers=dict(headers or {}), query=dict(query or {})
        )
        self.app.append_context(services=self.wiring, callers=FakeCallers(self.caller))
        raw = self.app.resolve(event, Context())
        found = {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
        answer = Answer(raw["statusCode"], found, raw.get("body") or "")
        if expect is not None:
            assert answer.status == expect, answer.text
        return answer

    def form(self, method: str, path: str, parts: Mapping[str, Any], **more: Any) -> Answer:
        """A multipart request; a bytes value is a file part, text a field."""
        kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self.call(method, path, multipart(parts), headers=kind, **more)

    def as_user(self, user: str, *roles: str, tenant: str = TENANT) -> "Publisher":
        caller = Caller(tenant, user, roles, frozenset(scopes_of_roles(roles)))
        return Publisher(**{**vars(self), "caller": caller})

    def create(self, **fields: Any) -> Any:
        """A new API with these fields over usual ones."""
        return self.call("POST", "/apis", new_api(**fields), expect=201).json


def new_api(**fields: Any) -> dict[str, Any]:
    """A body that makes an API."""
    url = "https://backend.example.com/pizza"
    return {
        "name": "Pizza",
        "version": "1.0.0",
        "context": "/pizza",
        "policies": ["Bronze"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": url}},
        **fields,
    }


def multipart(parts: Mapping[str, Any]) -> bytes:
    """A multipart/form-data body."""
    lines = []
    for name, value in parts.items():
        file = f'; filename="{name}.yaml"' if isinstance(value, bytes) else ""
        content = value if isinstance(value, bytes) else str(value).encode()
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines.append(head.encode() + content + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def publisher() -> Publisher:
    """The routes with a prepared tenant, called by `jane`, who creates and publishes."""
    records, documents, clock = FakeRecords(), FakeDocuments(), FakeClock()
    for tenant in (TENANT, "acme.com"):
        records.commit(*(Put(policy) for policy in default_policies(tenant)))
        for name in ("admin", "jane", "peter"):
            records.commit(Put(User(tenant=tenant, name=name, id=name, password="")))
    lifecycles = Lifecycles(records, clock)
    transitions = Transitions(records, documents, clock, lifecycles.current)
    lifecycle, downloads = FakeLifecycle(transitions), FakeDownloads()
    settings = Settings(
        gateway_url="https://gateway.example.com", store_url="https://store.example.com"
    )
    wiring = Wiring(
        settings=settings,
        publishing=Publishing(records, documents, clock, lifecycle_of=lifecycles.current),
        uploads=Uploads(documents),
        downloads=downloads,
        revisions=Revisions(records, documents, clock),
        lifecycles=lifecycles,
        transitions=transitions,
        lifecycle=lifecycle,
        previewing=Previewing(transitions),
        undoing=Undoing(transitions, 3600),
        scheduling=Scheduling(transitions),
        approving=Approving(transitions),
        executing=Executing(records, documents, clock),
        sunsetting=Sunsetting(records, clock),
        subscribers=Subscribers(records, clock),
        policies=Policies(records, clock),
        internal_keys=InternalKeys(records, clock, FakeSigner()),
    )
    # Routers belong to the application that took them in last, so each test has its own.
    app = rest_app([contract("publisher")], [one.router for one in ROUTES])
    nobody = Publisher(app, wiring, records, documents, clock, lifecycle, downloads, None)
    return nobody.as_user("jane", CREATOR, PUBLISHER)


@pytest.fixture
def admin(publisher: Publisher) -> Publisher:
    """The same, called by an administrator."""
    return publisher.as_user("admin", ADMIN)
