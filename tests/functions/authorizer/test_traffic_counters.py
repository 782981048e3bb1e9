"""Many environments drawing on one counter in the embedded AWS: never more than the limit."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import botocore.session
import pytest

from functions.authorizer.leases import Count, Draw, Drawn, Leases
from functions.authorizer.throttle.counters import TrafficCounters
from portico.domain.errors import Unavailable
from portico.domain.windows import KEPT, Limit
from tests.conftest import REGION, Aws
from tests.fakes import FakeClock


def client() -> Any:
    return botocore.session.Session().create_client("dynamodb", region_name=REGION)


@pytest.fixture
def counters(aws: Aws) -> Iterator[TrafficCounters]:
    connection = client()
    yield TrafficCounters(connection, aws.settings.traffic_table)
    connection.close()


def environment(table: str, names: list[str], limit: Limit, calls: int) -> int:
    """One environment of the function: how many of its calls passed."""
    connection = client()
    leases = Leases(TrafficCounters(connection, table), FakeClock().now)
    passed = 0
    for _ in range(calls):
        held = [leases.lease(name, limit) for name in names]
        if leases.fill(held):
            for lease in held:
                lease.spend()
            passed += 1
    connection.close()
    return passed


@pytest.mark.parametrize("calls", [7, 150, 1000])
def test_concurrent_threads_get_the_limit_and_not_one_more(aws: Aws, calls: int) -> None:
    names, limit = [f"t#WINDOW#{calls}"], Limit(calls, 60)
    work = partial(environment, aws.settings.traffic_table, names, limit)
    with ThreadPoolExecutor(6) as pool:
        passed = sum(pool.map(work, [calls] * 6))
    # All keep asking until the window is empty, so nothing is left over either.
    assert passed == calls


def test_concurrent_transactions_get_the_limit_and_not_one_more(aws: Aws) -> None:
    names, limit = ["t#WINDOW#one", "t#WINDOW#two"], Limit(200, 60)
    work = partial(environment, aws.settings.traffic_table, names, limit)
    with ThreadPoolExecutor(6) as pool:
        passed = sum(pool.map(work, [200] * 6))
    assert passed == 200


def draw(name: str, wanted: int, lending: int, limit: int = 10) -> Draw:
    return Draw(name, 1_800_000_000, Limit(limit, 60), wanted, lending)


def test_a_draw_that_fits_is_told_the_counter(counters: TrafficCounters) -> None:
    assert counters.draw([draw("t#fits", 4, 3, 100)]) == Drawn(True, [Count(4, 3)])
    assert counters.draw([draw("t#fits", 3, -1, 100)]) == Drawn(True, [Count(7, 2)])


def test_a_draw_beyond_the_limit_changes_nothing_and_is_told_why(
    counters: TrafficCounters,
) -> None:
    counters.draw([draw("t#full", 8, 0)])
    assert counters.draw([draw("t#full", 3, 0)]) == Drawn(False, [Count(8, 0)])
    assert counters.draw([draw("t#full", 2, 0)]) == Drawn(True, [Count(10, 0)])


def test_no_more_than_a_twentieth_is_lent(counters: TrafficCounters) -> None:
    counters.draw([draw("t#lent", 4, 3, 100)])
    assert counters.draw([draw("t#lent", 4, 3, 100)]) == Drawn(False, [Count(4, 3)])
    assert counters.draw([draw("t#lent", 1, 0, 100)]).done  # which is spent at once


def test_a_transaction_draws_all_or_nothing(counters: TrafficCounters) -> None:
    counters.draw([draw("t#second", 10, 0)])
    refused = counters.draw([draw("t#first", 1, 0), draw("t#second", 1, 0)])
    assert refused == Drawn(False, [None, Count(10, 0)])
    look = [("t#first", 60, 1_800_000_000), ("t#third", 60, 1_800_000_000)]
    assert counters.look(look) == [Count(0, 0), Count(0, 0)]
    assert counters.draw([draw("t#first", 2, 0), draw("t#third", 3, 0)]).done
    assert counters.look(look) == [Count(2, 0), Count(3, 0)]


def test_a_counter_expires_after_its_window(aws: Aws, counters: TrafficCounters) -> None:
    counters.draw([draw("t#expires", 1, 0)])
    connection = client()
    key = {"pk": {"S": "t#expires"}, "sk": {"S": "60#1800000000"}}
    found = connection.get_item(TableName=aws.settings.traffic_table, Key=key)["Item"]
    connection.close()
    assert int(found["expires"]["N"]) == 1_800_000_060 + KEPT


def test_a_table_that_does_not_answer_is_unavailable(aws: Aws) -> None:
    connection = client()
    counters = TrafficCounters(connection, "no-such-table")
    with pytest.raises(Unavailable):
        counters.draw([draw("n", 1, 0)])
    with pytest.raises(Unavailable):
        counters.draw([draw("n", 1, 0), draw("m", 1, 0)])
    with pytest.raises(Unavailable):
        counters.look([("n", 60, 0)])
    connection.close()
