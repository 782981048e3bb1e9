"""Requests that meet at one counter try again; what DynamoDB may answer then."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from functions.authorizer.leases import Count, Draw, Drawn
from functions.authorizer.throttle.counters import PAUSES, TrafficCounters
from portico.domain.errors import Unavailable
from portico.domain.windows import Limit
from tests.conftest import REGION

ONE, TWO = (Draw(name, 0, Limit(100, 60), 1, 0) for name in ("t#one", "t#two"))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    config = Config(retries={"total_max_attempts": 1})
    made = botocore.session.Session().create_client("dynamodb", region_name=REGION, config=config)
    yield made
    made.close()


@pytest.fixture
def answers(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def cancelled(answers: Stubber, *codes: str, item: dict[str, Any] | None = None) -> None:
    reasons = [{"Code": code, **({"Item": item} if item else {})} for code in codes]
    answers.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": reasons},
    )


def drawing(client: Any, *draws: Draw, slept: list[float] | None = None) -> Drawn:
    pauses = [] if slept is None else slept
    return TrafficCounters(client, "traffic", pauses.append).draw(draws)


def test_a_transaction_that_met_another_is_repeated(client: Any, answers: Stubber) -> None:
    cancelled(answers, "TransactionConflict", "None")
    answers.add_response("transact_write_items", {})
    slept: list[float] = []
    assert drawing(client, ONE, TWO, slept=slept) == Drawn(True, [None, None])
    assert len(slept) == 1
    assert 0 <= slept[0] <= PAUSES[0]


def test_a_transaction_that_always_meets_others_is_not_done(client: Any, answers: Stubber) -> None:
    for _ in PAUSES:
        cancelled(answers, "None", "TransactionConflict")
    assert drawing(client, ONE, TWO) == Drawn(False, [None, None])


def test_a_limit_that_is_reached_counts_more_than_a_meeting(client: Any, answers: Stubber) -> None:
    item = {"granted": {"N": "100"}, "lent": {"N": "3"}}
    cancelled(answers, "ConditionalCheckFailed", "TransactionConflict", item=item)
    assert drawing(client, ONE, TWO).counts[0] == Count(100, 3)


def test_other_reasons_are_failures(client: Any, answers: Stubber) -> None:
    cancelled(answers, "ValidationError", "None")
    with pytest.raises(Unavailable):
        drawing(client, ONE, TWO)


def test_an_update_that_met_a_transaction_is_repeated(client: Any, answers: Stubber) -> None:
    answers.add_client_error("update_item", "TransactionConflictException")
    counted = {"granted": {"N": "7"}, "lent": {"N": "0"}}
    answers.add_response("update_item", {"Attributes": counted})
    assert drawing(client, ONE) == Drawn(True, [Count(7, 0)])


def test_an_update_that_always_meets_transactions_is_a_failure(
    client: Any, answers: Stubber
) -> None:
    for _ in PAUSES:
        answers.add_client_error("update_item", "TransactionConflictException")
    with pytest.raises(Unavailable):
        drawing(client, ONE)


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_table_in_trouble_is_a_failure(client: Any, answers: Stubber, code: str) -> None:
    answers.add_client_error("update_item", code)
    with pytest.raises(Unavailable):
        drawing(client, ONE)
