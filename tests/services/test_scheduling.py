"""Planned transitions: validated when planned, taken once, with the roles of that day."""

from dataclasses import replace

import pytest

from portico.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
    TransitionRefused,
    Unavailable,
)
from portico.domain.operations import AuditEntry
from portico.domain.plans import DuePlan, Plan
from portico.domain.records import Put, Remove
from portico.domain.user import Caller, User
from portico.lifecycle.model import DEPRECATE_OLD
from portico.services.scheduling import LONGEST, MAX_PLANS, Scheduling
from tests.services.test_transitions import JANE, TENANT, World

DAY = 86400


@pytest.fixture
def world() -> World:
    world = World()
    world.records.commit(Put(user(JANE.roles)))
    return world


def user(roles: tuple[str, ...], **fields: object) -> User:
    return replace(
        User(tenant=TENANT, name="jane", id="1", password="x", roles=roles),
        **fields,  # type: ignore[arg-type]
    )


def scheduling(world: World) -> Scheduling:
    return world.wired.scheduling


def planned(world: World, event: str = "Publish", days: float = 1) -> Plan:
    api = world.add()
    at = int(world.clock.now() + days * DAY)
    return scheduling(world).plan(JANE, api.id, event, at, {}, "for spring")


def due(plan: Plan) -> DuePlan:
    return DuePlan(tenant=plan.tenant, at=plan.at, id=plan.id, api_id=plan.api_id)


def stored(world: World, plan: Plan) -> Plan:
    (found,) = scheduling(world).list(JANE, plan.api_id)
    assert found.id == plan.id
    return found


def test_a_plan_has_a_schedule_until_it_ends(world: World) -> None:
    plan = planned(world)
    world.work()
    request = {
        "request": "planned",
        "tenant": TENANT,
        "api_id": plan.api_id,
        "plan": plan.id,
        "at": plan.at,
    }
    assert world.schedules.calls == {plan.id: (plan.at, request)}
    scheduling(world).cancel(JANE, plan.api_id, plan.id)
    world.work()
    assert world.schedules.calls == {}
    assert stored(world, plan).status == "CANCELLED"
    with pytest.raises(Conflict, match="CANCELLED already"):
        scheduling(world).cancel(JANE, plan.api_id, plan.id)


def test_a_schedule_that_aws_does_not_take_is_asked_for_again(world: World) -> None:
    plan = planned(world)
    world.schedules.failing = [Unavailable("no answer")]
    assert len(world.wired.outbox.work(world.clock.now() + 30).failed) == 1
    assert world.schedules.calls == {}
    world.clock.pass_by(60)
    world.work()
    assert list(world.schedules.calls) == [plan.id]


def test_it_is_taken_at_its_time_once(world: World) -> None:
    plan = planned(world)
    with pytest.raises(TransitionRefused, match="has not come"):
        scheduling(world).run(due(plan))
    world.clock.pass_by(DAY)
    done = scheduling(world).run(due(plan))
    assert done
    assert done.status == "DONE"
    (entry,) = world.wired.transitions.history(JANE, plan.api_id)
    assert (entry.event, entry.user, entry.comment) == ("Publish", "jane", "for spring")
    again = scheduling(world).run(due(plan))
    assert again
    assert again.status == "DONE"
    assert len(world.wired.transitions.history(JANE, plan.api_id)) == 1
    assert world.records.list(DuePlan, tenant=TENANT) == []


def test_two_calls_at_one_moment_take_it_once(world: World) -> None:
    plan = planned(world)
    world.clock.pass_by(DAY)
    world.records.before_commit = lambda: scheduling(world).run(due(plan))
    found = scheduling(world).run(due(plan))
    assert found
    # The other was faster; this one then found the API in another state.
    assert stored(world, plan).status == "DONE"
    assert len(world.wired.transitions.history(JANE, plan.api_id)) == 1


def test_a_plan_cancelled_at_that_moment_is_not_taken(world: World) -> None:
    plan = planned(world)
    world.clock.pass_by(DAY)
    cancel = scheduling(world).cancel
    world.records.before_commit = lambda: cancel(JANE, plan.api_id, plan.id)
    found = scheduling(world).run(due(plan))
    assert found
    assert found.status == "CANCELLED"
    assert world.wired.transitions.history(JANE, plan.api_id) == []


@pytest.mark.parametrize(
    ("roles", "fields", "reason"),
    [
        (("Internal/creator",), {}, "needs the role"),
        (JANE.roles, {"active": False}, "no longer an active user"),
        (JANE.roles, {"created": 2_000_000_000}, "no longer an active user"),
    ],
    ids=["role taken away", "not active", "another of that name"],
)
def test_the_roles_of_that_day_decide(
    world: World, roles: tuple[str, ...], fields: dict[str, object], reason: str
) -> None:
    plan = planned(world)
    world.records.commit(Put(user(roles, **fields)))
    world.clock.pass_by(DAY)
    found = scheduling(world).run(due(plan))
    assert found
    assert found.status == "REFUSED"
    assert reason in stored(world, plan).reason
    assert world.wired.transitions.history(JANE, plan.api_id) == []
    actions = [one.action for one in world.records.items.values() if isinstance(one, AuditEntry)]
    assert "refuse-plan" in actions


def test_a_state_that_does_not_allow_it_ends_the_plan_with_the_reason(world: World) -> None:
    plan = planned(world, "Retire")
    world.clock.pass_by(DAY)
    scheduling(world).run(due(plan))
    assert "'Retire' is not possible" in stored(world, plan).reason


def test_what_may_pass_is_tried_again(world: World) -> None:
    plan = planned(world)
    world.clock.pass_by(DAY)

    def fail() -> None:
        raise Unavailable("the database is away")

    world.records.before_commit = fail
    with pytest.raises(Unavailable):
        scheduling(world).run(due(plan))
    assert stored(world, plan).status == "PLANNED"
    assert scheduling(world).overdue(TENANT) == world.records.list(DuePlan, tenant=TENANT)
    assert len(scheduling(world).overdue(TENANT)) == 1


def test_only_what_is_due_is_found(world: World) -> None:
    planned(world)
    world.clock.pass_by(DAY - 1)
    assert scheduling(world).overdue(TENANT) == []
    world.clock.pass_by(1)
    assert len(scheduling(world).overdue(TENANT)) == 1


def test_a_plan_of_an_api_that_is_gone_ends(world: World) -> None:
    plan = planned(world)
    world.records.commit(Remove(world.api(world.wired.transitions.api(JANE, plan.api_id))))
    world.clock.pass_by(DAY)
    found = scheduling(world).run(due(plan))
    assert found
    assert (found.status, "not found" in found.reason) == ("REFUSED", True)
    assert scheduling(world).overdue(TENANT) == []


@pytest.mark.parametrize(
    ("event", "ahead", "checklist", "kind"),
    [
        ("Publish", 0, {}, InvalidInput),
        ("Publish", -5, {}, InvalidInput),
        ("Publish", LONGEST + 5, {}, InvalidInput),
        ("Explode", DAY, {}, InvalidInput),
        ("Publish", DAY, {"Make coffee": True}, InvalidInput),
        ("Block", DAY, {DEPRECATE_OLD: True}, (InvalidInput, TransitionRefused)),
    ],
)
def test_what_can_never_be_is_not_planned(
    world: World, event: str, ahead: int, checklist: dict[str, bool], kind: type[Exception]
) -> None:
    api = world.add()
    at = int(world.clock.now()) + ahead
    with pytest.raises(kind):
        scheduling(world).plan(JANE, api.id, event, at, checklist)
    assert scheduling(world).list(JANE, api.id) == []


def test_planning_needs_the_role_and_the_api(world: World) -> None:
    api, at = world.add(), int(world.clock.now()) + DAY
    with pytest.raises(Forbidden):
        scheduling(world).plan(Caller(TENANT, "eve", ("x",)), api.id, "Publish", at, {})
    with pytest.raises(NotFound):
        scheduling(world).plan(Caller("acme.com", "jane", JANE.roles), api.id, "Publish", at, {})
    with pytest.raises(NotFound):
        scheduling(world).cancel(JANE, api.id, "nothing")


def test_plans_of_an_api_are_limited(world: World) -> None:
    api, at = world.add(), int(world.clock.now()) + DAY
    for n in range(MAX_PLANS):
        scheduling(world).plan(JANE, api.id, "Publish", at + n, {})
    with pytest.raises(LimitReached):
        scheduling(world).plan(JANE, api.id, "Publish", at, {})
    found = scheduling(world).list(JANE, api.id)
    assert [plan.at for plan in found] == [at + n for n in range(MAX_PLANS)]
