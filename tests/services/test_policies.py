"""Throttling policies: their mirror is never out of step, and what is used stays."""

from collections.abc import Callable

import pytest

from portico.domain.api import Api
from portico.domain.errors import AlreadyExists, InUse, InvalidInput, LostRace, NotFound, Stale
from portico.domain.gateway import PolicyTable
from portico.domain.policy import Policy, PolicyUse
from portico.domain.records import Create
from portico.domain.user import Caller
from portico.services.policies import Policies, policy_uses
from portico.services.policy_mirror import mirror_of
from portico.services.policy_rules import PolicyDraft
from portico.services.tenants import Tenants
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
CALLER = Caller(TENANT, "admin", ("admin",))
PIZZA = Api(tenant=TENANT, id="1", name="Pizza", version="1", context="/pizza", provider="admin")


def draft(name: str = "Tiny", calls: int = 5) -> PolicyDraft:
    return PolicyDraft(name=name, request_count=calls, unit_time=1, time_unit="min", extra={})


@pytest.fixture
def records() -> FakeRecords:
    records = FakeRecords()
    Tenants(records, FakeClock()).prepare(TENANT)
    return records


@pytest.fixture
def policies(records: FakeRecords) -> Policies:
    return Policies(records, FakeClock())


def in_step(records: FakeRecords) -> bool:
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    return table.policies == mirror_of(TENANT, records.list(Policy, tenant=TENANT)).policies


def test_the_mirror_follows_every_change(policies: Policies, records: FakeRecords) -> None:
    made = policies.create(CALLER, "subscription", draft())
    assert in_step(records)
    policies.replace(CALLER, "subscription", made.id, draft(calls=7))
    assert in_step(records)
    policies.delete(CALLER, "subscription", made.id)
    assert in_step(records)


def test_what_a_change_returns_is_what_is_stored(policies: Policies) -> None:
    made = policies.create(CALLER, "application", draft())
    assert policies.get(TENANT, "application", "Tiny") == made
    changed = policies.replace(CALLER, "application", made.id, draft(calls=9))
    assert policies.find(TENANT, "application", made.id) == changed
    assert changed.stamp == made.stamp + 1


def test_a_race_about_the_mirror_is_run_again(policies: Policies, records: FakeRecords) -> None:
    records.before_commit = lambda: policies.create(CALLER, "application", draft("Other"))
    policies.create(CALLER, "application", draft("Tiny"))
    assert {"Other", "Tiny"} <= {one.name for one in policies.list(TENANT, "application")}
    assert in_step(records)


@pytest.mark.parametrize(
    "theirs",
    [
        lambda policies, made: policies.replace(CALLER, "api", made.id, draft(calls=8)),
        lambda policies, made: policies.delete(CALLER, "api", made.id),
    ],
    ids=["changed", "deleted"],
)
def test_a_race_about_the_policy_is_lost(
    policies: Policies, records: FakeRecords, theirs: Callable[[Policies, Policy], object]
) -> None:
    made = policies.create(CALLER, "api", draft())
    records.before_commit = lambda: theirs(policies, made)
    with pytest.raises(LostRace):
        policies.replace(CALLER, "api", made.id, draft(calls=7))
    assert in_step(records)


def test_two_at_once_make_one_policy(policies: Policies, records: FakeRecords) -> None:
    records.before_commit = lambda: policies.create(CALLER, "api", draft(calls=1))
    with pytest.raises(AlreadyExists):
        policies.create(CALLER, "api", draft(calls=2))
    assert policies.get(TENANT, "api", "Tiny").request_count == 1
    assert in_step(records)


@pytest.mark.parametrize("kind", ["application", "subscription", "API"])
def test_what_is_used_stays(policies: Policies, records: FakeRecords, kind: str) -> None:
    gold = policies.get(TENANT, "subscription", "Gold")
    records.commit(Create(PIZZA), *policy_uses(TENANT, "subscription", kind, "1", [], ["Gold"]))
    with pytest.raises(InUse, match=kind):
        policies.delete(CALLER, "subscription", gold.id)
    assert in_step(records)
    records.commit(*policy_uses(TENANT, "subscription", kind, "1", ["Gold"], ["Bronze"]))
    policies.delete(CALLER, "subscription", gold.id)
    with pytest.raises(NotFound):
        policies.get(TENANT, "subscription", "Gold")


def test_a_use_that_comes_while_the_policy_goes_brings_it_back(
    policies: Policies, records: FakeRecords
) -> None:
    gold = policies.get(TENANT, "subscription", "Gold")
    records.before_commit = lambda: records.commit(
        *policy_uses(TENANT, "subscription", "application", "1", [], ["Gold"])
    )
    with pytest.raises(InUse):
        policies.delete(CALLER, "subscription", gold.id)
    assert policies.get(TENANT, "subscription", "Gold").id == gold.id
    assert in_step(records)


def test_another_levels_use_does_not_count(policies: Policies, records: FakeRecords) -> None:
    records.commit(*policy_uses(TENANT, "api", "API", "1", [], ["Gold"]))
    policies.delete(CALLER, "subscription", policies.get(TENANT, "subscription", "Gold").id)


def test_uses_are_what_changed_and_may_be_repeated(records: FakeRecords) -> None:
    changes = policy_uses(TENANT, "subscription", "API", "1", ["A", "B"], ["B", "C", ""])
    assert [(type(one).__name__, getattr(one.record, "policy", "")) for one in changes] == [
        ("Discard", "A"),
        ("Put", "C"),
    ]
    records.commit(*changes)
    records.commit(*changes)
    assert len(records.list(PolicyUse, tenant=TENANT, level="subscription", policy="C")) == 1


def test_a_stamp_that_is_not_the_current_one_is_stale(policies: Policies) -> None:
    made = policies.create(CALLER, "application", draft())
    with pytest.raises(Stale):
        policies.replace(CALLER, "application", made.id, draft(), stamp=made.stamp + 1)


def test_unlimited_stays_without_a_limit(policies: Policies) -> None:
    unlimited = policies.get(TENANT, "application", "Unlimited")
    with pytest.raises(InvalidInput):
        policies.replace(CALLER, "application", unlimited.id, draft("Unlimited", calls=5))


@pytest.mark.parametrize("level", ["", "global", "Application", "api#"])
def test_a_level_that_is_none_is_not_found(policies: Policies, level: str) -> None:
    with pytest.raises(NotFound):
        policies.list(TENANT, level)


def test_a_tenants_policies_are_its_own(policies: Policies) -> None:
    policies.create(Caller("acme.com", "root"), "application", draft())
    with pytest.raises(NotFound):
        policies.get(TENANT, "application", "Tiny")
    assert [one.name for one in policies.list("acme.com", "application")] == ["Tiny"]


@pytest.mark.parametrize(
    ("unit", "window"),
    [("sec", 1), ("min", 60), ("hour", 3600), ("day", 86400), ("days", 86400), ("week", 604800)],
)
def test_a_window_in_seconds(policies: Policies, unit: str, window: int) -> None:
    new = PolicyDraft(name="Tiny", request_count=5, unit_time=2, time_unit=unit, extra={})
    assert policies.create(CALLER, "api", new).window == 2 * window
