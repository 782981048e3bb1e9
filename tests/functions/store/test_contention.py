"""Many developers subscribe to one API at the same moment, on the embedded AWS."""

from concurrent.futures import ThreadPoolExecutor

from portico.clock import SystemClock
from portico.domain.api import SubscriberCount, card_of
from portico.domain.application import Subscription
from portico.domain.records import Put
from portico.domain.user import Caller
from portico.services.application_rules import ApplicationDraft
from portico.services.applications import Applications
from portico.services.clients import Clients
from portico.services.removing import Removing
from portico.services.subscribing import Subscribing
from tests.functions.store.conftest import Store, api

TENANT = "carbon.super"
MANY = 12


def test_every_subscription_is_made_and_counted(store: Store) -> None:
    records, clock = store.records, SystemClock()
    popular = api("Popular")
    records.commit(Put(popular), Put(card_of(popular)))
    applications = Applications(records, clock, Removing(records, Clients(records, clock)))
    subscribing = Subscribing(records, clock)

    def one(number: int) -> int:
        caller = Caller(TENANT, f"developer-{number}")
        made = applications.create(caller, ApplicationDraft(name="Shop", policy="Unlimited"))
        subscribing.subscribe(caller, made.id, "popular", "Gold")
        return made.number

    with ThreadPoolExecutor(MANY) as pool:
        numbers = list(pool.map(one, range(MANY)))
    assert len(set(numbers)) == MANY
    found = records.list(Subscription, by="api", tenant=TENANT, api_id="popular")
    count = records.get(SubscriberCount, tenant=TENANT, api_id="popular")
    assert count is not None
    assert len(found) == count.count == MANY
