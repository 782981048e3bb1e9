"""`/workflows` of the Admin REST API: what waits is shown, and the lifecycle function decides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from functions.admin import handler
from portico.domain.approvals import PendingTransition
from portico.domain.errors import Forbidden, PorticoError
from portico.domain.records import Put, Remove
from tests.conftest import Aws
from tests.functions.admin.conftest import TENANT, Client
from tests.functions.admin.test_contract import Conforms
from tests.functions.admin.test_contract import conforms as conforms

UPDATE = "/workflows/update-workflow-status"


@dataclass
class FakeLifecycle:
    """Notes what the lifecycle function is asked."""

    asked: list[Mapping[str, Any]] = field(default_factory=list)
    failing: PorticoError | None = None

    def transition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("nothing is taken here")

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if self.failing:
            raise self.failing
        return {"decision": request["decision"]}

    def work_outbox(self) -> None:
        raise AssertionError("nothing is left to do here")


@pytest.fixture
def lifecycle(client: Client, monkeypatch: pytest.MonkeyPatch) -> FakeLifecycle:
    services, callers = handler.wiring()
    fake = FakeLifecycle()
    monkeypatch.setattr(handler, "wiring", lambda: (replace(services, lifecycle=fake), callers))
    return fake


@pytest.fixture
def pending(aws: Aws) -> Iterator[PendingTransition]:
    made = PendingTransition(
        tenant=TENANT,
        api_id="a1",
        id="11111111-0000-4000-8000-000000000000",
        api_name="Pizza",
        api_version="1.0.0",
        api_provider="jane",
        event="Publish",
        state="CREATED",
        target="Published",
        comment="please",
        user="jane",
        created=1_581_329_419_704,
    )
    aws.records.commit(Put(made), Put(replace(made, tenant="acme.com", id="other")))
    yield made
    stored = aws.records.get(PendingTransition, by="id", tenant=TENANT, id=made.id)
    assert stored
    aws.records.commit(Remove(stored))


def test_what_waits_is_shown(
    client: Client, conforms: Conforms, pending: PendingTransition
) -> None:
    found = client.rest("GET", "/workflows")
    assert found.status == 200
    conforms("WorkflowList", found.json)
    (row,) = found.json["list"]
    conforms("WorkflowInfo", row)
    assert row["referenceId"] == pending.id
    assert (row["workflowType"], row["workflowStatus"]) == ("API_STATE", "CREATED")
    assert row["createdTime"] == "2020-02-10 10:10:19.704"
    assert (row["properties"]["action"], row["properties"]["apiName"]) == ("Publish", "Pizza")
    one = client.rest("GET", f"/workflows/{pending.id}")
    assert (one.status, one.json) == (200, row)
    assert client.rest("GET", "/workflows/other").status == 404


def test_lists_are_filtered_and_paged(client: Client, pending: PendingTransition) -> None:
    for query, count in (
        ("workflowType=AM_API_STATE", 1),
        ("workflowType=AM_USER_SIGNUP", 0),
        ("offset=1", 0),
        ("limit=0", 0),
    ):
        assert client.rest("GET", "/workflows", query=query).json["count"] == count
    assert client.rest("GET", "/workflows", query="workflowType=LUNCH").status == 400


@pytest.mark.parametrize("status", ["APPROVED", "REJECTED"])
def test_a_decision_is_handed_on(
    client: Client, lifecycle: FakeLifecycle, conforms: Conforms, status: str
) -> None:
    body = {"status": status, "attributes": {}, "description": "fine"}
    done = client.rest("POST", UPDATE, body, query="workflowReferenceId=1")
    assert done.status == 200, done.text
    conforms("Workflow", done.json)
    assert done.json["status"] == status
    assert lifecycle.asked == [
        {
            "request": "decide",
            "tenant": TENANT,
            "user": "admin",
            "roles": ["admin"],
            "pending": "1",
            "decision": status,
            "comment": "fine",
        }
    ]


def test_what_the_lifecycle_function_refuses_is_told(
    client: Client, lifecycle: FakeLifecycle
) -> None:
    lifecycle.failing = Forbidden("A second person must decide")
    body = {"status": "APPROVED"}
    done = client.rest("POST", UPDATE, body, query="workflowReferenceId=1")
    assert (done.status, done.json["description"]) == (403, "A second person must decide")


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"status": "APPROVED"}, ""),
        ({"status": "MAYBE"}, "workflowReferenceId=1"),
        ({}, "workflowReferenceId=1"),
        ({"status": "APPROVED", "attributes": {"a": 1}}, "workflowReferenceId=1"),
        ({"status": "APPROVED", "when": "now"}, "workflowReferenceId=1"),
    ],
)
def test_a_malformed_decision_decides_nothing(
    client: Client, lifecycle: FakeLifecycle, body: dict[str, Any], query: str
) -> None:
    assert client.rest("POST", UPDATE, body, query=query).status == 400
    assert lifecycle.asked == []


def test_a_publisher_may_not(client: Client, lifecycle: FakeLifecycle) -> None:
    token = client.token("jane", "apim:api_publish")
    assert client.rest("GET", "/workflows", authorization=token).status == 401
    body = {"status": "APPROVED"}
    query = "workflowReferenceId=1"
    done = client.rest("POST", UPDATE, body, query=query, authorization=token)
    assert (done.status, lifecycle.asked) == (401, [])
