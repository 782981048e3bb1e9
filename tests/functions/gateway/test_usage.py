"""Bytes of delivered calls reach the counters that the authorizer looks at."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from functions.gateway.usage import MOST, PAUSE, SECONDS, TrafficBytes, Usage, size_of
from portico.domain.errors import Unavailable
from portico.domain.windows import KEPT
from tests.conftest import REGION, Aws
from tests.fakes import FakeClock

MB = 1024 * 1024


@dataclass
class Counted:
    """Counters in a dict."""

    bytes: dict[tuple[str, int, int], int] = field(default_factory=dict)
    adds: int = 0
    failing: bool = False

    def add(self, name: str, window: int, start: int, amount: int) -> None:
        if self.failing:
            raise Unavailable("down")
        self.adds += 1
        self.bytes[name, window, start] = self.bytes.get((name, window, start), 0) + amount


def usage_of(*limits: tuple[str, int, int]) -> str:
    return json.dumps(limits)


def test_a_large_call_is_counted_at_once_for_each_limit() -> None:
    clock, counted = FakeClock(), Counted()
    Usage(counted, clock.now).count(usage_of(("a", MB, 60), ("b", 9 * MB, 86400)), MOST)
    start = int(clock.now() // 60 * 60)
    assert counted.bytes == {
        ("a", 60, start): MOST,
        ("b", 86400, int(clock.now() // 86400 * 86400)): MOST,
    }


def test_small_calls_are_counted_together() -> None:
    clock, counted = FakeClock(), Counted()
    usage = Usage(counted, clock.now)
    for _ in range(1000):
        usage.count(usage_of(("a", 100 * MB, 86400)), 1000)
    assert counted.adds == 1000 * 1000 // (MOST // 1000 * 1000 + 1000)
    assert sum(counted.bytes.values()) > 1000 * 1000 - MOST


def test_of_a_small_limit_only_a_hundredth_waits() -> None:
    clock, counted = FakeClock(), Counted()
    usage = Usage(counted, clock.now)
    for _ in range(10):
        usage.count(usage_of(("a", 10_000, 86400)), 60)
    assert sum(counted.bytes.values()) == 600


def test_nothing_waits_for_long_while_calls_come() -> None:
    clock, counted = FakeClock(), Counted()
    usage = Usage(counted, clock.now)
    usage.count(usage_of(("a", 100 * MB, 86400)), 10)
    assert counted.adds == 0
    clock.pass_by(SECONDS)
    usage.count(usage_of(("b", 100 * MB, 86400)), 10)
    assert sum(counted.bytes.values()) == 10


def test_bytes_of_a_window_that_ended_still_count_for_it() -> None:
    clock, counted = FakeClock(), Counted()
    usage = Usage(counted, clock.now)
    limit = usage_of(("a", 100 * MB, 60))
    usage.count(limit, 10)
    first = int(clock.now() // 60 * 60)
    clock.pass_by(60)
    usage.count(limit, 20)
    assert counted.bytes == {("a", 60, first): 10}


def test_bytes_wait_for_counters_that_are_down() -> None:
    clock, counted = FakeClock(), Counted(failing=True)
    usage = Usage(counted, clock.now)
    with pytest.raises(Unavailable):
        usage.count(usage_of(("a", MB, 86400)), MB)
    usage.count(usage_of(("a", MB, 86400)), 1)  # without asking again so soon
    counted.failing = False
    clock.pass_by(PAUSE)
    usage.count(usage_of(("a", MB, 86400)), 1)
    assert sum(counted.bytes.values()) == MB + 2


def test_what_waits_is_bounded() -> None:
    clock, counted = FakeClock(), Counted()
    usage = Usage(counted, clock.now)
    for number in range(1500):
        usage.count(usage_of((f"n{number}", 100 * MB, 86400)), 1)
    assert counted.adds == 500


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ({}, 0),
        ({"body": None}, 0),
        ({"body": "abc"}, 3),
        ({"body": "Käse"}, 5),
        *(
            ({"body": base64.b64encode(bytes(n)).decode(), "isBase64Encoded": True}, n)
            for n in range(1, 5)
        ),
    ],
)
def test_the_content_counts_as_it_was_sent(message: dict[str, Any], size: int) -> None:
    assert size_of(message, {}) == size
    assert size_of(message, message) == 2 * size


@pytest.fixture
def client(aws: Aws) -> Iterator[Any]:
    made: Any = boto3.client("dynamodb", region_name=REGION)
    yield made
    made.close()


def test_the_table_adds_up(aws: Aws, client: Any) -> None:
    counters = TrafficBytes(client, aws.settings.traffic_table)
    counters.add("t#bytes", 60, 1_800_000_000, 5)
    counters.add("t#bytes", 60, 1_800_000_000, 7)
    key = {"pk": {"S": "t#bytes"}, "sk": {"S": "60#1800000000"}}
    found = client.get_item(TableName=aws.settings.traffic_table, Key=key)["Item"]
    assert found["granted"]["N"] == "12"
    assert int(found["expires"]["N"]) == 1_800_000_060 + KEPT


def test_a_table_that_is_not_there_is_unavailable(aws: Aws, client: Any) -> None:
    with pytest.raises(Unavailable):
        TrafficBytes(client, "no-such-table").add("n", 60, 0, 1)
