"""Subscriptions: what is written together, and what happens when others write meanwhile."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from portico.domain.api import Api, ApiCard, SubscriberCount, card_of
from portico.domain.application import Application, Subscription
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, NotFound
from portico.domain.gateway import Grant, Revocation
from portico.domain.operations import AuditEntry
from portico.domain.records import Put, Record, Require
from portico.domain.user import Caller
from portico.services.subscribing import ATTEMPTS, Subscribing
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane")
JOE = Caller(TENANT, "joe")
PIZZA = Api(
    tenant=TENANT,
    id="pizza",
    name="Pizza",
    version="1.0.0",
    context="/pizza",
    provider="paula",
    state="PUBLISHED",
    policies=("Gold", "Silver"),
)
SHOP = Application(
    tenant=TENANT, owner="jane", id="shop", number=1, name="Shop", policy="Unlimited"
)


@pytest.fixture
def records() -> FakeRecords:
    found = FakeRecords()
    found.commit(Put(PIZZA), Put(card_of(PIZZA)), Put(SHOP))
    return found


@pytest.fixture
def subscribing(records: FakeRecords) -> Subscribing:
    return Subscribing(records, FakeClock())


def card(records: FakeRecords) -> ApiCard:
    found = records.get(ApiCard, tenant=TENANT, id="pizza")
    assert found is not None
    return found


def count(records: FakeRecords) -> int:
    found = records.get(SubscriberCount, tenant=TENANT, api_id="pizza")
    return found.count if found else 0


def grants(records: FakeRecords) -> list[Grant]:
    return records.list(Grant, tenant=TENANT, application_id="shop")


def race(records: FakeRecords, *changes: Callable[[], Record]) -> None:
    """Let these be written, one each, before the next commits."""
    waiting = list(changes)

    def next_one() -> None:
        hook = waiting.pop(0)
        records.commit(Put(hook()))
        if waiting:
            records.before_commit = next_one

    records.before_commit = next_one


def test_subscription_count_grant_and_audit_are_one_commit(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    assert made.api_context == "/pizza/1.0.0"
    kinds = {type(change.record) for change in records.commits[-1]}
    assert kinds >= {Subscription, SubscriberCount, Grant, AuditEntry}
    required = [
        type(change.record) for change in records.commits[-1] if isinstance(change, Require)
    ]
    # The third is what an earlier subscription to the API left, if there was one.
    assert set(required) == {Application, ApiCard, Revocation}


@pytest.mark.parametrize(
    ("state", "error"),
    [("BLOCKED", NotFound), ("RETIRED", NotFound), ("PROTOTYPED", InvalidInput)],
)
def test_a_life_cycle_change_at_the_same_moment_wins(
    subscribing: Subscribing, records: FakeRecords, state: str, error: type[Exception]
) -> None:
    race(records, lambda: replace(card(records), state=state))
    with pytest.raises(error):
        subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    assert count(records) == 0
    assert grants(records) == []


def test_an_edit_at_the_same_moment_is_looked_at_again(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    race(records, lambda: replace(card(records), description="better"))
    assert subscribing.subscribe(JANE, "shop", "pizza", "Gold").policy == "Gold"
    race(records, lambda: replace(card(records), policies=("Silver",)))
    with pytest.raises(InvalidInput):
        subscribing.change_policy(JANE, _only(records).id, "Bronze")


def _only(records: FakeRecords) -> Subscription:
    (found,) = records.list(Subscription, tenant=TENANT, application_id="shop")
    return found


def test_a_removal_of_the_application_at_the_same_moment_wins(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    race(records, lambda: replace(SHOP, stamp=1, status="DELETE_PENDING"))
    with pytest.raises(NotFound):
        subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    assert records.list(Subscription, tenant=TENANT, application_id="shop") == []


def more(records: FakeRecords) -> SubscriberCount:
    """The count as another subscriber of the API leaves it."""
    found = records.get(SubscriberCount, tenant=TENANT, api_id="pizza")
    known = found or SubscriberCount(tenant=TENANT, api_id="pizza", count=0)
    return replace(known, count=known.count + 1)


def test_other_subscribers_are_counted_too(subscribing: Subscribing, records: FakeRecords) -> None:
    race(records, *[lambda: more(records)] * (ATTEMPTS - 1))
    subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    assert count(records) == ATTEMPTS


def test_a_race_without_end_is_told_and_nothing_written(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    race(records, *[lambda: more(records)] * ATTEMPTS)
    with pytest.raises(LostRace):
        subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    assert count(records) == ATTEMPTS
    assert grants(records) == []


def test_the_same_subscription_at_the_same_moment_is_made_once(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    def beside() -> None:
        Subscribing(records, FakeClock()).subscribe(JANE, "shop", "pizza", "Silver")

    records.before_commit = beside
    with pytest.raises(AlreadyExists, match="Pizza"):
        subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    assert count(records) == 1
    assert [one.policy for one in grants(records)] == ["Silver"]


def test_a_block_at_the_same_moment_is_not_undone_by_a_new_policy(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    blocked = replace(made, status="BLOCKED")

    def block() -> None:
        records.commit(Put(blocked), Put(replace(grants(records)[0], status="BLOCKED")))

    records.before_commit = block
    with pytest.raises(LostRace):
        subscribing.change_policy(JANE, made.id, "Silver")
    assert grants(records)[0].status == "BLOCKED"


def test_ending_gives_back_the_count_and_the_grant(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    race(records, lambda: more(records))
    subscribing.unsubscribe(JANE, made.id)
    assert count(records) == 1
    assert grants(records) == []
    with pytest.raises(NotFound):
        subscribing.show(JANE, made.id)


def test_an_end_at_the_same_moment_is_not_counted_twice(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")

    def beside() -> None:
        Subscribing(records, FakeClock()).unsubscribe(JANE, made.id)

    records.before_commit = beside
    with pytest.raises(NotFound):
        subscribing.unsubscribe(JANE, made.id)
    assert count(records) == 0


def test_the_count_never_falls_below_zero(subscribing: Subscribing, records: FakeRecords) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    records.commit(Put(SubscriberCount(tenant=TENANT, api_id="pizza", count=0)))
    subscribing.unsubscribe(JANE, made.id)
    assert count(records) == 0


def test_a_deprecated_api_keeps_its_subscribers_and_their_plans(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    records.commit(Put(replace(card(records), state="DEPRECATED")))
    assert subscribing.change_policy(JANE, made.id, "Silver").policy == "Silver"
    records.commit(Put(replace(card(records), state="RETIRED")))
    with pytest.raises(InvalidInput, match="RETIRED"):
        subscribing.change_policy(JANE, made.id, "Gold")


def test_the_same_policy_again_writes_nothing(
    subscribing: Subscribing, records: FakeRecords
) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    before = len(records.commits)
    assert subscribing.change_policy(JANE, made.id, "Gold") == made
    assert len(records.commits) == before


def test_nobody_else_sees_or_ends_it(subscribing: Subscribing) -> None:
    made = subscribing.subscribe(JANE, "shop", "pizza", "Gold")
    for do in (subscribing.show, subscribing.unsubscribe):
        with pytest.raises(NotFound):
            do(JOE, made.id)
        with pytest.raises(NotFound):
            do(Caller("acme.com", "jane"), made.id)
    assert subscribing.of_api(JOE, "pizza") == []
    assert subscribing.of_api(JANE, "pizza") == [made]
