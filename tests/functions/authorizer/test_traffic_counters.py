"""Many environments drawing on one counter in the embedded AWS: never more than the limit."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import botocore.session
import pytest

from functions.authorizer.leases import Leases, Limit, TrafficCounters
from portico.domain.errors import Unavailable
from tests.conftest import REGION, Aws
from tests.fakes import FakeClock


def client() -> Any:
    return botocore.session.Session().create_client("dynamodb", region_name=REGION)


def environment(table: str, name: str, limit: Limit, calls: int) -> int:
    """One environment of the function: how many of its calls passed."""
    connection = client()
    leases = Leases(TrafficCounters(connection, table), FakeClock().now)
    passed = 0
    for _ in range(calls):
        lease = leases.hold(name, limit)
        if lease is not None:
            lease.spend()
            passed += 1
    connection.close()
    return passed


@pytest.mark.parametrize("calls", [7, 150, 1000])
def test_concurrent_threads_get_the_limit_and_not_one_more(aws: Aws, calls: int) -> None:
    work = partial(environment, aws.settings.traffic_table, f"t#WINDOW#{calls}", Limit(calls, 60))
    with ThreadPoolExecutor(6) as pool:
        passed = sum(pool.map(work, [calls] * 6))
    # All keep asking until the window is empty, so nothing is left over either.
    assert passed == calls


def test_concurrent_processes_get_the_limit_and_not_one_more(aws: Aws) -> None:
    work = partial(environment, aws.settings.traffic_table, "t#WINDOW#processes", Limit(300, 60))
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        passed = sum(pool.map(work, [300] * 3))
    assert passed == 300


def test_a_counter_expires_after_its_window(aws: Aws) -> None:
    connection = client()
    counters = TrafficCounters(connection, aws.settings.traffic_table)
    assert counters.draw("t#WINDOW#x", 1_800_000_000, Limit(100, 60), 5) == (5, 95)
    found = connection.get_item(
        TableName=aws.settings.traffic_table,
        Key={"pk": {"S": "t#WINDOW#x"}, "sk": {"S": "60#1800000000"}},
    )["Item"]
    connection.close()
    assert int(found["expires"]["N"]) > 1_800_000_060


def test_what_is_wanted_too_much_is_drawn_as_far_as_it_goes(aws: Aws) -> None:
    connection = client()
    counters = TrafficCounters(connection, aws.settings.traffic_table)
    limit = Limit(10, 60)
    assert counters.draw("t#WINDOW#y", 0, limit, 8) == (8, 2)
    assert counters.draw("t#WINDOW#y", 0, limit, 50)[0] in (1, 2)
    while counters.draw("t#WINDOW#y", 0, limit, 50)[0]:
        pass
    assert counters.draw("t#WINDOW#y", 0, limit, 1) == (0, 0)
    connection.close()


def test_a_table_that_does_not_answer_is_unavailable(aws: Aws) -> None:
    connection = client()
    with pytest.raises(Unavailable):
        TrafficCounters(connection, "no-such-table").draw("n", 0, Limit(1, 60), 1)
    connection.close()
