"""Applications: numbers and names under races, and removals that are cut short."""

from dataclasses import replace

import pytest

from portico.domain.api import SubscriberCount
from portico.domain.application import (
    Application,
    ApplicationName,
    ApplicationNumbers,
    Client,
    KeyMapping,
    Subscription,
)
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, NotFound, Stale
from portico.domain.gateway import GatewayApplication, GatewayClient, Grant, Revocation
from portico.domain.policy import PolicyUse
from portico.domain.records import Put, Require
from portico.domain.user import Caller
from portico.services.application_rules import ApplicationDraft
from portico.services.applications import Applications
from portico.services.clients import Clients
from portico.services.policies import default_policies
from portico.services.removing import CHUNK, Removing
from portico.services.subscribing import grant_of
from portico.storage.keys import PLACES
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane")
DRAFT = ApplicationDraft(name="Shop", policy="10PerMin")


class Failing(FakeRecords):
    """Records that stop working after some more commits."""

    left: int = 1_000_000

    def commit(self, *changes: object) -> None:
        if self.left <= 0:
            raise ConnectionError("the function was stopped")
        self.left -= 1
        super().commit(*changes)  # type: ignore[arg-type]


@pytest.fixture
def records() -> Failing:
    found = Failing()
    found.commit(*map(Put, default_policies(TENANT)))
    return found


@pytest.fixture
def applications(records: Failing) -> Applications:
    return service(records)


def service(records: FakeRecords) -> Applications:
    clock = FakeClock()
    return Applications(records, clock, Removing(records, Clients(records, clock)))


def with_keys_and_subscriptions(
    applications: Applications, records: FakeRecords, subscriptions: int
) -> Application:
    """An application with both keys and so many subscriptions."""
    made = applications.create(JANE, DRAFT)
    clients = Clients(records, FakeClock())
    for key_type in ("PRODUCTION", "SANDBOX"):
        client, _, changes = clients.prepare(
            TENANT, "n", "jane", ["password"], application_id=made.id, key_type=key_type
        )
        mapping = KeyMapping(
            tenant=TENANT,
            application_id=made.id,
            key_type=key_type,
            id=key_type,
            client_id=client.client_id,
        )
        records.commit(Put(mapping), *changes)
    for number in range(subscriptions):
        one = Subscription(
            tenant=TENANT,
            application_id=made.id,
            api_id=f"api-{number:03}",
            id=f"subscription-{number}",
            application_owner="jane",
            application_name="Shop",
            api_name="A",
            api_version="1",
            api_context=f"/a{number}/1",
            api_provider="paula",
            policy="Gold",
        )
        count = SubscriberCount(tenant=TENANT, api_id=one.api_id, count=1)
        records.commit(Put(one), Put(grant_of(one)), Put(count))
    return made


def left_of(records: FakeRecords, application: Application) -> list[object]:
    """Everything stored that belongs to the application, but audit entries and revocations."""
    mine = (Application, ApplicationName, GatewayApplication, KeyMapping, Subscription, Grant)
    found: list[object] = [
        one
        for one in records.items.values()
        if isinstance(one, mine)
        and application.id in (getattr(one, "application_id", ""), getattr(one, "id", ""))
    ]
    found += [one for one in records.items.values() if isinstance(one, Client | GatewayClient)]
    found += [
        one
        for one in records.items.values()
        if isinstance(one, PolicyUse) and one.subject == application.id
    ]
    return found


def test_numbers_go_up_and_two_at_the_same_moment_differ(
    applications: Applications, records: Failing
) -> None:
    first = applications.create(JANE, DRAFT)
    beside = service(records)
    others = []

    def race() -> None:
        others.append(beside.create(Caller(TENANT, "joe"), DRAFT))

    records.before_commit = race
    second = applications.create(JANE, replace(DRAFT, name="Second"))
    assert [first.number, others[0].number, second.number] == [1, 2, 3]
    numbers = records.get(ApplicationNumbers, tenant=TENANT)
    assert numbers is not None
    assert numbers.last == 3


def test_the_same_name_at_the_same_moment_is_made_once(
    applications: Applications, records: Failing
) -> None:
    def race() -> None:
        service(records).create(JANE, DRAFT)

    records.before_commit = race
    with pytest.raises(AlreadyExists, match="SHOP"):
        applications.create(JANE, replace(DRAFT, name="SHOP"))
    assert len(records.list(Application, tenant=TENANT, owner="jane")) == 1


def test_tenants_number_and_name_their_own(applications: Applications, records: Failing) -> None:
    records.commit(*map(Put, default_policies("acme.com")))
    applications.create(JANE, DRAFT)
    made = applications.create(Caller("acme.com", "jane"), DRAFT)
    assert made.number == 1
    with pytest.raises(NotFound):
        applications.show(JANE, made.id)


def test_the_default_application_is_made_once(applications: Applications, records: Failing) -> None:
    records.before_commit = lambda: service(records).mine(JANE)
    assert [one.name for one in applications.mine(JANE)] == ["DefaultApplication"]
    (only,) = applications.mine(JANE)
    applications.delete(JANE, only.id)
    assert applications.mine(JANE) == []


def test_a_developer_who_took_the_name_of_the_default_keeps_it(
    applications: Applications,
) -> None:
    made = applications.create(JANE, replace(DRAFT, name="defaultapplication"))
    assert applications.mine(JANE) == [made]
    assert applications.mine(JANE) == [made]


def test_a_change_at_the_same_moment_is_not_overwritten(
    applications: Applications, records: Failing
) -> None:
    made = applications.create(JANE, DRAFT)

    def race() -> None:
        service(records).update(JANE, made.id, replace(DRAFT, description="theirs"))

    records.before_commit = race
    with pytest.raises(LostRace):
        applications.update(JANE, made.id, replace(DRAFT, description="mine"))
    assert applications.show(JANE, made.id).description == "theirs"
    with pytest.raises(Stale):
        applications.update(JANE, made.id, DRAFT, stamp=made.stamp)


def test_a_new_name_frees_the_old_one(applications: Applications) -> None:
    made = applications.create(JANE, DRAFT)
    applications.update(JANE, made.id, replace(DRAFT, name="Renamed"))
    assert applications.create(JANE, DRAFT).name == "Shop"
    with pytest.raises(AlreadyExists):
        applications.create(JANE, replace(DRAFT, name="renamed"))


def test_another_spelling_of_the_own_name_is_no_conflict(applications: Applications) -> None:
    made = applications.create(JANE, DRAFT)
    assert applications.update(JANE, made.id, replace(DRAFT, name="SHOP")).name == "SHOP"
    with pytest.raises(AlreadyExists):
        applications.create(JANE, DRAFT)


def test_the_policy_in_use_is_noted(applications: Applications, records: Failing) -> None:
    made = applications.create(JANE, DRAFT)
    applications.update(JANE, made.id, replace(DRAFT, policy="20PerMin"))
    uses = [one for one in records.items.values() if isinstance(one, PolicyUse)]
    assert [(one.policy, one.subject) for one in uses] == [("20PerMin", made.id)]


def test_all_problems_are_named_at_once(applications: Applications) -> None:
    bad = ApplicationDraft(
        name="a/b",
        policy="Gold",
        description="d" * 513,
        token_type="SAML",
        groups=("g" * 101,),
        attributes={"a": "v" * 1020},
    )
    with pytest.raises(InvalidInput) as refused:
        applications.create(JANE, bad)
    assert {one.field for one in refused.value.problems} == {
        "name",
        "throttlingPolicy",
        "description",
        "tokenType",
        "groups",
        "attributes",
    }


def test_a_removal_takes_everything_in_commits_that_fit(
    applications: Applications, records: Failing
) -> None:
    made = with_keys_and_subscriptions(applications, records, 2 * CHUNK + 1)
    before = len(records.commits)
    applications.delete(JANE, made.id)
    assert left_of(records, made) == []
    counts = [one for one in records.items.values() if isinstance(one, SubscriberCount)]
    assert {one.count for one in counts} == {0}
    sizes = [
        sum(
            1 if isinstance(change, Require) else 1 + len(PLACES[type(change.record).__name__].also)
            for change in commit
        )
        for commit in records.commits[before:]
    ]
    assert max(sizes) <= 100
    assert len(sizes) == 5  # the mark, three chunks, the last


def test_calls_end_with_the_first_commit_of_a_removal(
    applications: Applications, records: Failing
) -> None:
    made = with_keys_and_subscriptions(applications, records, 1)
    records.left = 1
    with pytest.raises(ConnectionError):
        applications.delete(JANE, made.id)
    stored = records.items.values()
    assert not [one for one in stored if isinstance(one, GatewayClient | GatewayApplication)]
    assert len([one for one in stored if isinstance(one, Revocation)]) == 2
    with pytest.raises(NotFound):
        applications.show(JANE, made.id)


@pytest.mark.parametrize("commits", range(5))
def test_a_removal_cut_short_is_finished_by_the_next_one(
    applications: Applications, records: Failing, commits: int
) -> None:
    made = with_keys_and_subscriptions(applications, records, 2 * CHUNK + 1)
    records.left = commits
    with pytest.raises(ConnectionError):
        applications.delete(JANE, made.id)
    records.left = 100
    applications.delete(JANE, made.id, made.stamp)
    assert left_of(records, made) == []


@pytest.mark.parametrize("commits", range(1, 5))
def test_a_removal_cut_short_is_finished_by_the_next_list(
    applications: Applications, records: Failing, commits: int
) -> None:
    applications.mine(JANE)
    made = with_keys_and_subscriptions(applications, records, 2 * CHUNK + 1)
    records.left = commits
    with pytest.raises(ConnectionError):
        applications.delete(JANE, made.id)
    records.left = 100
    assert [one.name for one in applications.mine(JANE)] == ["DefaultApplication"]
    assert left_of(records, made) == []
    assert applications.create(JANE, DRAFT).name == "Shop"


def test_another_subscriber_at_the_same_moment_does_not_stop_a_removal(
    applications: Applications, records: Failing
) -> None:
    made = with_keys_and_subscriptions(applications, records, 3)
    other = SubscriberCount(tenant=TENANT, api_id="api-001", count=2, stamp=1)

    def second() -> None:
        records.commit(Put(other))

    def first() -> None:
        records.before_commit = second

    records.before_commit = first
    applications.delete(JANE, made.id)
    assert left_of(records, made) == []
    found = records.get(SubscriberCount, tenant=TENANT, api_id="api-001")
    assert found is not None
    assert found.count == 1


def test_two_removals_at_the_same_moment(applications: Applications, records: Failing) -> None:
    made = with_keys_and_subscriptions(applications, records, 3)
    records.before_commit = lambda: service(records).delete(JANE, made.id)
    applications.delete(JANE, made.id)
    assert left_of(records, made) == []
    counts = [one.count for one in records.items.values() if isinstance(one, SubscriberCount)]
    assert counts == [0, 0, 0]


def test_new_keys_at_the_same_moment_go_too(applications: Applications, records: Failing) -> None:
    made = with_keys_and_subscriptions(applications, records, 0)
    clients = Clients(records, FakeClock())

    def beside() -> None:
        for mapping in records.list(KeyMapping, tenant=TENANT, application_id=made.id):
            client = clients.get(TENANT, mapping.client_id)
            clients.secrets.regenerate(JANE, client)

    records.before_commit = beside
    applications.delete(JANE, made.id)
    assert left_of(records, made) == []


def test_a_change_at_the_same_moment_stops_a_removal_of_the_known_state(
    applications: Applications, records: Failing
) -> None:
    made = applications.create(JANE, DRAFT)
    records.before_commit = lambda: service(records).update(JANE, made.id, DRAFT)
    with pytest.raises(Stale):
        applications.delete(JANE, made.id, made.stamp)
    assert applications.show(JANE, made.id)


def test_a_token_type_reaches_the_keys_in_the_same_commit(
    applications: Applications, records: Failing
) -> None:
    made = with_keys_and_subscriptions(applications, records, 0)
    applications.update(JANE, made.id, replace(DRAFT, token_type="OAUTH"))
    together = [
        {type(change.record) for change in commit}
        for commit in records.commits
        if any(isinstance(change.record, Client) for change in commit)
    ]
    assert together[-1] >= {Application, Client}
    assert [one.opaque for one in records.items.values() if isinstance(one, Client)] == [True, True]


def test_keys_made_while_the_token_type_changes_have_the_new_one(
    applications: Applications, records: Failing
) -> None:
    made = applications.create(JANE, DRAFT)

    def beside() -> None:
        client, _, changes = Clients(records, FakeClock()).prepare(
            TENANT, "n", "jane", ["password"], application_id=made.id
        )
        mapping = KeyMapping(
            tenant=TENANT,
            application_id=made.id,
            key_type="PRODUCTION",
            id="keys",
            client_id=client.client_id,
        )
        records.commit(Put(mapping), *changes)

    records.before_commit = beside
    applications.update(JANE, made.id, replace(DRAFT, token_type="OAUTH"))
    assert [one.opaque for one in records.items.values() if isinstance(one, Client)] == [True]
