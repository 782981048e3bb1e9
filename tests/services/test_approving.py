"""Approval by a second person: asked for, approved, rejected, withdrawn, and no way round it."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.api import Api
from portico.domain.approvals import PendingTransition
from portico.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Stale,
    TransitionRefused,
)
from portico.domain.operations import AuditEntry
from portico.domain.plans import DuePlan
from portico.domain.records import Put
from portico.domain.user import Caller, User
from portico.lifecycle.model import DEPRECATE_OLD, Approval, LifeCycle
from portico.lifecycle.scxml import default
from portico.services.approving import Approving
from portico.services.previewing import Previewing
from portico.services.publishing import Publishing
from portico.services.scheduling import WAITS, Scheduling
from portico.services.succession import Succession
from portico.services.transitions import Changed, Transitions
from tests.services.test_transitions import JANE, TENANT, World

PAT = Caller(TENANT, "pat", ("Internal/publisher",))
BOSS = Caller(TENANT, "boss", ("Internal/boss",))


def asking(*events: str, roles: tuple[str, ...] = ()) -> LifeCycle:
    """The default life cycle, with some events that need a second person."""
    lifecycle = default()
    states = tuple(
        replace(
            state,
            transitions=tuple(
                replace(one, approval=Approval(roles)) if one.event in events else one
                for one in state.transitions
            ),
        )
        for state in lifecycle.states
    )
    return replace(lifecycle, states=states)


@pytest.fixture
def world() -> World:
    world = World()
    for caller in (JANE, PAT, BOSS):
        world.records.commit(
            Put(
                User(
                    tenant=TENANT,
                    name=caller.user,
                    id=caller.user,
                    password="x",
                    roles=caller.roles,
                )
            )
        )
    return world


def transitions(world: World, *events: str, roles: tuple[str, ...] = ()) -> Transitions:
    lifecycle = asking(*events, roles=roles)
    return replace(world.wired.transitions, lifecycle_of=lambda _: lifecycle)


def asked(world: World, approving: Approving, **more: Any) -> tuple[Api, PendingTransition]:
    api = world.add()
    pending = approving.take(JANE, api.id, "Publish", {}, comment="please", **more)
    assert isinstance(pending, PendingTransition)
    return api, pending


def actions(world: World) -> list[str]:
    return [one.action for one in world.records.items.values() if isinstance(one, AuditEntry)]


def test_a_second_person_approves_in_the_name_of_the_first(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, pending = asked(world, approving)
    assert world.api(api) == api
    assert world.deployment(api) is None
    assert approving.of_api(JANE, api.id) == pending
    assert approving.list(JANE) == [pending]
    done = approving.approve(PAT, pending.id)
    assert done.api.state == "PUBLISHED"
    assert world.deployment(api)
    (line,) = world.wired.transitions.history(JANE, api.id)
    assert (line.user, line.approved_by, line.comment) == ("jane", "pat", "please")
    assert approving.list(JANE) == []
    assert actions(world).count("approve-transition") == 1
    with pytest.raises(NotFound):
        approving.approve(PAT, pending.id)


def test_an_event_that_needs_nobody_is_taken_at_once(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    taken = approving.take(JANE, world.add().id, "Deploy as a Prototype", {})
    assert isinstance(taken, Changed)


def test_nobody_approves_for_themselves_or_without_the_role(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, pending = asked(world, approving)
    with pytest.raises(Forbidden, match="second person"):
        approving.approve(JANE, pending.id)
    with pytest.raises(Forbidden, match="second person"):
        approving.approve(replace(JANE, user="Jane", roles=("admin",)), pending.id)
    for decide in (approving.approve, approving.reject):
        with pytest.raises(Forbidden, match="Only who may"):
            decide(BOSS, pending.id)
        with pytest.raises(NotFound):
            decide(Caller("acme.com", "pat", PAT.roles), pending.id)
    assert world.api(api).state == "CREATED"


def test_the_document_names_who_approves(world: World) -> None:
    approving = Approving(transitions(world, "Publish", roles=("Internal/boss",)))
    _, pending = asked(world, approving)
    with pytest.raises(Forbidden, match="Internal/boss"):
        approving.approve(PAT, pending.id)
    assert approving.approve(BOSS, pending.id).api.state == "PUBLISHED"


def test_rejecting_and_withdrawing_change_nothing_else(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, pending = asked(world, approving)
    approving.reject(PAT, pending.id, "not yet")
    assert world.api(api) == api
    again = approving.take(JANE, api.id, "Publish", {})
    assert isinstance(again, PendingTransition)
    approving.withdraw(JANE, api.id)
    with pytest.raises(NotFound):
        approving.withdraw(JANE, api.id)
    with pytest.raises(NotFound):
        approving.reject(PAT, again.id)
    assert {"reject-transition", "withdraw-transition"} <= set(actions(world))
    assert world.wired.transitions.history(JANE, api.id) == []


def test_one_change_waits_at_a_time(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, _ = asked(world, approving)
    with pytest.raises(Conflict, match="waits for approval already"):
        approving.take(PAT, api.id, "Publish", {})


def test_what_would_be_refused_is_not_asked_for(world: World) -> None:
    approving = Approving(transitions(world, "Publish", "Retire"))
    bare = world.add(production_endpoint="", policies=())
    with pytest.raises(InvalidInput, match="endpoint"):
        approving.take(JANE, bare.id, "Publish", {})
    with pytest.raises(TransitionRefused):
        approving.take(JANE, bare.id, "Retire", {})
    with pytest.raises(Forbidden):
        approving.take(BOSS, bare.id, "Publish", {})
    with pytest.raises(Stale):
        approving.take(JANE, bare.id, "Publish", {}, stamp=7)
    assert approving.list(JANE) == []


def test_there_is_no_way_round_it(world: World) -> None:
    api = world.add()
    with pytest.raises(TransitionRefused, match="needs the approval"):
        transitions(world, "Publish").change(JANE, api.id, "Publish", {})
    assert world.api(api) == api


def test_a_dry_run_says_that_it_has_to_be_approved(world: World) -> None:
    api = world.add()
    found = Previewing(transitions(world, "Publish")).preview(JANE, api.id, "Publish", {})
    assert (found.approval, found.refusal, found.deployed) == (True, None, ("/pizza/1.0.0",))


def test_an_api_that_went_on_meanwhile_is_not_changed(world: World) -> None:
    given = transitions(world, "Publish")
    approving = Approving(given)
    api, pending = asked(world, approving)
    given.change(JANE, api.id, "Deploy as a Prototype", {})
    with pytest.raises(TransitionRefused, match="PROTOTYPED by now"):
        approving.approve(PAT, pending.id)
    assert approving.list(JANE) == [pending]


@pytest.mark.parametrize(
    "fields", [{"active": False}, {"roles": ("Internal/creator",)}], ids=["gone", "role taken"]
)
def test_who_asked_must_still_be_allowed(world: World, fields: dict[str, Any]) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, pending = asked(world, approving)
    jane = world.records.get(User, tenant=TENANT, name="jane")
    assert jane
    world.records.commit(Put(replace(jane, **fields)))
    with pytest.raises(Forbidden):
        approving.approve(PAT, pending.id)
    assert world.api(api) == api


def test_withdrawing_at_the_moment_of_approval_wins_or_loses_whole(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, pending = asked(world, approving)
    world.records.before_commit = lambda: approving.withdraw(JANE, api.id)
    with pytest.raises(Conflict, match="withdrawn"):
        approving.approve(PAT, pending.id)
    assert world.api(api) == api


def test_a_planned_transition_waits_for_approval_at_its_time(world: World) -> None:
    given = transitions(world, "Publish")
    api, at = world.add(), int(world.clock.now()) + 100
    plan = Scheduling(given).plan(JANE, api.id, "Publish", at, {})
    world.clock.pass_by(100)
    due = DuePlan(tenant=TENANT, at=at, id=plan.id, api_id=api.id)
    ended = Scheduling(given).run(due)
    assert ended
    assert (ended.status, ended.reason) == ("DONE", WAITS)
    (stored,) = Scheduling(given).list(JANE, api.id)
    assert stored.reason == WAITS
    (pending,) = Approving(given).list(PAT)
    assert Approving(given).approve(PAT, pending.id).api.state == "PUBLISHED"


def test_older_versions_that_need_approval_wait_for_it(world: World) -> None:
    given = transitions(world, "Deprecate")
    old = world.add("1.0.0")
    world.go(old, "Publish")
    new = world.add("2.0.0")
    given.change(JANE, new.id, "Publish", {DEPRECATE_OLD: True})
    succession = Succession(world.records, world.clock, given)
    for _ in range(2):
        succession.deprecate_older(JANE, new.id)
    assert world.api(old).state == "PUBLISHED"
    (pending,) = Approving(given).list(PAT)
    assert (pending.api_id, pending.event) == (old.id, "Deprecate")


def test_what_waits_goes_with_its_api(world: World) -> None:
    approving = Approving(transitions(world, "Publish"))
    api, pending = asked(world, approving)
    Publishing(world.records, world.documents, world.clock).delete(JANE, api.id)
    assert approving.list(PAT) == []
    with pytest.raises(NotFound):
        approving.reject(PAT, pending.id)
