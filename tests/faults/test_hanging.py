"""A webhook that hangs, on a real server: the transition and everything inside Portico are done,
the function stays within its time, and the post is made up for, with the same id.
"""

import time

from tests.faults.boundary import Faults
from tests.faults.scenes import PEOPLE, used_by_people
from tests.faults.world import LATER, World
from tests.template.reading import template

PATIENCE = 10.0  # seconds that the poster gives a webhook


def test_a_webhook_that_hangs_holds_up_nothing_inside(there: World) -> None:
    api = used_by_people(there)
    there.webhook.wait = 3600.0
    started = time.monotonic()

    ended = there.ask(api, "Notify Users")

    took = time.monotonic() - started
    assert ended.ok["state"] == "Retired"
    assert ended.ok["pending"] == 1
    limit = template()["Resources"]["LifecycleFunction"]["Properties"]["Timeout"]
    assert took < PATIENCE + 10 < limit
    # What is Portico's own is done, and so is what is outside but came before it.
    assert there.now(api).state == "RETIRED"
    assert there.deployment(api) is None
    assert there.route_keys() == []
    assert there.subscriptions(api) == {}
    assert sorted(there.inbox.mails()) == sorted(there.inbox.address(name) for name in PEOPLE)
    found = {result.executor: result for result in there.results(api)}
    assert found["Webhook"].standing == "failed"
    assert "did not answer" in found["Webhook"].reason
    assert {one.standing for one in found.values() if one.executor != "Webhook"} == {"done"}

    there.webhook.wait = 0.0
    there.schedule()

    assert {result.standing for result in there.results(api)} == {"done"}
    assert {execution for execution, _ in there.webhook.got} == {found["Webhook"].id}
    assert len({body for _, body in there.webhook.got}) == 1
    assert len(there.inbox.mails()) == len(PEOPLE)


def test_a_webhook_that_refuses_is_tried_again_with_growing_pauses(there: World) -> None:
    api = used_by_people(there)
    there.webhook.status = 503
    there.ask(api, "Notify Users")
    pauses = []
    for run in range(1, 5):
        before = there.pending()[0].not_before
        there.ask_function({"request": "outbox"}, Faults(later=run * LATER))
        pauses.append(there.pending()[0].not_before - before)
    there.webhook.status = 204

    (result,) = [one for one in there.results(api) if one.executor == "Webhook"]
    assert (result.standing, result.attempts) == ("failed", 5)
    assert "503" in result.reason
    assert len(there.webhook.got) == 5
    assert there.ask_function({"request": "outbox"}, Faults(later=4 * LATER + 100)).ok["done"] == 0
    there.schedule(runs=8)
    assert {one.standing for one in there.results(api)} == {"done"}
    assert len({execution for execution, _ in there.webhook.got}) == 1
