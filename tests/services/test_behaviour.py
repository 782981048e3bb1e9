"""What each state means: one table, from the store's lists to the gateway's answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from functions.authorizer.calls import Refused
from portico.domain.api import Api, Resource, Revision, SubscriberCount, card_of
from portico.domain.application import Application, Subscription
from portico.domain.behaviour import STANDARD, Access, Behaviour
from portico.domain.errors import InvalidInput, NotFound, PorticoError
from portico.domain.records import Create
from portico.domain.user import Caller
from portico.services.browsing import Browsing
from portico.services.deployments import compile
from portico.services.effects import entered
from portico.services.subscribing import Subscribing, grant_of
from tests.fakes import FakeClock, FakeDocuments, FakeRecords
from tests.functions.authorizer.world import APPLICATION, TENANT, World

DORA = Caller(TENANT, "dora", ("Internal/subscriber",))
STRANGER = Caller(TENANT, "sam", ("Internal/subscriber",))
NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Shown:
    """What people and calls meet."""

    listed: bool
    found_by_subscribers: bool
    found_by_others: bool
    new_subscription: str  # "made", or the error
    call: str  # of a subscriber: "delivered", or the fault
    anonymous: str  # the same without a token
    plan_can_change: bool
    tells_its_end: bool = False


TABLE = {
    # state: listed, subscriber finds, others find, new subscription, call, without token, plan
    "CREATED": Shown(False, False, False, "NotFound", "404", "404", False),
    "PROTOTYPED": Shown(True, True, True, "InvalidInput", "delivered", "delivered", False),
    "PUBLISHED": Shown(True, True, True, "made", "delivered", "900902", True),
    "BLOCKED": Shown(False, True, False, "NotFound", "700700", "700700", False),
    "DEPRECATED": Shown(False, True, False, "NotFound", "delivered", "900902", True, True),
    "RETIRED": Shown(False, False, False, "NotFound", "404", "404", False),
    # A state of one's own that declares nothing, and one that does.
    "IN REVIEW": Shown(False, False, False, "NotFound", "404", "404", False),
    "BETA": Shown(True, True, True, "made", "delivered", "900902", True),
}
DECLARED = {"BETA": Behaviour(listed=True, access=Access.TOKEN, subscribable=True)}


def in_state(state: str) -> Api:
    api = Api(
        tenant=TENANT,
        id="api-1",
        name="PizzaShop",
        version="1.0.0",
        context="/pizza",
        provider="publisher",
        policies=("Gold", "Bronze"),
        production_endpoint="https://pizza.example",
        resources=(Resource("/menu", "GET"),),
        sunset=int(NOW) + 86_400,
    )
    return entered(api, state, DECLARED.get(state), NOW)


def store(api: Api) -> FakeRecords:
    records = FakeRecords()
    for owner, name in (("dora", "app-1"), ("dora", "app-2"), ("sam", "app-3")):
        application = Application(
            tenant=TENANT, owner=owner, id=name, number=1, name=name, policy="Unlimited"
        )
        records.commit(Create(application))
    subscription = Subscription(
        tenant=TENANT,
        application_id="app-1",
        api_id=api.id,
        id="sub-1",
        application_owner="dora",
        application_name="app-1",
        api_name=api.name,
        api_version=api.version,
        api_context=api.full_context,
        api_provider=api.provider,
        policy="Gold",
    )
    records.commit(
        Create(api),
        Create(card_of(api)),
        Create(subscription),
        Create(grant_of(subscription)),
        Create(SubscriberCount(tenant=TENANT, api_id=api.id, count=1)),
    )
    return records


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Refused as exc:
        return exc.fault.code
    except PorticoError as exc:
        return type(exc).__name__
    return "made"


def shown(state: str) -> Shown:
    api = in_state(state)
    records = store(api)
    browsing = Browsing(records, FakeDocuments(), "https://gateway.example")
    subscribing = Subscribing(records, FakeClock())
    (deployment,) = compile(api, Revision(tenant=TENANT, api_id=api.id, id="r", number=1, api=api))
    world = World()
    world.source.put(deployment)
    world.source.put(replace(APPLICATION, policy="Unlimited"))

    def call(token: str | None = None) -> str:
        try:
            return "delivered" if world.judge(token=token)["path"] == "/menu" else "astray"
        except Refused as exc:
            return exc.fault.code

    delivered = call(world.token())
    decision = world.judge(token=world.token()) if delivered == "delivered" else {}
    return Shown(
        listed=bool(browsing.find(STRANGER, TENANT)),
        found_by_subscribers=outcome(lambda: browsing.show(DORA, TENANT, api.id)) == "made",
        found_by_others=outcome(lambda: browsing.show(STRANGER, TENANT, api.id)) == "made",
        new_subscription=outcome(lambda: subscribing.subscribe(STRANGER, "app-3", api.id, "Gold")),
        call=delivered,
        anonymous=call(),
        plan_can_change=outcome(lambda: subscribing.change_policy(DORA, "sub-1", "Bronze"))
        == "made",
        tells_its_end=bool(decision.get("deprecated") and decision.get("sunset")),
    )


@pytest.mark.parametrize("state", TABLE)
def test_a_state_means_the_same_everywhere(state: str) -> None:
    assert shown(state) == TABLE[state]


def test_the_table_has_every_standard_state() -> None:
    assert set(STANDARD) <= set(TABLE)


def test_a_subscriber_of_a_deprecated_api_cannot_subscribe_another_application() -> None:
    api = in_state("DEPRECATED")
    subscribing = Subscribing(store(api), FakeClock())
    with pytest.raises(InvalidInput, match="DEPRECATED and takes no new ones"):
        subscribing.subscribe(DORA, "app-2", api.id, "Gold")


def test_a_subscription_does_not_show_an_api_of_another_tenant() -> None:
    api = in_state("DEPRECATED")
    browsing = Browsing(store(api), FakeDocuments(), "https://gateway.example")
    with pytest.raises(NotFound):
        browsing.show(Caller("acme.com", "dora"), TENANT, api.id)


def test_the_time_of_deprecation_is_the_first_and_goes_with_it() -> None:
    api = in_state("DEPRECATED")
    assert entered(api, "DEPRECATED", None, NOW + 5).deprecated == int(NOW)
    assert entered(api, "PUBLISHED", None, NOW + 5).deprecated == 0
