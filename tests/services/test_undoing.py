"""Undo of the last transition: state, gateway and history, and everything that forbids it."""

from dataclasses import replace

import pytest

from portico.domain.api import HistoryEntry, Revision
from portico.domain.errors import Forbidden, NotFound, Stale, TransitionRefused
from portico.domain.operations import AuditEntry, OutboxEntry
from portico.domain.records import Replace
from portico.domain.user import Caller
from portico.services.undoing import Undoing
from tests.services.test_transitions import JANE, TENANT, World

HOUR = 3600.0


@pytest.fixture
def world() -> World:
    return World()


def undoing(world: World) -> Undoing:
    world.clock.pass_by(1)
    return Undoing(world.wired.transitions, HOUR)


def history(world: World, api_id: str) -> list[HistoryEntry]:
    return world.records.list(HistoryEntry, tenant=TENANT, api_id=api_id)


def test_publishing_is_undone_with_its_deployment(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    done = undoing(world).undo(JANE, api.id, comment="too early")
    assert (done.api.state, done.api.deployed_revision) == ("CREATED", "")
    assert world.api(api) == done.api
    assert world.deployment(api) is None
    assert {one.deployed for one in world.records.list(Revision, tenant=TENANT, api_id=api.id)} == {
        0
    }
    publish, undo = history(world, api.id)
    assert (undo.event, undo.undoes, undo.comment) == ("Undo Publish", publish.order, "too early")
    assert (undo.previous_state, undo.post_state) == ("PUBLISHED", "CREATED")
    actions = [one.action for one in world.records.items.values() if isinstance(one, AuditEntry)]
    assert actions.count("undo") == 1


def test_blocking_is_undone_at_the_gateway(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.subscribe(api, "a1")
    world.go(api, "Block")
    undoing(world).undo(JANE, api.id)
    found = world.deployment(api)
    assert found
    assert (found.state, found.access) == ("PUBLISHED", "token")
    assert len(world.subscriptions(api)) == 1


def test_retiring_is_undone_before_subscriptions_close(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.subscribe(api, "a1")
    world.go(api, "Deprecate")
    since = world.api(api).deprecated
    world.go(api, "Retire")
    undoing(world).undo(JANE, api.id)
    assert world.records.list(OutboxEntry, tenant=TENANT) == []
    world.work()
    assert len(world.subscriptions(api)) == 1
    assert world.deployment(api)
    assert (world.api(api).state, world.api(api).deprecated) == ("DEPRECATED", since)


def test_closed_subscriptions_forbid_it(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.subscribe(api, "a1")
    world.go(api, "Deprecate")
    world.go(api, "Retire")
    world.work()
    entry, reason = undoing(world).last(JANE, api.id)
    assert entry
    assert reason == "1 subscription has been closed since"
    with pytest.raises(TransitionRefused, match="closed since"):
        undoing(world).undo(JANE, api.id)
    assert world.api(api).state == "RETIRED"


def test_what_has_begun_forbids_it(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.go(api, "Deprecate")
    world.go(api, "Retire")
    (entry,) = world.records.list(OutboxEntry, tenant=TENANT)
    world.records.commit(Replace(replace(entry, attempts=1)))
    with pytest.raises(TransitionRefused, match="being carried out"):
        undoing(world).undo(JANE, api.id)


def test_new_subscriptions_forbid_it(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.clock.pass_by(5)
    world.subscribe(api, "a1")
    with pytest.raises(TransitionRefused, match="1 subscription has been made since"):
        undoing(world).undo(JANE, api.id)


def test_deprecated_versions_forbid_it_until_they_are_back(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    new = world.add("2.0.0")
    world.go(new, "Publish", deprecate=True)
    world.work()
    with pytest.raises(TransitionRefused, match=r"Version 1\.0\.0 was deprecated with it"):
        undoing(world).undo(JANE, new.id)
    assert undoing(world).undo(JANE, old.id).api.state == "PUBLISHED"
    assert undoing(world).undo(JANE, new.id).api.state == "CREATED"


def test_what_was_not_begun_is_called_off(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    new = world.add("2.0.0")
    world.go(new, "Publish", deprecate=True)
    undoing(world).undo(JANE, new.id)
    world.work()
    assert world.api(old).state == "PUBLISHED"


def test_another_deployment_since_forbids_it(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.records.commit(Replace(replace(world.api(api), deployed_revision="other")))
    with pytest.raises(TransitionRefused, match="gateway has been changed"):
        undoing(world).undo(JANE, api.id)


def test_the_time_is_limited(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.clock.pass_by(HOUR + 1)
    with pytest.raises(TransitionRefused, match="more than 60 minutes ago"):
        undoing(world).undo(JANE, api.id)


def test_who_may_not_take_it_may_not_undo_it(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    eve = Caller(TENANT, "eve", ("Internal/creator",))
    with pytest.raises(Forbidden, match="Internal/publisher"):
        undoing(world).undo(eve, api.id)
    with pytest.raises(NotFound):
        undoing(world).undo(Caller("acme.com", "jane", JANE.roles), api.id)
    assert world.api(api).state == "PUBLISHED"


def test_there_is_one_step_back_only(world: World) -> None:
    api = world.add()
    with pytest.raises(TransitionRefused, match="no transition"):
        undoing(world).undo(JANE, api.id)
    assert undoing(world).last(JANE, api.id) == (None, "There is no transition to undo")
    world.go(api, "Publish")
    undoing(world).undo(JANE, api.id)
    with pytest.raises(TransitionRefused, match="undo itself"):
        undoing(world).undo(JANE, api.id)


def test_a_stale_view_is_refused(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    with pytest.raises(Stale):
        undoing(world).undo(JANE, api.id, stamp=api.stamp)


def test_a_race_is_judged_again(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.records.before_commit = lambda: world.go(api, "Block")
    done = undoing(world).undo(JANE, api.id)
    assert (done.entry.event, done.api.state) == ("Block", "PUBLISHED")


def test_looking_changes_nothing(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    before = dict(world.records.items)
    entry, reason = undoing(world).last(JANE, api.id)
    assert entry
    assert (entry.event, reason) == ("Publish", "")
    assert world.records.items == before


def test_a_subscription_at_that_moment_is_seen(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    given = undoing(world)
    world.clock.pass_by(5)
    world.records.before_commit = lambda: world.subscribe(api, "a1")
    with pytest.raises(TransitionRefused, match="1 subscription has been made since"):
        given.undo(JANE, api.id)
    assert world.api(api).state == "PUBLISHED"
    assert len(world.subscriptions(api)) == 1
