"""Ending all tokens of an application, a subscription or a user."""

import pytest

from portico.domain.api import ApiCard, SubscriberCount
from portico.domain.application import Application, Subscription
from portico.domain.errors import Forbidden, NotFound
from portico.domain.gateway import GatewayApplication, Grant, Revocation
from portico.domain.records import Put
from portico.domain.user import ADMIN, Caller, User
from portico.services.application_rules import ApplicationDraft
from portico.services.applications import Applications, seen_by_gateway
from portico.services.clients import LONGEST_TOKEN, Clients
from portico.services.ending import Ending
from portico.services.families import LONGEST_REFRESH
from portico.services.policies import default_policies
from portico.services.removing import Removing
from portico.services.subscribing import Subscribing, grant_of
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
DORA = Caller(TENANT, "dora")
ROOT = Caller(TENANT, "root", (ADMIN,))
MALLORY = Caller(TENANT, "mallory")
APPLICATION = Application(
    tenant=TENANT, owner="dora", id="app-1", number=1, name="Phone", policy="Unlimited"
)
SUBSCRIPTION = Subscription(
    tenant=TENANT,
    application_id="app-1",
    api_id="api-1",
    id="sub-1",
    application_owner="dora",
    application_name="Phone",
    api_name="Pizza",
    api_version="1",
    api_context="/pizza/1",
    api_provider="paula",
    policy="Gold",
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def records() -> FakeRecords:
    found = FakeRecords()
    found.commit(
        Put(APPLICATION),
        Put(seen_by_gateway(APPLICATION)),
        Put(SUBSCRIPTION),
        Put(SubscriberCount(tenant=TENANT, api_id="api-1", count=1)),
        Put(grant_of(SUBSCRIPTION)),
        Put(User(tenant=TENANT, name="jane", id="u1", password="")),
    )
    return found


@pytest.fixture
def ending(records: FakeRecords, clock: FakeClock) -> Ending:
    return Ending(records, clock)


def application_mark(records: FakeRecords) -> int:
    found = records.get(GatewayApplication, tenant=TENANT, application_id="app-1")
    assert found
    return found.since


def grant_mark(records: FakeRecords) -> int:
    found = records.get(Grant, tenant=TENANT, application_id="app-1", prefix="/pizza/1")
    assert found
    return found.since


@pytest.mark.parametrize("caller", [DORA, ROOT])
def test_an_owner_or_administrator_ends_an_applications_tokens(
    ending: Ending, records: FakeRecords, clock: FakeClock, caller: Caller
) -> None:
    ended = ending.end_application(caller, "app-1")
    assert ended.since == application_mark(records) == int(clock.now())


def test_nobody_else_ends_them(ending: Ending, records: FakeRecords) -> None:
    with pytest.raises(NotFound):
        ending.end_application(MALLORY, "app-1")
    with pytest.raises(NotFound):
        ending.end_subscription(MALLORY, "sub-1")
    with pytest.raises(Forbidden):
        ending.end_user(MALLORY, "jane")
    with pytest.raises(NotFound):
        ending.end_application(Caller("acme.com", "root", (ADMIN,)), "app-1")
    assert len(records.commits) == 1


def test_an_application_that_is_changed_keeps_its_end_of_tokens(
    ending: Ending, records: FakeRecords, clock: FakeClock
) -> None:
    since = ending.end_application(DORA, "app-1").since
    clock.pass_by(60)
    clients = Clients(records, clock)
    applications = Applications(records, clock, Removing(records, clients))
    records.commit(*map(Put, default_policies(TENANT)))
    applications.update(DORA, "app-1", ApplicationDraft(name="Tablet", policy="Unlimited"))
    assert application_mark(records) == since


def test_the_end_of_a_subscriptions_tokens_is_in_its_grant(
    ending: Ending, records: FakeRecords, clock: FakeClock
) -> None:
    ending.end_subscription(DORA, "sub-1")
    assert grant_mark(records) == int(clock.now())
    assert application_mark(records) == 0


def test_a_users_end_is_a_mark_that_outlives_every_refresh_token(
    ending: Ending, records: FakeRecords, clock: FakeClock
) -> None:
    ending.end_user(ROOT, "Jane")
    mark = records.get(Revocation, tenant=TENANT, subject="user:jane")
    assert mark
    assert (mark.since, mark.expires) == (int(clock.now()), int(clock.now()) + LONGEST_REFRESH)


def test_a_users_end_ends_the_users_sign_ins(ending: Ending, records: FakeRecords) -> None:
    ending.end_user(Caller(TENANT, "jane"), "jane")
    user = records.get(User, tenant=TENANT, name="jane")
    assert user
    assert user.era == 1


def test_the_end_of_a_user_who_is_not_there_is_not_found(ending: Ending) -> None:
    with pytest.raises(NotFound):
        ending.end_user(ROOT, "nobody")


def test_unsubscribing_and_subscribing_again_does_not_revive_older_tokens(
    records: FakeRecords, clock: FakeClock
) -> None:
    card = ApiCard(
        tenant=TENANT,
        id="api-1",
        name="Pizza",
        version="1",
        context="/pizza",
        provider="paula",
        state="PUBLISHED",
        policies=("Gold",),
    )
    records.commit(Put(card))
    subscribing = Subscribing(records, clock)
    subscribing.unsubscribe(DORA, "sub-1")
    left = int(clock.now())
    clock.pass_by(10)
    subscribing.subscribe(DORA, "app-1", "api-1", "Gold")
    assert grant_mark(records) == left
    mark = records.get(Revocation, tenant=TENANT, subject="subscription:app-1:api-1")
    assert mark
    assert mark.expires == left + LONGEST_TOKEN


def test_a_first_subscription_takes_the_tokens_there_are(
    records: FakeRecords, clock: FakeClock
) -> None:
    assert grant_mark(records) == 0
