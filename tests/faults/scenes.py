"""The transitions that are broken off: what there is before each, and all that must be so after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portico.domain.api import Api
from portico.domain.application import Subscription
from portico.lifecycle import scxml
from portico.lifecycle.model import DEPRECATE_OLD, RESUBSCRIBE
from tests.faults.world import TENANT, World

PEOPLE = {"ann": ("Gold", "UNBLOCKED"), "bob": ("Silver", "BLOCKED")}
# More than are carried or closed in one commit.
CROWD = {**PEOPLE, **{f"app{n:02d}": ("Gold", "UNBLOCKED") for n in range(12)}}
ROUTES = ["ANY /pizza/1.0.0", "ANY /pizza/1.0.0/{proxy+}"]


@dataclass(frozen=True)
class Scene:
    """`event` is asked of `api`; `before` and `after` look at everything that belongs to it."""

    event: str
    checklist: dict[str, bool]
    set_up: Callable[[World], Api]
    before: Callable[[World, Api], None]
    after: Callable[[World, Api], None]
    request: str = "transition"


# --- publish ---


def created(world: World) -> Api:
    return world.api("pizza", delivery="pass-through")


def not_published(world: World, api: Api) -> None:
    assert world.now(api) == api
    assert world.events(api) == []
    assert world.deployment(api) is None
    assert world.revisions(api) == []
    assert world.route_keys() == []


def published(world: World, api: Api) -> None:
    standing(world, api, "PUBLISHED", ["Publish"])
    assert world.route_keys() == ROUTES
    assert world.integrations() == len(ROUTES)


# --- block ---


def on_the_gateway(world: World) -> Api:
    api = world.api("pizza", delivery="pass-through")
    assert world.ask(api, "Publish").ok["pending"] == 0
    return world.now(api)


def blocked(world: World, api: Api) -> None:
    standing(world, api, "BLOCKED", ["Publish", "Block"])
    assert world.route_keys() == []
    assert world.integrations() == 0


# --- undo ---


def undone(world: World, api: Api) -> None:
    first, last = world.history(api)
    assert (last.undoes, last.previous_state, last.post_state) == (
        first.order,
        "PUBLISHED",
        "CREATED",
    )
    assert world.now(api).state == world.card(api).state == "CREATED"
    assert world.deployment(api) is None
    assert [one.deployed for one in world.revisions(api)] == [0]
    assert {result.standing for result in world.results(api)} <= {"done"}
    assert world.route_keys() == []
    assert world.integrations() == 0


# --- a new version in the place of the old one ---


def two_versions(world: World) -> Api:
    old = world.api("pizza")
    assert world.ask(old, "Publish").ok["pending"] == 0
    world.subscribe(old, CROWD)
    return world.api("pizza", "2.0.0")


def older(api: Api) -> Api:
    """What is known of the version before it."""
    return Api(
        tenant=TENANT,
        id="pizza-1.0.0",
        name=api.name,
        version="1.0.0",
        context=api.context,
        provider=api.provider,
    )


def not_succeeded(world: World, api: Api) -> None:
    assert world.now(api) == api
    assert world.events(api) == []
    assert world.deployment(api) is None
    assert world.subscriptions(api) == {}
    standing(world, older(api), "PUBLISHED", ["Publish"])


def succeeded(world: World, api: Api) -> None:
    standing(world, api, "PUBLISHED", ["Publish"])
    standing(world, older(api), "DEPRECATED", ["Publish", "Deprecate"])
    assert told(world.subscriptions(older(api))) == CROWD
    carried = world.subscriptions(api)
    assert told(carried) == CROWD
    # Each once: no second record of it anywhere, no second note of it.
    assert sorted(world.audited("carry")) == sorted(one.id for one in carried.values())


# --- retire, and the same with a mail to everybody ---


def used(world: World, people: Mapping[str, tuple[str, str]] = CROWD) -> Api:
    api = world.api("pizza", delivery="pass-through")
    assert world.ask(api, "Publish").ok["pending"] == 0
    world.subscribe(api, people)
    assert world.ask(api, "Deprecate").ok["pending"] == 0
    return world.now(api)


def not_retired(world: World, api: Api) -> None:
    standing(world, api, "DEPRECATED", ["Publish", "Deprecate"])
    assert told(world.subscriptions(api)) in (PEOPLE, CROWD)
    assert world.route_keys() == ROUTES


def retired(world: World, api: Api) -> None:
    _gone(world, api, "Retire", CROWD)


def _gone(world: World, api: Api, event: str, people: Mapping[str, Any]) -> None:
    assert world.now(api).state == "RETIRED"
    assert world.card(api).state == "RETIRED"
    assert world.events(api) == ["Publish", "Deprecate", event]
    assert {result.standing for result in world.results(api)} == {"done"}
    assert world.deployment(api) is None
    assert world.now(api).deployed_revision == ""
    assert [one.deployed for one in world.revisions(api)] == [0]
    assert world.route_keys() == []
    assert world.integrations() == 0
    assert world.subscriptions(api) == {}
    assert world.grants(api, people) == []
    assert world.policy_uses() == []
    assert len(world.audited("close")) == len(people)


# WSO2's own example: an event of the life cycle, not of the product.
NOTIFYING = """
            <data name="transitionExecution">
              <execution forEvent="" class="org.wso2.carbon.apimgt.impl.executors.APIExecutor"/>
              <execution forEvent="Notify Users" class="Notify"/>
              <execution forEvent="Notify Users" class="Webhook">
                <parameter name="url" value="%s"/>
              </execution>
            </data>
          </datamodel>
          <transition event="Notify Users" target="Retired"/>"""


def notifying(webhook: str) -> bytes:
    """The default life cycle with "Notify Users", which mails and posts."""
    start, mark, end = scxml.default_text().decode().partition('<state id="Deprecated">')
    assert mark
    first, end = end.split('<data name="transitionExecution">', 1)
    end = end.split("</datamodel>", 1)[1]
    return f"{start}{mark}{first}{NOTIFYING % webhook}{end}".encode()


def used_by_people(world: World) -> Api:
    world.live_by(notifying(world.webhook.url))
    for name in PEOPLE:
        world.person(name)
    return used(world, PEOPLE)


def notified(world: World, api: Api) -> None:
    _gone(world, api, "Notify Users", PEOPLE)
    made = {result.executor: result.id for result in world.results(api)}
    # SES takes no name for a mail by which it would know the second one: of all mails the one that
    # was just leaving may leave again, and of all posts the one that was not answered.
    mails = world.inbox.mails()
    assert set(mails) == {world.inbox.address(name) for name in PEOPLE}
    assert len(mails) <= len(PEOPLE) + 1
    assert {execution for execution, _ in world.webhook.got} == {made["Webhook"]}
    assert len({body for _, body in world.webhook.got}) == 1
    assert len(world.webhook.got) <= 2


SCENES = {
    "publish": Scene("Publish", {}, created, not_published, published),
    "block": Scene(
        "Block",
        {},
        on_the_gateway,
        published,
        blocked,
    ),
    "succeed": Scene(
        "Publish",
        {DEPRECATE_OLD: True, RESUBSCRIBE: False},
        two_versions,
        not_succeeded,
        succeeded,
    ),
    "undo": Scene("Publish", {}, on_the_gateway, published, undone, request="undo"),
    "retire": Scene("Retire", {}, used, not_retired, retired),
    "notify": Scene("Notify Users", {}, used_by_people, not_retired, notified),
}


# --- what all of them have in common ---


def standing(world: World, api: Api, state: str, events: list[str]) -> None:
    """State, card, history, results, revisions, gateway and audit trail say the same, once."""
    now = world.now(api)
    assert now.state == state
    assert world.card(api).state == state
    assert world.events(api) == events
    states = [entry.post_state for entry in world.history(api)]
    assert states[-1] == state
    assert [entry.previous_state for entry in world.history(api)] == ["CREATED", *states[:-1]]
    assert {result.standing for result in world.results(api)} <= {"done"}
    ids = [result.id for result in world.results(api)]
    assert len(set(ids)) == len(ids)
    assert world.audited("transition").count(api.id) == len(events)
    assert [one.id for one in world.revisions(api) if one.deployed] == [now.deployed_revision]
    assert len(world.revisions(api)) == 1
    deployment = world.deployment(api)
    assert deployment
    assert (deployment.state, deployment.revision_id) == (state, now.deployed_revision)


def told(subscriptions: dict[str, Subscription]) -> dict[str, tuple[str, str]]:
    """Policy and status by application."""
    return {name: (one.policy, one.status) for name, one in subscriptions.items()}
