"""Undo, planned transitions and decisions of a second person, asked of the lifecycle function on
the embedded AWS.
"""

import time
from typing import Any

import pytest

from functions.lifecycle import handler as function
from portico.domain.api import Api, HistoryEntry
from portico.domain.approvals import PendingTransition
from portico.domain.plans import Plan
from portico.domain.records import Put
from portico.domain.user import PUBLISHER, Caller, User
from portico.lifecycle.scxml_writer import write
from portico.services.activating import Activating
from portico.services.executing import standard
from portico.services.lifecycles import Lifecycles
from portico.services.scheduling import Scheduling
from tests.conftest import Aws
from tests.events import Context
from tests.functions.lifecycle.test_handler import Ask, deployment, of, stored
from tests.functions.lifecycle.test_handler import ask as ask
from tests.functions.lifecycle.test_handler import http_api as http_api
from tests.services.test_approving import asking

JANE = Caller("carbon.super", "jane", (PUBLISHER,))


@pytest.fixture
def pizza(aws: Aws) -> Api:
    for name in ("jane", "pat"):
        user = User(tenant="carbon.super", name=name, id=name, password="x", roles=(PUBLISHER,))
        aws.records.commit(Put(user))
    return stored(aws, f"planned-{time.time_ns()}")


def request(kind: str, api: Api, **more: Any) -> dict[str, Any]:
    asked = {"tenant": api.tenant, "api_id": api.id, "user": "jane", "roles": [PUBLISHER]}
    return function.handler({"request": kind, **asked, **more}, Context())


def history(aws: Aws, api: Api) -> list[HistoryEntry]:
    return aws.records.list(HistoryEntry, tenant=api.tenant, api_id=api.id)


def test_a_transition_is_undone(aws: Aws, ask: Ask, pizza: Api) -> None:
    published = ask(pizza, "Publish")["ok"]
    assert deployment(aws, pizza)
    stale = request("undo", pizza, stamp=published["stamp"] - 1)
    assert stale["error"]["type"] == "Stale"
    done = request("undo", pizza, stamp=published["stamp"], comment="too early")["ok"]
    assert (done["undone"], done["state"], done["pending"]) == ("Publish", "Created", 0)
    assert deployment(aws, pizza) is None
    assert (of(aws, pizza).state, of(aws, pizza).stamp) == ("CREATED", done["stamp"])
    assert [one.comment for one in history(aws, pizza)] == ["", "too early"]
    again = request("undo", pizza)
    assert again["error"]["type"] == "TransitionRefused"


@pytest.mark.parametrize("change", [{"user": ""}, {"roles": "x"}, {"comment": "x" * 501}])
def test_a_malformed_undo_changes_nothing(
    aws: Aws, ask: Ask, pizza: Api, change: dict[str, Any]
) -> None:
    ask(pizza, "Publish")
    assert request("undo", pizza, **change)["error"]["type"] == "InvalidInput"
    assert of(aws, pizza).state == "PUBLISHED"


def test_a_plan_is_carried_out_when_it_is_called_for(aws: Aws, ask: Ask, pizza: Api) -> None:
    scheduling = Scheduling(function.wiring().transitions)
    at = int(time.time()) + 30
    plan = scheduling.plan(JANE, pizza.id, "Publish", at, {})
    call = {"request": "planned", "tenant": pizza.tenant, "api_id": pizza.id, "plan": plan.id}
    for _ in range(2):
        done = function.handler({**call, "at": at}, Context())["ok"]
        assert done == {"plan": plan.id, "status": "DONE", "reason": ""}
    assert deployment(aws, pizza)
    assert len(history(aws, pizza)) == 1
    for wrong in ({"plan": ""}, {"at": "soon"}, {"at": True}):
        answer = function.handler({**call, "at": at, **wrong}, Context())
        assert answer["error"]["type"] == "InvalidInput"


def test_the_minute_finds_a_plan_that_nobody_called_for(aws: Aws, ask: Ask, pizza: Api) -> None:
    scheduling = Scheduling(function.wiring().transitions)
    plan = scheduling.plan(JANE, pizza.id, "Publish", int(time.time()) + 2, {})
    time.sleep(2.5)
    function.handler({"source": "aws.events"}, Context())
    assert of(aws, pizza).state == "PUBLISHED"
    found = aws.records.get(Plan, tenant=pizza.tenant, api_id=pizza.id, id=plan.id)
    assert found
    assert found.status == "DONE"


@pytest.fixture
def approval(aws: Aws, ask: Ask) -> Any:
    """The tenant's life cycle wants a second person for publishing."""
    clock = function.wiring().clock
    lifecycles = Lifecycles(aws.records, clock, standard)
    boss = Caller("carbon.super", "admin", ("admin",))
    version = lifecycles.save(boss, write(asking("Publish")))
    Activating(lifecycles).activate(boss, version.number)
    function.wiring.cache_clear()
    yield
    Activating(lifecycles).activate(boss, 0)
    function.wiring.cache_clear()


def test_a_second_person_decides(aws: Aws, ask: Ask, pizza: Api, approval: Any) -> None:
    for decision in ("REJECTED", "APPROVED"):
        waits = ask(pizza, "Publish", comment="please")["ok"]["waits"]
        assert of(aws, pizza).state == "CREATED"
        kind = {"pending": waits, "decision": decision}
        assert request("decide", pizza, **kind)["error"]["type"] == "Forbidden"
        done = request("decide", pizza, **kind, user="pat")["ok"]
        assert done["decision"] == decision
        left = aws.records.list(PendingTransition, tenant=pizza.tenant)
        assert left == []
    assert (of(aws, pizza).state, done["state"]) == ("PUBLISHED", "Published")
    (line,) = history(aws, pizza)
    assert (line.user, line.approved_by, line.comment) == ("jane", "pat", "please")
    wrong = request("decide", pizza, pending="x", decision="MAYBE")
    assert wrong["error"]["problems"][0][0] == "status"
