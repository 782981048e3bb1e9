"""Dry runs: everything that a transition would do is told, and nothing is done."""

from dataclasses import replace

import pytest

from portico.domain.api import State
from portico.domain.errors import Forbidden, InvalidInput, NotFound, TransitionRefused
from portico.domain.records import Put
from portico.domain.user import Caller, User
from portico.lifecycle.model import DEPRECATE_OLD, RESUBSCRIBE, Execution
from portico.services.previewing import Preview, Previewing
from tests.services.test_transitions import JANE, TENANT, World


@pytest.fixture
def world() -> World:
    return World()


def preview(world: World, api_id: str, event: str, **ticked: bool) -> Preview:
    names = {"deprecate": DEPRECATE_OLD, "resubscribe": RESUBSCRIBE}
    checklist = {names[name]: value for name, value in ticked.items()}
    before, documents = dict(world.records.items), dict(world.documents.content)
    found = Previewing(world.wired.transitions).preview(JANE, api_id, event, checklist)
    assert (world.records.items, world.documents.content) == (before, documents)
    return found


def test_publishing_tells_of_older_versions_and_their_subscribers(world: World) -> None:
    old, older = world.add("1.0.0"), world.add("0.9.0")
    world.go(old, "Publish")
    world.go(older, "Publish")
    world.subscribe(old, "a1")
    world.subscribe(old, "a2")
    world.subscribe(older, "a1")
    world.documents.write("doc", b"{}", "application/json")
    new = world.add("2.0.0", definition_key="doc")

    found = preview(world, new.id, "Publish", deprecate=True, resubscribe=False)
    assert (found.previous, found.state, found.refusal) == ("Created", "Published", None)
    assert [api.id for api in found.deprecated] == [old.id, older.id]
    assert (found.carried, found.closed, found.kept) == (2, 0, 0)
    assert (found.deployed, found.undeployed) == (("/pizza/2.0.0",), ())
    assert found.checklist[DEPRECATE_OLD] is True

    # And that is what happens.
    world.go(new, "Publish", deprecate=True, resubscribe=False)
    world.work()
    assert {world.api(one).state for one in found.deprecated} == {"DEPRECATED"}
    assert len(world.subscriptions(new)) == found.carried


def test_without_the_boxes_older_versions_are_left_alone(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    world.subscribe(old, "a1")
    new = world.add("2.0.0")
    found = preview(world, new.id, "Publish", deprecate=False, resubscribe=True)
    assert (found.deprecated, found.carried) == ((), 0)


def test_retiring_tells_how_many_subscriptions_end(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.subscribe(api, "a1")
    world.subscribe(api, "a2")
    world.go(api, "Deprecate")
    found = preview(world, api.id, "Retire")
    assert (found.closed, found.kept) == (2, 0)
    assert found.undeployed == ("/pizza/1.0.0",)


def test_blocking_keeps_subscriptions_and_changes_the_answer(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.subscribe(api, "a1")
    found = preview(world, api.id, "Block")
    assert (found.closed, found.kept) == (0, 1)
    assert (found.deployed, found.changed) == ((), ("/pizza/1.0.0",))


def test_an_older_version_that_would_refuse_is_named_with_its_reason(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    new = world.add("2.0.0")
    lifecycle = world.wired.transitions.lifecycle_of(TENANT)
    states = tuple(
        replace(state, transitions=tuple(t for t in state.transitions if t.event != "Deprecate"))
        if state.id == "Published"
        else state
        for state in lifecycle.states
    )
    custom = replace(lifecycle, states=states)
    transitions = replace(world.wired.transitions, lifecycle_of=lambda _: custom)
    found = Previewing(transitions).preview(JANE, new.id, "Publish", {DEPRECATE_OLD: True})
    assert found.deprecated == ()
    ((api, reason),) = found.not_deprecated
    assert api.id == old.id
    assert "'Deprecate' is not possible" in reason


@pytest.mark.parametrize(
    ("event", "kind"),
    [("Retire", TransitionRefused), ("Explode", InvalidInput)],
)
def test_a_refusal_is_told_not_raised(world: World, event: str, kind: type) -> None:
    found = preview(world, world.add().id, event)
    assert type(found.refusal) is kind
    assert found.later == ()


def test_what_is_missing_for_publishing_is_told(world: World) -> None:
    found = preview(world, world.add(production_endpoint="", policies=()).id, "Publish")
    assert isinstance(found.refusal, InvalidInput)
    assert [one.field for one in found.refusal.problems] == ["endpointConfig", "policies"]


def test_the_role_is_judged(world: World) -> None:
    eve = Caller(TENANT, "eve", ("Internal/creator",))
    api = world.add()
    found = Previewing(world.wired.transitions).preview(eve, api.id, "Publish", {})
    assert isinstance(found.refusal, Forbidden)
    assert world.api(api).state == State.CREATED


def test_another_tenants_api_is_not_there(world: World) -> None:
    api = world.add()
    with pytest.raises(NotFound):
        Previewing(world.wired.transitions).preview(
            Caller("acme.com", "jane", JANE.roles), api.id, "Publish", {}
        )


@pytest.mark.parametrize(("email", "mails"), [("dan@example.org", 1), ("", 0)])
def test_mails_and_executions_are_told(world: World, email: str, mails: int) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.subscribe(api, "a1")
    world.subscribe(api, "a2")
    world.go(api, "Deprecate")
    dan = User(tenant=TENANT, name="dan", id="1", password="x", email=email)
    world.records.commit(Put(dan))
    lifecycle = world.wired.transitions.lifecycle_of(TENANT)
    states = tuple(
        replace(
            state,
            transitions=tuple(
                replace(one, executions=(*one.executions, Execution("Notify")))
                if one.event == "Retire"
                else one
                for one in state.transitions
            ),
        )
        for state in lifecycle.states
    )
    custom = replace(lifecycle, states=states)
    transitions = replace(world.wired.transitions, lifecycle_of=lambda _: custom)
    before = dict(world.documents.content)
    found = Previewing(transitions).preview(JANE, api.id, "Retire", {})
    # One person has both applications.
    assert (found.mails, found.closed) == (mails, 2)
    assert [entry.payload.get("executor") or entry.kind for entry in found.later] == [
        "close-subscriptions",
        "Notify",
    ]
    assert world.documents.content == before
