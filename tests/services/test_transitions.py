"""Transitions and what follows them: one commit each, healing steps, nothing lost in a race."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from functions.lifecycle.wiring import Wiring, wire
from portico.domain.api import Api, ApiCard, NameClaim, Revision, SubscriberCount, card_of
from portico.domain.application import Application, Subscription
from portico.domain.errors import InvalidInput, LimitReached, Stale, TransitionRefused
from portico.domain.gateway import Deployment, Grant
from portico.domain.operations import AuditEntry, OutboxEntry
from portico.domain.policy import PolicyUse
from portico.domain.records import Create, Replace
from portico.domain.user import Caller
from portico.lifecycle import scxml
from portico.lifecycle.model import BUILT_IN, DEPRECATE_OLD, PROPAGATE, RESUBSCRIBE
from portico.services.revisions import Revisions
from portico.services.subscribing import Subscribing
from portico.services.succession import RUN_SECONDS, TOGETHER
from portico.services.tenant_config import DEPRECATE_OLD_VERSIONS, TenantConfig
from portico.services.transitions import Transitions
from portico.services.versions import version_key
from tests.fakes import FakeClock, FakeDocuments, FakeRecords, FakeRoutes, FakeSchedules

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane", ("Internal/publisher",))
DAN = Caller(TENANT, "dan", ("Internal/subscriber",))


@dataclass
class World:
    records: FakeRecords = field(default_factory=FakeRecords)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    clock: FakeClock = field(default_factory=FakeClock)
    routes: FakeRoutes = field(default_factory=FakeRoutes)
    schedules: FakeSchedules = field(default_factory=FakeSchedules)

    @property
    def wired(self) -> Wiring:
        return wire(self.records, self.documents, self.clock, self.routes, self.schedules)

    def add(self, version: str = "1.0.0", **fields: Any) -> Api:
        api = Api(
            tenant=TENANT,
            id=f"pizza-{version}",
            name="Pizza",
            version=version,
            context="/pizza",
            provider="jane",
            production_endpoint="https://pizza.example",
            policies=("Gold", "Silver"),
        )
        api = replace(api, **fields)
        claim = NameClaim(tenant=TENANT, name="pizza", version=version, api_id=api.id)
        self.records.commit(Create(api), Create(card_of(api)), Create(claim))
        return replace(api, stamp=1)

    def go(self, api: Api, event: str, **ticked: bool) -> Api:
        names = {"propagate": PROPAGATE, "deprecate": DEPRECATE_OLD, "resubscribe": RESUBSCRIBE}
        checklist = {names[name]: value for name, value in ticked.items()}
        self.clock.pass_by(1)
        return self.wired.transitions.change(JANE, api.id, event, checklist).api

    def work(self) -> None:
        worked = self.wired.outbox.work(self.clock.now() + 30)
        assert worked.failed == {}

    def api(self, api: Api) -> Api:
        found = self.records.get(Api, tenant=TENANT, id=api.id)
        assert found
        return found

    def deployment(self, api: Api) -> Deployment | None:
        return self.records.get(Deployment, tenant=TENANT, prefix=api.full_context)

    def subscribe(self, api: Api, name: str, policy: str = "Gold", status: str = "") -> None:
        application = Application(
            tenant=TENANT, owner="dan", id=name, number=1, name=name, policy="Unlimited"
        )
        if not self.records.get(Application, tenant=TENANT, owner="dan", id=name):
            self.records.commit(Create(application))
        subscribing = Subscribing(self.records, self.clock)
        made = subscribing.subscribe(DAN, name, api.id, policy)
        if status:
            self.records.commit(Replace(replace(made, status=status)))

    def subscriptions(self, api: Api) -> dict[str, tuple[str, str]]:
        found = self.records.list(Subscription, by="api", tenant=TENANT, api_id=api.id)
        return {one.application_id: (one.policy, one.status) for one in found}

    def grant(self, api: Api, name: str) -> Grant | None:
        return self.records.get(Grant, tenant=TENANT, application_id=name, prefix=api.full_context)

    def count(self, api: Api) -> int:
        found = self.records.get(SubscriberCount, tenant=TENANT, api_id=api.id)
        return found.count if found else 0


@pytest.fixture
def world() -> World:
    return World()


def test_a_transition_is_one_commit(world: World) -> None:
    api = world.add()
    before = len(world.records.commits)
    world.go(api, "Publish")

    (commit,) = world.records.commits[before:]
    assert [type(change.record).__name__ for change in commit] == [
        "Api",
        "ApiCard",
        "HistoryEntry",
        "Revision",
        "Deployment",
        "AuditEntry",
    ]
    audits = [change.record for change in commit if isinstance(change.record, AuditEntry)]
    assert audits[0].before["state"] == "CREATED"
    assert audits[0].after["state"] == "PUBLISHED"


def test_publishing_keeps_the_revision_that_is_deployed(world: World) -> None:
    api = world.add()
    revisions = Revisions(world.records, world.documents, world.clock)
    revisions.create(JANE, api.id)
    second = revisions.create(JANE, api.id)
    revisions.deploy(JANE, api.id, second.id)
    found = world.deployment(api)
    assert found
    assert found.state == "CREATED"

    world.go(api, "Publish")

    found = world.deployment(api)
    assert found
    assert (found.state, found.revision_id) == ("PUBLISHED", second.id)
    assert len(revisions.list(JANE, api.id)) == 2


def test_publishing_with_five_revisions_and_none_deployed_is_refused(world: World) -> None:
    api = world.add()
    revisions = Revisions(world.records, world.documents, world.clock)
    for _ in range(5):
        revisions.create(JANE, api.id)

    with pytest.raises(LimitReached):
        world.go(api, "Publish")
    assert world.api(api).state == "CREATED"
    assert world.go(api, "Publish", propagate=False).state == "PUBLISHED"


def test_a_sandbox_endpoint_is_an_endpoint(world: World) -> None:
    api = world.add(production_endpoint="", sandbox_endpoint="https://sandbox.example")
    assert world.go(api, "Publish").state == "PUBLISHED"


def test_a_pass_through_api_without_a_usable_endpoint_is_not_published(world: World) -> None:
    api = world.add(delivery="pass-through", production_endpoint="https://a.example/{x}")
    with pytest.raises(InvalidInput, match="braces"):
        world.go(api, "Publish")
    assert world.api(api) == api


def test_a_race_is_judged_again_by_what_is_there_now(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.records.before_commit = lambda: world.go(api, "Deprecate")

    with pytest.raises(TransitionRefused):
        world.go(api, "Block")
    assert world.api(api).state == "DEPRECATED"
    found = world.deployment(api)
    assert found
    assert found.state == "DEPRECATED"


def test_a_stale_view_is_refused(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    with pytest.raises(Stale):
        world.wired.transitions.change(JANE, api.id, "Block", {}, stamp=api.stamp)


def test_the_card_counts_its_writes(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    world.go(api, "Block")
    card = world.records.get(ApiCard, tenant=TENANT, id=api.id)
    assert card
    assert (card.state, card.stamp) == ("BLOCKED", 3)


def test_history_is_told_in_order(world: World) -> None:
    api = world.add()
    for event in ("Deploy as a Prototype", "Publish", "Publish", "Block", "Re-Publish"):
        world.go(api, event)

    entries = world.wired.transitions.history(JANE, api.id)
    assert [entry.post_state for entry in entries] == [
        "PROTOTYPED",
        "PUBLISHED",
        "PUBLISHED",
        "BLOCKED",
        "PUBLISHED",
    ]
    assert entries[1].checklist == {PROPAGATE: True, DEPRECATE_OLD: False, RESUBSCRIBE: False}


def test_an_unknown_executor_is_refused_not_ignored(world: World) -> None:
    content = Path(scxml.__file__).with_name("default.scxml").read_bytes()
    custom = scxml.read(content.replace(BUILT_IN.encode(), b"com.example.Mailer"))
    api = world.add()
    transitions = Transitions(world.records, world.documents, world.clock, lambda _: custom)

    with pytest.raises(TransitionRefused, match=r"com\.example\.Mailer"):
        transitions.change(JANE, api.id, "Publish", {})


def test_a_route_follows_the_state_and_heals(world: World) -> None:
    api = world.add(delivery="pass-through")
    world.go(api, "Publish")
    world.routes.failing = [TimeoutError("no answer")]
    assert len(world.wired.outbox.work(world.clock.now() + 30).failed) == 1
    assert world.routes.routes == {}

    world.clock.pass_by(60)
    world.work()
    assert world.routes.routes == {(TENANT, api.id): ("/pizza/1.0.0", "https://pizza.example")}
    world.go(api, "Block")
    world.work()
    assert world.routes.routes == {}


def test_a_late_entry_does_what_is_right_now(world: World) -> None:
    api = world.add(delivery="pass-through")
    world.go(api, "Publish")
    world.go(api, "Block")
    (first, second) = world.records.list(OutboxEntry, tenant=TENANT)
    executor = world.wired.outbox.executors["route"]

    executor(second)
    executor(first)  # the older one last: it looks at the state, not at what it was written for
    assert world.routes.routes == {}


def test_the_route_of_a_default_version_does_not_take_other_versions_calls(world: World) -> None:
    api = world.add(delivery="pass-through", is_default_version=True)
    world.go(api, "Publish")
    world.work()

    assert [context for context, _ in world.routes.routes.values()] == ["/pizza/1.0.0"]
    assert world.records.get(Deployment, tenant=TENANT, prefix="/pizza")


def test_retiring_closes_subscriptions_and_their_grants(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    for name in ("a1", "a2", "a3"):
        world.subscribe(api, name)
    assert world.grant(api, "a1")
    world.go(api, "Deprecate")
    world.go(api, "Retire")
    assert world.deployment(api) is None
    world.work()

    assert world.subscriptions(api) == {}
    assert world.count(api) == 0
    assert world.grant(api, "a1") is None
    assert world.records.list(PolicyUse, tenant=TENANT, level="subscription", policy="Gold") == []
    revisions = world.records.list(Revision, tenant=TENANT, api_id=api.id)
    assert [one.deployed for one in revisions] == [0]


def test_closing_goes_on_where_it_died(world: World) -> None:
    api = world.add()
    world.go(api, "Publish")
    for n in range(TOGETHER + 3):
        world.subscribe(api, f"a{n}")
    world.go(api, "Deprecate")
    world.go(api, "Retire")
    (entry,) = world.records.list(OutboxEntry, tenant=TENANT)

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    original, commits = world.records.commit, []

    def commit(*changes: Any) -> None:
        commits.append(changes)
        if len(commits) == 2:
            die()
        original(*changes)

    world.records.commit = commit  # type: ignore[method-assign]
    with pytest.raises(Died):
        world.wired.outbox.executors[entry.kind](entry)
    assert (len(world.subscriptions(api)), world.count(api)) == (3, 3)
    world.work()
    assert (world.subscriptions(api), world.count(api)) == ({}, 0)


def test_subscriptions_are_carried_forward_with_policy_and_status(world: World) -> None:
    old, older = world.add("1.9.0"), world.add("1.0.0")
    world.go(old, "Publish")
    world.go(older, "Publish")
    world.subscribe(old, "a1", "Silver", "BLOCKED")
    world.subscribe(old, "a2", "Gold", "ON_HOLD")
    world.subscribe(older, "a1", "Gold")
    world.subscribe(older, "a3", "Gold")
    new = world.add("1.10.0")
    world.go(new, "Publish")
    world.work()

    assert world.subscriptions(new) == {
        "a1": ("Silver", "BLOCKED"),
        "a2": ("Gold", "ON_HOLD"),
        "a3": ("Gold", "UNBLOCKED"),
    }
    assert world.count(new) == 3
    grant = world.grant(new, "a1")
    assert grant
    assert (grant.status, grant.policy, grant.api_id) == ("BLOCKED", "Silver", new.id)
    assert world.api(old).state == "PUBLISHED"
    # The older ones stay as they are, and whoever came after the publication is not moved.
    assert len(world.subscriptions(old)) == 2


@pytest.mark.parametrize("way", ["straight", "by prototype"])
def test_with_resubscription_nobody_is_carried(world: World, way: str) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    world.subscribe(old, "a1")
    new = world.add("2.0.0")
    if way == "by prototype":
        world.go(new, "Deploy as a Prototype")
    world.go(new, "Publish", resubscribe=True)
    world.work()

    assert world.subscriptions(new) == {}


def test_carrying_twice_and_beside_the_developer_gives_one_each(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    world.subscribe(old, "a1", "Gold")
    new = world.add("2.0.0")
    world.go(new, "Publish")
    world.subscribe(new, "a1", "Silver")
    (entry,) = world.records.list(OutboxEntry, tenant=TENANT)
    executor = world.wired.outbox.executors[entry.kind]

    assert (executor(entry), executor(entry)) == (True, True)
    assert world.subscriptions(new) == {"a1": ("Silver", "UNBLOCKED")}
    assert world.count(new) == 1


def test_one_that_is_in_other_hands_holds_up_no_other(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    for n in range(5):
        world.subscribe(old, f"a{n}", "Gold")
    new = world.add("2.0.0")
    world.go(new, "Publish")
    # Between the look and the commit a developer subscribes, and another one goes away.
    gone = world.records.get(Subscription, tenant=TENANT, application_id="a2", api_id=old.id)
    assert gone

    def meanwhile() -> None:
        world.subscribe(new, "a1", "Silver")
        Subscribing(world.records, world.clock).unsubscribe(DAN, gone.id)

    world.records.before_commit = meanwhile
    (entry,) = world.records.list(OutboxEntry, tenant=TENANT)
    assert world.wired.outbox.executors[entry.kind](entry) is True

    carried = {"a0", "a3", "a4"}
    assert world.subscriptions(new) == {
        "a1": ("Silver", "UNBLOCKED"),
        **dict.fromkeys(carried, ("Gold", "UNBLOCKED")),
    }
    assert world.count(new) == 4
    assert all(world.grant(new, name) for name in carried)


def test_many_are_carried_in_runs_of_bounded_time(world: World) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    for n in range(3 * TOGETHER):
        world.subscribe(old, f"a{n}", "Gold")
    new = world.add("2.0.0")
    world.go(new, "Publish")
    (entry,) = world.records.list(OutboxEntry, tenant=TENANT)
    executor = world.wired.outbox.executors[entry.kind]
    original = world.records.commit

    def slow(*changes: Any) -> None:
        world.clock.pass_by(RUN_SECONDS)
        original(*changes)

    world.records.commit = slow  # type: ignore[method-assign]
    runs = [executor(entry) for _ in range(3)]
    assert runs == [False, False, True]
    assert len(world.subscriptions(new)) == world.count(new) == 3 * TOGETHER


def test_deprecating_old_versions_takes_the_published_older_ones(world: World) -> None:
    blocked, older, other = (
        world.add("1.0.0"),
        world.add("1.9.0"),
        world.add("1.5.0", provider="kim"),
    )
    newer = world.add("3.0.0")
    for api in (blocked, older, other, newer):
        world.go(api, "Publish")
    world.go(blocked, "Block")
    new = world.add("2.0.0")
    world.go(new, "Publish", deprecate=True)
    world.work()

    states = {api.version: world.api(api).state for api in (blocked, older, other, newer, new)}
    assert states == {
        "1.0.0": "BLOCKED",
        "1.5.0": "PUBLISHED",
        "1.9.0": "DEPRECATED",
        "2.0.0": "PUBLISHED",
        "3.0.0": "PUBLISHED",
    }
    found = world.deployment(older)
    assert found
    assert found.state == "DEPRECATED"
    history = world.wired.transitions.history(JANE, older.id)
    assert (history[-1].event, history[-1].user) == ("Deprecate", "jane")


def test_versions_sort_by_number() -> None:
    versions = ["2.0", "1.10", "1.9", "v3", "2.0-beta", "1.9.1", "2.0-alpha"]
    assert sorted(versions, key=version_key) == [
        "v3",
        "1.9",
        "1.9.1",
        "1.10",
        "2.0-alpha",
        "2.0-beta",
        "2.0",
    ]
    assert sorted(["v10", "v9"], key=version_key) == ["v9", "v10"]


def shown(world: World, api: Api) -> dict[str, bool]:
    state = world.wired.transitions.state(JANE, api.id)
    return {item["name"]: item["value"] for item in state["checkItems"]}


def test_boxes_about_other_versions_show_where_there_are_any(world: World) -> None:
    first = world.add("1.0.0")
    assert shown(world, first) == {PROPAGATE: True}
    second = world.add("2.0.0")
    both = {PROPAGATE: True, DEPRECATE_OLD: False, RESUBSCRIBE: False}
    assert shown(world, first) == shown(world, second) == both


def test_a_tenant_has_the_box_ticked_beforehand(world: World) -> None:
    config = TenantConfig(world.records, world.clock)
    config.change(Caller(TENANT, "root", ("admin",)), {DEPRECATE_OLD_VERSIONS: True})
    old = world.add("1.0.0")
    world.go(old, "Publish")
    kept = world.add("2.0.0")
    assert shown(world, kept)[DEPRECATE_OLD] is True
    world.go(kept, "Publish", deprecate=False)
    world.work()
    assert world.api(old).state == "PUBLISHED"

    newest = world.add("3.0.0")
    world.go(newest, "Publish")
    world.work()
    assert {world.api(old).state, world.api(kept).state} == {"DEPRECATED"}
    # Events without the box are not touched by it.
    assert world.go(newest, "Block").state == "BLOCKED"


def test_a_setting_that_nobody_knows_is_refused(world: World) -> None:
    config = TenantConfig(world.records, world.clock)
    with pytest.raises(InvalidInput) as caught:
        config.change(JANE, {"Unknown": True, DEPRECATE_OLD_VERSIONS: "yes"})
    assert [problem.field for problem in caught.value.problems] == [
        "Unknown",
        DEPRECATE_OLD_VERSIONS,
    ]
    assert config.show(TENANT)[DEPRECATE_OLD_VERSIONS] is False


def of_an_older_era(world: World, without: str) -> Transitions:
    """Transitions by the default document without the boxes whose line has these words."""
    lines = scxml.default_text().decode().splitlines()
    content = "\n".join(line for line in lines if without not in line)
    lifecycle = scxml.read(content.encode())
    return replace(world.wired.transitions, lifecycle_of=lambda _: lifecycle)


def test_a_document_without_the_box_deploys(world: World) -> None:
    api = world.add()
    transitions = of_an_older_era(world, "Propagate Changes")
    transitions.change(JANE, api.id, "Publish", {})
    found = world.deployment(api)
    assert found
    assert found.access == "token"
    transitions.change(JANE, api.id, "Block", {})
    assert len(Revisions(world.records, world.documents, world.clock).list(JANE, api.id)) == 1


@pytest.mark.parametrize("way", ["straight", "by prototype"])
def test_a_document_that_does_not_ask_carries_once(world: World, way: str) -> None:
    old = world.add("1.0.0")
    world.go(old, "Publish")
    world.subscribe(old, "a1", "Silver")
    new = world.add("2.0.0")
    transitions = of_an_older_era(world, "re-subscription")
    if way == "by prototype":
        world.clock.pass_by(1)
        transitions.change(JANE, new.id, "Deploy as a Prototype", {})
    world.clock.pass_by(1)
    transitions.change(JANE, new.id, "Publish", {})
    world.work()
    assert world.subscriptions(new) == {"a1": ("Silver", "UNBLOCKED")}
    # Who comes later wants the older version; publishing again moves nobody.
    world.subscribe(old, "a2")
    world.clock.pass_by(1)
    transitions.change(JANE, new.id, "Publish", {})
    world.work()
    assert set(world.subscriptions(new)) == {"a1"}
