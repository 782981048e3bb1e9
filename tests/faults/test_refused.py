"""AWS refuses or fails: DynamoDB throttles and reports conflicts, API Gateway is busy or broken. A
transition is taken whole or not at all, and what follows it is made up for when the fault is over.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.boundary import Answer, Faults
from tests.faults.scenes import SCENES
from tests.faults.world import World

DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
THROTTLED = {
    "__type": f"{DYNAMODB}ProvisionedThroughputExceededException",
    "message": "The level of configured provisioned throughput for the table was exceeded",
}
CONFLICT = {
    "__type": f"{DYNAMODB}TransactionCanceledException",
    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
    "CancellationReasons": [{"Code": "TransactionConflict", "Message": "Ongoing"}],
}
BROKEN = {"__type": f"{DYNAMODB}InternalServerError", "message": "Internal server error"}
TOO_MANY = {"message": "Too Many Requests"}
NO_SERVICE = {"message": "Service Unavailable"}

# (what is answered, whether the first attempt may still succeed)
PASSING = {
    "a throttled read": Answer("GetItem", 400, THROTTLED, times=2),
    "a throttled write": Answer("TransactWriteItems", 400, THROTTLED, times=2, skip=1),
    "a broken database": Answer("Query", 500, BROKEN, times=2),
    "a conflict at the commit": Answer("TransactWriteItems", 400, CONFLICT, times=2, skip=1),
    "conflicts while carrying": Answer("TransactWriteItems", 400, CONFLICT, times=2, skip=4),
}
LASTING = {
    "every read throttled": Answer("GetItem", 400, THROTTLED),
    "every write throttled": Answer("TransactWriteItems", 400, THROTTLED),
    "writes throttled after the commit": Answer("TransactWriteItems", 400, THROTTLED, skip=2),
    "writes throttled a little later": Answer("TransactWriteItems", 400, THROTTLED, skip=4),
    "writes throttled later still": Answer("TransactWriteItems", 400, THROTTLED, skip=6),
    "queries broken": Answer("Query", 500, BROKEN),
    "nothing but conflicts": Answer("TransactWriteItems", 400, CONFLICT, skip=1),
    "conflicts after the commit": Answer("TransactWriteItems", 400, CONFLICT, skip=2),
}


def faulty(*answers: Answer) -> Faults:
    """Waits between attempts are shortened: their number is what matters."""
    return Faults(answers=answers, longest_sleep=0.01)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_not_noticed(there: World, fault: Answer) -> None:
    scene = SCENES["succeed"]
    api = scene.set_up(there)
    ended = there.ask(api, scene.event, faulty(fault), checklist=scene.checklist)
    assert sum("->" in call for call in ended.calls) == fault.times
    assert ended.ok["state"] == "Published"
    there.schedule()
    scene.after(there, api)


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
def test_a_fault_that_lasts_leaves_nothing_half_done(there: World, fault: Answer) -> None:
    scene = SCENES["succeed"]
    api = scene.set_up(there)
    ended = there.ask(api, scene.event, faulty(fault), checklist=scene.checklist)
    assert any("->" in call for call in ended.calls)
    assert not ended.error  # a refusal that the publisher can show, not a function that failed
    assert ended.answer is not None
    taken = there.events(api) == ["Publish"]
    assert taken == ("ok" in ended.answer)
    there.schedule()
    if not taken:
        assert ended.answer["error"]["type"] in ("Unavailable", "LostRace")
        scene.before(there, api)
        there.ask(api, scene.event, checklist=scene.checklist)
        there.schedule()
    scene.after(there, api)


GATEWAY = {
    "429": Answer(" /v2/apis", 429, TOO_MANY, headers={"x-amzn-ErrorType": "TooManyRequests"}),
    "503": Answer(" /v2/apis", 503, NO_SERVICE),
    "500 at the first route": Answer("POST /v2/apis", 500, NO_SERVICE, skip=1),
    "409": Answer(
        "POST /v2/apis", 409, {"message": "busy"}, headers={"x-amzn-ErrorType": "ConflictException"}
    ),
}


@pytest.mark.parametrize("fault", GATEWAY.values(), ids=GATEWAY)
def test_api_gateway_may_refuse_for_a_while(there: World, fault: Answer) -> None:
    scene = SCENES["publish"]
    api = scene.set_up(there)

    ended = there.ask(api, scene.event, faulty(fault))

    assert ended.ok["state"] == "Published"
    assert ended.ok["pending"] == 1
    (result,) = there.results(api)
    assert (result.standing, result.attempts) == ("failed", 1)
    assert "API Gateway" in result.reason
    # It is not tried at once again, and fails visibly as long as API Gateway does.
    assert there.ask_function({"request": "outbox"}, faulty(fault)).ok == {"done": 0, "failed": 0}
    again = there.ask_function({"request": "outbox"}, replace(faulty(fault), later=60))
    assert again.ok == {"done": 0, "failed": 1}
    assert there.results(api)[0].attempts == 2
    there.schedule()
    scene.after(there, api)


@pytest.mark.parametrize("times", [1, 3])
def test_a_short_refusal_of_api_gateway_is_not_noticed(there: World, times: int) -> None:
    scene = SCENES["publish"]
    api = scene.set_up(there)
    busy: dict[str, Any] = {
        "message": "Unable to complete operation due to concurrent modification"
    }
    headers = {"x-amzn-ErrorType": "ConflictException"}
    fault = Answer("POST /v2/apis", 409, busy, times=times, skip=2, headers=headers)
    assert there.ask(api, scene.event, faulty(fault)).ok["pending"] == 0
    scene.after(there, api)
