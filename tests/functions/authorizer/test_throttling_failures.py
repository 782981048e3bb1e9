"""When the counters do not answer, the tenant's setting says what happens, and the log says so."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from functions.authorizer.calls import Call, Refused
from functions.authorizer.handler import CLIENT
from functions.authorizer.throttle.counters import TrafficCounters
from functions.authorizer.throttle.failures import uncounted
from functions.authorizer.throttle.guard import PAUSE
from functions.authorizer.throttling import Throttling
from portico.domain.errors import Unavailable
from tests.conftest import REGION
from tests.functions.authorizer.limits import call_of, calling, code, passes, requests, table
from tests.functions.authorizer.world import APPLICATION, FakeCounters, World

DOWN = Unavailable("The counters did not answer")
THREE = {"Gold": {"limit": requests(3)}}


@pytest.fixture
def world() -> World:
    world = World(cache_seconds=0.5)
    world.counters.failing = DOWN
    return world


def test_calls_pass_uncounted_unless_the_tenant_says_otherwise(world: World) -> None:
    world.source.put(table(subscription=THREE))
    assert passes(world, 10) == 10
    assert calling(world).decision["limits"] == ""


@pytest.mark.parametrize("bandwidth", [False, True])
def test_a_tenant_may_want_no_call_that_nobody_counts(world: World, bandwidth: bool) -> None:
    limit = {"kind": "bandwidth", "amount": 9, "seconds": 60} if bandwidth else requests(3)
    policies = table(subscription={"Gold": {"limit": limit}}, settings={"on_failure": "closed"})
    world.source.put(policies)
    with pytest.raises(Unavailable):
        calling(world)


def test_a_limit_that_is_known_to_be_reached_holds_without_counters() -> None:
    world = World()
    world.source.put(table(subscription=THREE))
    assert passes(world) == 3
    world.counters.failing = DOWN
    assert code(world) == "900804"


def test_what_is_held_is_spent_without_counters() -> None:
    world = World()
    world.source.put(replace(APPLICATION, policy="Unlimited"))
    calling(world)
    world.counters.failing = DOWN
    assert calling(world).decision["limits"]


def test_an_uncounted_call_is_counted_where_that_needs_no_counter() -> None:
    world = World()
    for _ in range(2):
        calling(world)
    world.counters.failing = DOWN
    assert code(world) == ""  # the application's lease is empty, the subscription's is not
    world.counters.failing = None
    world.clock.pass_by(PAUSE)
    assert "subscription 5000 60 4996 " in calling(world).decision["limits"]


def test_deny_policies_hold_without_counters(world: World) -> None:
    world.source.put(table(deny={"id": {"kind": "API", "value": "/pizza/1.0.0"}}))
    assert code(world) == "900805"


def test_authentication_stays_closed(world: World) -> None:
    world.source.failing = DOWN
    with pytest.raises(Unavailable):
        calling(world)


def test_counters_are_left_alone_for_a_while_and_asked_again(world: World) -> None:
    class Asked(FakeCounters):
        asked = 0

        def draw(self, draws: Any) -> Any:
            self.asked += 1
            return super().draw(draws)

    counters = Asked(failing=DOWN)
    throttling = Throttling(counters, world.clock.now)
    call = call_of(world)
    calling_until(world, call)
    for _ in range(20):
        throttling(call)
    assert counters.asked == 1
    counters.failing = None
    throttling(call)
    assert call.limits == ""
    world.clock.pass_by(PAUSE)
    throttling(call)
    assert call.limits


def calling_until(world: World, call: Call) -> None:
    """Take a call through the steps before throttling."""
    for step in world.pipeline.steps:
        if step == world.pipeline.throttle:
            return
        step(call)


@pytest.mark.parametrize(("setting", "metric"), [("open", "UncountedCalls"), ("closed", "Refused")])
def test_the_log_and_a_metric_say_so(
    world: World, capsys: pytest.CaptureFixture[str], setting: str, metric: str
) -> None:
    world.source.put(table(subscription=THREE, settings={"on_failure": setting}))
    call = call_of(world)
    calling_until(world, call)
    throttling = Throttling(FakeCounters(failing=DOWN), world.clock.now, uncounted)
    try:
        throttling(call)
    except Unavailable:
        assert setting == "closed"
    line = json.loads(capsys.readouterr().out)
    name = line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]
    assert metric in name
    assert line[name] == 1
    assert (line["level"], line["tenant"], line["api"]) == ("WARNING", "carbon.super", "api-1")
    assert line["reason"] == "The counters did not answer"


def test_a_lost_answer_lets_no_call_too_many_pass() -> None:
    world = World()
    world.source.put(table(subscription=THREE))
    world.counters.lost = 1
    assert code(world) == ""  # uncounted here, though the counter has counted it
    world.clock.pass_by(PAUSE)
    assert passes(world) == 2


@pytest.fixture
def hanging() -> Iterator[str]:
    """A database that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = []

        def accept() -> None:
            try:
                while True:
                    taken.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for each in taken:
            each.close()


def test_a_hanging_table_takes_seconds_of_one_call_only(
    hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client: Any = botocore.session.Session().create_client(
        "dynamodb", region_name=REGION, endpoint_url=hanging, config=CLIENT
    )
    world = World()
    throttling = Throttling(TrafficCounters(client, "traffic"), world.clock.now)
    call = call_of(world)
    calling_until(world, call)
    began = time.monotonic()
    throttling(call)
    first = time.monotonic()
    for _ in range(100):
        throttling(call)
    after = time.monotonic()
    client.close()
    # API Gateway waits ten seconds for the authorizer.
    assert 1 <= first - began < 5
    assert after - first < 0.5


def test_a_level_that_refuses_keeps_refusing_where_counters_fail_for_another() -> None:
    world = World()
    world.source.put(table(subscription=THREE))
    assert passes(world) == 3
    world.source.put(replace(table(subscription=THREE, settings={"on_failure": "open"})))
    world.counters.failing = DOWN
    with pytest.raises(Refused):
        calling(world)
