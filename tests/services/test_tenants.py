"""A tenant's beginning: everything once, nothing twice, and whole after a run that died."""

from dataclasses import replace

import pytest

from portico.domain.errors import NotFound, Unavailable
from portico.domain.gateway import PolicyTable
from portico.domain.operations import AuditEntry
from portico.domain.policy import Level, Policy
from portico.domain.records import Change, Create, Put, Remove
from portico.domain.tenant import Tenant
from portico.domain.user import ROLES, User
from portico.services.tenants import Tenants
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"


class DyingRecords(FakeRecords):
    """Records whose commits fail from the given one on."""

    alive = 0

    def commit(self, *changes: Change) -> None:
        if len(self.commits) >= self.alive:
            raise Unavailable("the machine died")
        super().commit(*changes)


@pytest.fixture
def records() -> FakeRecords:
    return FakeRecords()


@pytest.fixture
def tenants(records: FakeRecords) -> Tenants:
    return Tenants(records, FakeClock())


def test_a_tenant_begins_with_wso2s_policies(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    limits = {
        (policy.level, policy.name): (policy.request_count, policy.window)
        for policy in records.list(Policy, tenant=TENANT)
    }
    assert limits == {
        ("application", "10PerMin"): (10, 60),
        ("application", "20PerMin"): (20, 60),
        ("application", "50PerMin"): (50, 60),
        ("application", "Unlimited"): (0, 0),
        ("subscription", "Bronze"): (1000, 60),
        ("subscription", "Silver"): (2000, 60),
        ("subscription", "Gold"): (5000, 60),
        ("subscription", "Unlimited"): (0, 0),
        ("subscription", "Unauthenticated"): (500, 60),
        ("subscription", "DefaultSubscriptionless"): (0, 0),
        ("api", "10KPerMin"): (10_000, 60),
        ("api", "20KPerMin"): (20_000, 60),
        ("api", "50KPerMin"): (50_000, 60),
        ("api", "Unlimited"): (0, 0),
    }


def test_the_authorizer_reads_the_same_policies(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    assert table.policies["subscription"]["Gold"] == _limited(5000, 60)
    assert table.policies["application"]["Unlimited"] == _limited(0, 0)
    assert {level: len(names) for level, names in table.policies.items()} == {
        "application": 4,
        "subscription": 6,
        "api": 4,
    }


def test_a_second_time_writes_nothing(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    before = dict(records.items)
    tenants.prepare(TENANT)
    assert records.items == before
    assert len(records.commits) == 1


def test_what_an_administrator_changed_or_deleted_stays_so(
    tenants: Tenants, records: FakeRecords
) -> None:
    tenants.prepare(TENANT)
    gold, bronze = (
        records.get(Policy, tenant=TENANT, level="subscription", name=name)
        for name in ("Gold", "Bronze")
    )
    assert gold is not None
    assert bronze is not None
    records.commit(Put(replace(gold, request_count=7)), Remove(bronze))

    tenants.prepare(TENANT)

    names = {policy.name for policy in records.list(Policy, tenant=TENANT, level="subscription")}
    assert "Bronze" not in names
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    assert table.policies["subscription"]["Gold"] == _limited(7, 60)
    assert "Bronze" not in table.policies["subscription"]


def test_policies_without_a_tenant_are_completed(tenants: Tenants, records: FakeRecords) -> None:
    mine = Policy(tenant=TENANT, level=Level.SUBSCRIPTION, name="Gold", id="mine", request_count=1)
    records.commit(Create(mine))
    tenants.prepare(TENANT)
    assert len(records.list(Policy, tenant=TENANT)) == 14
    found = records.get(Policy, tenant=TENANT, level="subscription", name="Gold")
    assert found is not None
    assert found.id == "mine"
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    assert table.policies["subscription"]["Gold"] == _limited(1, 60)


def test_two_runs_at_once_make_one_tenant(tenants: Tenants, records: FakeRecords) -> None:
    records.before_commit = lambda: tenants.prepare(TENANT)
    tenants.prepare(TENANT)
    assert len(records.list(Policy, tenant=TENANT)) == 14
    assert len(records.commits) == 1


def test_the_first_administrator_has_all_roles_and_a_hash(
    tenants: Tenants, records: FakeRecords
) -> None:
    tenants.prepare(TENANT)
    assert tenants.first_admin(TENANT, "Admin", lambda: "hash of it")
    user = records.get(User, tenant=TENANT, name="admin")
    assert user is not None
    assert user.roles == ROLES
    assert user.password == "hash of it"
    day = "2027-01-15"
    [entry] = records.list(AuditEntry, tenant=TENANT, day=day)
    assert (entry.user, entry.action, entry.subject) == ("system", "create", "admin")
    assert "hash" not in str(entry)


def test_an_administrator_is_not_made_twice(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    tenants.first_admin(TENANT, "admin", lambda: "first")
    assert not tenants.first_admin(TENANT, "admin", lambda: "second")
    user = records.get(User, tenant=TENANT, name="admin")
    assert user is not None
    assert user.password == "first"


def test_a_removed_administrator_does_not_come_back(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    tenants.first_admin(TENANT, "admin", lambda: "first")
    user = records.get(User, tenant=TENANT, name="admin")
    assert user is not None
    records.commit(Remove(user))
    assert not tenants.first_admin(TENANT, "admin", lambda: "second")
    assert records.list(User, tenant=TENANT) == []


def test_another_name_makes_another_administrator(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    tenants.first_admin(TENANT, "admin", lambda: "first")
    assert tenants.first_admin(TENANT, "root", lambda: "second")
    assert [user.name for user in records.list(User, tenant=TENANT)] == ["admin", "root"]


def test_a_user_of_that_name_keeps_password_and_roles(
    tenants: Tenants, records: FakeRecords
) -> None:
    tenants.prepare(TENANT)
    records.commit(Create(User(tenant=TENANT, name="jane", id="1", password="hers")))
    assert not tenants.first_admin(TENANT, "Jane", lambda: pytest.fail("nobody asked for a hash"))
    user = records.get(User, tenant=TENANT, name="jane")
    assert user is not None
    assert (user.password, user.roles) == ("hers", ())


def test_an_administrator_needs_a_tenant(tenants: Tenants) -> None:
    with pytest.raises(NotFound):
        tenants.first_admin(TENANT, "admin", lambda: "hash")


def test_two_runs_at_once_make_one_administrator(tenants: Tenants, records: FakeRecords) -> None:
    tenants.prepare(TENANT)
    records.before_commit = lambda: tenants.first_admin(TENANT, "admin", lambda: "theirs")
    assert not tenants.first_admin(TENANT, "admin", lambda: "ours")
    user = records.get(User, tenant=TENANT, name="admin")
    assert user is not None
    assert user.password == "theirs"


@pytest.mark.parametrize("alive", [0, 1])
def test_a_run_that_died_is_completed_by_the_next(alive: int) -> None:
    records = DyingRecords()
    records.alive = alive
    tenants = Tenants(records, FakeClock())

    def run() -> None:
        tenants.prepare(TENANT)
        tenants.first_admin(TENANT, "admin", lambda: "hash")

    with pytest.raises(Unavailable):
        run()
    records.alive = 99
    run()
    assert records.get(Tenant, tenant=TENANT)
    assert len(records.list(Policy, tenant=TENANT)) == 14
    assert len(records.list(User, tenant=TENANT)) == 1


def _limited(calls: int, seconds: int) -> dict[str, object]:
    """A policy in the authorizer's table."""
    limit = {"kind": "requests", "amount": calls, "seconds": seconds}
    return {"limit": limit, "stop": True}
