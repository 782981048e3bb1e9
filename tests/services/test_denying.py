"""Deny policies: what they may name, and that the authorizer's table follows them."""

from typing import Any

import pytest

from portico.domain.api import Api, card_of
from portico.domain.application import ApplicationName
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, NotFound, Stale
from portico.domain.gateway import PolicyTable
from portico.domain.operations import AuditEntry
from portico.domain.policy import DenyPolicy, Policy
from portico.domain.records import Create
from portico.domain.user import Caller
from portico.services.denying import Denial, DenyPolicies
from portico.services.policy_mirror import mirror_of
from portico.services.tenants import Tenants
from tests.fakes import FakeClock, FakeRecords

TENANT = "acme.com"
CALLER = Caller(TENANT, "root", ("admin",))
CONTEXT = "/t/acme.com/pizza"


@pytest.fixture
def records() -> FakeRecords:
    records = FakeRecords()
    Tenants(records, FakeClock()).prepare(TENANT)
    for version, context in (("1.0.0", CONTEXT), ("2.0.0", f"{CONTEXT}/{{version}}/x")):
        api = Api(
            tenant=TENANT, id=version, name="Pizza", version=version, context=context, provider="p"
        )
        records.commit(Create(card_of(api)))
    name = ApplicationName(tenant=TENANT, owner="jane", name="shop", application_id="a1")
    records.commit(Create(name))
    return records


@pytest.fixture
def denying(records: FakeRecords) -> DenyPolicies:
    return DenyPolicies(records, FakeClock())


def mirror(records: FakeRecords) -> dict[str, Any]:
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    policies = records.list(Policy, tenant=TENANT)
    denies = records.list(DenyPolicy, tenant=TENANT)
    assert table.policies == mirror_of(TENANT, policies, denies).policies
    return table.policies.get("deny", {})


@pytest.mark.parametrize(
    ("denial", "value"),
    [
        (Denial(kind="API", value=f"{CONTEXT}/1.0.0"), f"{CONTEXT}/1.0.0"),
        (Denial(kind="API", value="t/acme.com/pizza/2.0.0/x/"), f"{CONTEXT}/2.0.0/x"),
        (Denial(kind="USER", value="jane"), "jane"),
        (Denial(kind="USER", value="jane@acme.com"), "jane"),
        (Denial(kind="USER", value="jane@example.org"), "jane@example.org"),
        (Denial(kind="APPLICATION", value="jane:Shop"), "jane:Shop"),
        (Denial(kind="APPLICATION", value="jane@acme.com: Shop "), "jane:Shop"),
        (Denial(kind="IP", value="2001:DB8:0::1"), "2001:db8::1"),
        (Denial(kind="IP", value="::ffff:192.0.2.7", invert=True), "192.0.2.7"),
        (Denial(kind="IPRANGE", start="192.0.2.1", end="192.0.2.1"), ""),
    ],
)
def test_what_can_be_denied(
    denying: DenyPolicies, records: FakeRecords, denial: Denial, value: str
) -> None:
    made = denying.create(CALLER, denial)
    assert (made.kind, made.value, made.active, made.created_by) == (
        denial.kind,
        value,
        True,
        "root",
    )
    assert made.created == int(FakeClock().now())
    assert denying.get(TENANT, made.id) == made
    assert set(mirror(records)) == {made.id}
    if denial.kind == "APPLICATION":
        assert mirror(records)[made.id]["subject"] == "a1"
    with pytest.raises(AlreadyExists):
        denying.create(CALLER, denial)


@pytest.mark.parametrize(
    ("denial", "field"),
    [
        (Denial(kind="COUNTRY", value="x"), "conditionType"),
        (Denial(kind="API", value=CONTEXT), "conditionValue"),
        (Denial(kind="API", value="/other/1.0.0"), "conditionValue"),
        (Denial(kind="API", value=" "), "conditionValue"),
        (Denial(kind="API", value=f"{CONTEXT}/1.0.0", invert=True), "conditionValue.invert"),
        (Denial(kind="APPLICATION", value="Shop"), "conditionValue"),
        (Denial(kind="APPLICATION", value="joe:Shop"), "conditionValue"),
        (Denial(kind="APPLICATION", value=":"), "conditionValue"),
        (Denial(kind="USER", value=""), "conditionValue"),
        (Denial(kind="USER", value="two words"), "conditionValue"),
        (Denial(kind="USER", value="a#b"), "conditionValue"),
        (Denial(kind="IP", value="localhost"), "conditionValue.fixedIp"),
        (Denial(kind="IP", value=""), "conditionValue.fixedIp"),
        (Denial(kind="IPRANGE", start="192.0.2.1"), "conditionValue.endingIp"),
        (Denial(kind="IPRANGE", start="192.0.2.9", end="192.0.2.1"), "conditionValue.endingIp"),
        (Denial(kind="IPRANGE", start="192.0.2.9", end="::2"), "conditionValue.endingIp"),
    ],
)
def test_what_cannot_be_denied(
    denying: DenyPolicies, records: FakeRecords, denial: Denial, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        denying.create(CALLER, denial)
    assert field in [one.field for one in caught.value.problems]
    assert not mirror(records)


def test_switching_and_deleting(denying: DenyPolicies, records: FakeRecords) -> None:
    made = denying.create(CALLER, Denial(kind="USER", value="jane", active=False))
    assert mirror(records)[made.id]["active"] is False
    on = denying.switch(CALLER, made.id, True, made.stamp)
    assert (on.active, on.stamp) == (True, 2)
    assert denying.get(TENANT, made.id) == on
    assert mirror(records)[made.id]["active"] is True
    with pytest.raises(Stale):
        denying.switch(CALLER, made.id, False, made.stamp)
    assert denying.switch(CALLER, made.id, True) == on
    denying.delete(CALLER, made.id)
    assert not mirror(records)
    with pytest.raises(NotFound):
        denying.switch(CALLER, made.id, True)
    with pytest.raises(NotFound):
        denying.delete(CALLER, made.id)
    audits = [one for one in records.items.values() if isinstance(one, AuditEntry)]
    assert [(one.user, one.action) for one in audits if one.subject == made.id] == [
        ("root", "create"),
        ("root", "update"),
        ("root", "delete"),
    ]


def test_a_change_that_was_overtaken_is_lost(denying: DenyPolicies, records: FakeRecords) -> None:
    made = denying.create(CALLER, Denial(kind="USER", value="jane"))
    records.before_commit = lambda: denying.delete(CALLER, made.id)
    with pytest.raises(LostRace):
        denying.switch(CALLER, made.id, False)
    assert not mirror(records)


def test_two_at_once_are_both_in_force(denying: DenyPolicies, records: FakeRecords) -> None:
    records.before_commit = lambda: denying.create(CALLER, Denial(kind="USER", value="joe"))
    denying.create(CALLER, Denial(kind="USER", value="jane"))
    assert {one["value"] for one in mirror(records).values()} == {"joe", "jane"}


def test_users_differ_by_more_than_case(denying: DenyPolicies) -> None:
    denying.create(CALLER, Denial(kind="USER", value="Jane"))
    with pytest.raises(AlreadyExists):
        denying.create(CALLER, Denial(kind="USER", value="jane"))


def test_lists(denying: DenyPolicies) -> None:
    user = denying.create(CALLER, Denial(kind="USER", value="jane"))
    api = denying.create(CALLER, Denial(kind="API", value=f"{CONTEXT}/1.0.0"))
    assert {one.id for one in denying.list(TENANT)} == {user.id, api.id}
    assert denying.list(TENANT, "API") == [api]
    assert denying.list(TENANT, "API", "t/acme.com/pizza/1.0.0") == [api]
    assert denying.list(TENANT, "API", "jane") == []
    assert denying.list(TENANT, "", "jane") == [user]
    assert denying.list("carbon.super") == []
