"""Many at the same instant, in processes of their own: two people at one API, and a hundred
transitions of a hundred APIs.
"""

import pytest

from portico.domain.api import Api, HistoryEntry
from tests.faults.boundary import Faults
from tests.faults.scenes import ROUTES, created, on_the_gateway
from tests.faults.world import World, request

MANY = 100
ROUTED = 5  # each fifth


@pytest.mark.parametrize("round_", range(6))
def test_two_people_publish_and_block_at_the_same_instant(there: World, round_: int) -> None:
    api = on_the_gateway(there)
    asked = [request(api, "Publish", user="jane"), request(api, "Block", user="joe")]

    ended = there.ask_function.together(asked if round_ % 2 else asked[::-1])

    granted = [one for one in ended if one.answer and "ok" in one.answer]
    refused = [one.answer["error"]["type"] for one in ended if one.answer and "error" in one.answer]
    assert len(granted) + len(refused) == 2, ended
    assert set(refused) <= {"TransitionRefused", "LostRace"}
    there.schedule()
    _one_after_the_other(there, api, there.history(api), 1 + len(granted))
    # The one who came later had the last word; a second Publish of what is published changes
    # nothing, so whoever was second, it is blocked in the end.
    assert there.now(api).state == "BLOCKED"
    assert there.route_keys() == []
    assert there.integrations() == 0


@pytest.mark.parametrize("round_", range(4))
def test_several_people_publish_at_the_same_instant(there: World, round_: int) -> None:
    api = created(there)

    ended = there.ask_function.together([request(api, "Publish", user=f"p{n}") for n in range(4)])

    granted = [one for one in ended if one.answer and "ok" in one.answer]
    assert granted
    there.schedule()
    _one_after_the_other(there, api, there.history(api), len(granted))
    assert len(there.revisions(api)) == 1
    assert there.route_keys() == ROUTES
    assert there.integrations() == len(ROUTES)


def test_who_has_seen_an_older_state_is_refused(there: World) -> None:
    api = on_the_gateway(there)
    asked = [request(api, "Block", stamp=api.stamp, user=name) for name in ("jane", "joe")]

    ended = there.ask_function.together(asked)

    answers = [one.answer for one in ended if one.answer]
    assert sum("ok" in answer for answer in answers) == 1
    (refused,) = [answer["error"]["type"] for answer in answers if "error" in answer]
    assert refused in ("Stale", "TransitionRefused")
    there.schedule()
    assert there.events(api) == ["Publish", "Block"]


def test_a_hundred_apis_are_published_at_once(there: World) -> None:
    # Some with routes, at which the one worker of the outbox makes the others wait.
    ways = ["pass-through", *["mediated"] * (ROUTED - 1)]
    apis = [there.api(f"api{n:03d}", delivery=ways[n % ROUTED]) for n in range(MANY)]

    ended = there.ask_function.together(
        [request(api, "Publish") for api in apis], Faults(longest_sleep=0.5)
    )

    assert [one for one in ended if not one.answer or "ok" not in one.answer] == []
    there.schedule()
    wanted = [f"ANY {api.full_context}" for api in apis[::ROUTED]]
    assert there.route_keys() == sorted([*wanted, *(f"{key}/{{proxy+}}" for key in wanted)])
    assert there.integrations() == 2 * MANY / ROUTED
    for api in apis:
        _one_after_the_other(there, api, there.history(api), 1)
        assert {result.standing for result in there.results(api)} <= {"done"}


def _one_after_the_other(
    world: World, api: Api, history: list[HistoryEntry], transitions: int
) -> None:
    """No transition was lost or taken twice, each began where the one before had ended, and state,
    card and gateway are as the last one left them.
    """
    assert len(history) == transitions
    states = [entry.post_state for entry in history]
    assert [entry.previous_state for entry in history] == ["CREATED", *states[:-1]]
    now = world.now(api)
    assert now.state == world.card(api).state == states[-1]
    deployment = world.deployment(api)
    assert deployment
    assert (deployment.state, deployment.revision_id) == (states[-1], now.deployed_revision)
