"""Several endpoints of an API: who is called, who is left alone, and for how long."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from functions.gateway.endpoints import Endpoint, Group
from portico.domain.endpoints import side_plan
from portico.domain.errors import InvalidInput
from portico.domain.gateway import DeliveryPlan
from tests.functions.gateway.backend import Backend, running
from tests.functions.gateway.planned import JANE, Shop, one, several
from tests.functions.gateway.test_backend_faults import saying


@contextmanager
def shop(**settings: Any) -> Iterator[Shop]:
    found = Shop(**settings)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def backends() -> Iterator[list[Backend]]:
    with ExitStack() as stack:
        made = [stack.enter_context(running()) for _ in range(3)]
        for number, backend in enumerate(made):
            text = b"%d" % number
            backend.behave = saying(
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Who: %b\r\n\r\n%b" % (text, text)
            )
        yield made


def dead() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def who(shop: Shop, times: int = 1, **call: Any) -> str:
    return "".join(shop.call(**call).headers["x-who"] for _ in range(times))


# --- which one ---


def test_one_address_needs_no_plan(backends: list[Backend]) -> None:
    with shop() as found:
        found.create(endpointConfig=one(backends[0].url))
        found.deploy()
        assert found.decide("GET", "/menu")["plan"] == ""
        assert who(found) == "0"


def test_calls_go_round(backends: list[Backend]) -> None:
    with shop() as found:
        urls = [backend.url for backend in backends]
        shown = found.create(endpointConfig=several("load_balance", urls))
        assert [each["url"] for each in shown["endpointConfig"]["production_endpoints"]] == urls
        found.deploy()
        assert who(found, 6) in ("012012", "120120", "201201")


def test_environments_do_not_all_begin_with_the_same_one() -> None:
    ones = [Endpoint({"url": f"http://{number}.example"}) for number in range(3)]
    starts = {Group("load_balance", ones).candidates()[0].url for _ in range(100)}
    assert len(starts) == 3


def test_one_that_is_down_is_left_out(backends: list[Backend]) -> None:
    with shop() as found:
        urls = [backends[0].url, dead(), backends[2].url]
        found.create(endpointConfig=several("load_balance", urls))
        found.deploy()
        assert set(who(found, 6)) == {"0", "2"}


def test_fail_over_goes_down_the_list(backends: list[Backend]) -> None:
    with shop() as found:
        urls = [dead(), dead(), backends[2].url]
        found.create(endpointConfig=several("failover", urls))
        found.deploy()
        assert who(found, 2) == "22"
        # Nobody was refused, but the operator hears of it, once for each suspension.
        assert found.noted == [(urls[0], "101503"), (urls[1], "101503")]


def test_a_call_that_may_have_acted_is_not_given_to_another(backends: list[Backend]) -> None:
    with shop() as found:
        urls = [backends[0].url, backends[1].url]
        found.create(endpointConfig=several("failover", urls))
        found.deploy()
        backends[0].behave = lambda connection, _: connection.shutdown(socket.SHUT_RDWR)
        assert found.fault("POST", "/menu", body="x") == "101503"
        assert backends[1].requests == []
        # But the next call knows.
        assert who(found, method="POST", body="x") == "1"
        assert len(backends[0].requests) == 1


def test_what_never_reached_the_first_may_go_to_the_second(backends: list[Backend]) -> None:
    with shop() as found:
        found.create(endpointConfig=several("failover", [dead(), backends[1].url]))
        found.deploy()
        assert who(found, method="POST", body="x") == "1"


def test_a_hanging_first_leaves_the_second_its_time(backends: list[Backend]) -> None:
    with shop(seconds=1.0) as found:
        found.create(endpointConfig=several("failover", [backends[0].url, backends[1].url]))
        found.deploy()
        backends[0].behave = lambda *_: time.sleep(1)
        started = time.monotonic()
        assert who(found) == "1"
        assert 0.4 < time.monotonic() - started < 0.9
        # Suspended now.
        started = time.monotonic()
        assert who(found) == "1"
        assert time.monotonic() - started < 0.3


def test_when_all_are_suspended_the_answer_says_so(backends: list[Backend]) -> None:
    with shop() as found:
        found.create(endpointConfig=several("failover", [dead(), dead()]))
        found.deploy()
        assert found.fault() == "101503"
        assert found.fault() == "303001"


def test_a_status_is_an_answer_and_suspends_nobody(backends: list[Backend]) -> None:
    with shop() as found:
        found.create(endpointConfig=several("failover", [backends[0].url, backends[1].url]))
        found.deploy()
        backends[0].behave = saying(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nX-Who: 0\r\n\r\n")
        assert who(found, 3) == "000"


def test_an_endpoints_time_is_its_own(backends: list[Backend]) -> None:
    with shop() as found:
        config = {"url": backends[0].url, "config": {"actionDuration": "300"}}
        found.create(endpointConfig={"endpoint_type": "http", "production_endpoints": config})
        found.deploy()
        backends[0].behave = lambda *_: time.sleep(1)
        started = time.monotonic()
        assert found.fault() == "101504"
        assert time.monotonic() - started < 0.8


def test_sandbox_keys_have_their_own_endpoints(backends: list[Backend]) -> None:
    with shop() as found:
        config = several("load_balance", [backends[0].url])
        config["sandbox_endpoints"] = [{"url": backends[1].url}, {"url": backends[1].url}]
        found.create(endpointConfig=config)
        found.deploy()
        assert who(found, 3, sandbox="true") == "111"
        assert who(found, 3) == "000"


# --- for how long ---

RULE = {"suspendDuration": "2000", "factor": "2", "suspendMaxDuration": "5000"}


def standing(**config: Any) -> Endpoint:
    given = several("failover", ["http://a.example", "http://b.example"], **config)
    return Endpoint(side_plan(given, "production")["endpoints"][0])


def until(endpoint: Endpoint, now: float) -> float:
    """The seconds for which it is left alone."""
    return next(n / 10 for n in range(100_000) if endpoint.available(now + n / 10))


def test_each_suspension_is_longer_up_to_the_longest() -> None:
    endpoint, now, seconds = standing(**RULE), 1000.0, []
    for _ in range(4):
        endpoint.failed("101503", now)
        seconds.append(until(endpoint, now))
        now += seconds[-1]
    assert seconds == [2, 4, 5, 5]
    endpoint.worked()
    endpoint.failed("101503", now)
    assert until(endpoint, now) == 2


def test_it_may_be_retried_before_it_is_suspended() -> None:
    config = {**RULE, "retryErroCode": ["101504"], "retryTimeOut": "2", "retryDelay": "100"}
    endpoint = standing(**config)
    for expected in (0.1, 0.1, 2):
        endpoint.failed("101504", 0)
        assert until(endpoint, 0) == expected


def test_only_the_named_failures_suspend() -> None:
    endpoint = standing(**RULE, suspendErrorCode=["101504", "101508"])
    endpoint.failed("101503", 0)
    assert endpoint.available(0)
    endpoint.failed("101504", 0)
    assert not endpoint.available(0)


@pytest.mark.parametrize("code", ["400", "101513", "900900"])
def test_what_is_not_the_endpoints_fault_suspends_it_never(code: str) -> None:
    endpoint = standing(**RULE)
    endpoint.failed(code, 0)
    assert endpoint.available(0)


def test_for_ever_is_an_hour() -> None:
    endpoint = standing(suspendDuration="60000", factor="9")
    for _ in range(500):
        endpoint.failed("101503", 0)
    assert until(endpoint, 0) == 3600


# --- what is refused ---


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (
            several("load_balance", ["http://10.0.0.1", "http://a.example"]),
            "production_endpoints.0",
        ),
        (several("failover", ["http://a.example", "http://169.254.169.254"]), "failovers.0.url"),
        (several("failover", ["http://a.example"] * 11), "at most 10"),
        (several("failover", ["http://a.example"], actionDuration="soon"), "actionDuration"),
        (several("failover", ["http://a.example"], factor="0"), "factor"),
        (several("failover", ["http://a.example"], suspendErrorCode=["1"]), "suspendErrorCode"),
        (several("failover", ["http://a.example"], caCertificates="no PEM"), "caCertificates"),
        (
            {**several("load_balance", ["http://a.example"]), "sessionManagement": "soap"},
            "sessionManagement",
        ),
        (
            {**several("load_balance", ["http://a.example"]), "algoClassName": "Mine"},
            "algoClassName",
        ),
    ],
)
def test_a_wrong_configuration_is_named(config: dict[str, Any], field: str) -> None:
    with shop() as found, pytest.raises(InvalidInput) as caught:
        found.create(endpointConfig=config)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"endpointConfig": several("failover", ["http://a.example", "http://b.example"])},
        {"endpointConfig": several("failover", ["http://a.example"], actionDuration="5000")},
        {"responseCachingEnabled": True},
        {"enableSchemaValidation": True},
        {
            "apiPolicies": {
                "request": [{"policyName": "removeHeader", "parameters": {"headerName": "x"}}]
            }
        },
    ],
)
def test_a_pass_through_api_cannot_have_it(fields: dict[str, Any]) -> None:
    delivery = [{"name": "portico_delivery", "value": "pass-through"}]
    with shop() as found:
        found.create(
            **{"endpointConfig": one("http://a.example"), **fields}, additionalProperties=delivery
        )
        with pytest.raises(InvalidInput, match="is for mediated APIs"):
            found.deploy()


# --- deployed anew ---


def test_old_and_new_revision_are_delivered_side_by_side(backends: list[Backend]) -> None:
    """An authorizer that has the old deployment in its cache decides by it for some seconds."""
    with shop() as found:
        found.create(endpointConfig=several("failover", [dead(), backends[0].url]))
        found.deploy()
        old = found.decide("GET", "/menu")
        found.update(endpointConfig=several("failover", [dead(), backends[1].url]))
        found.deploy()
        found.world.clock.pass_by(10)
        new = found.decide("GET", "/menu")
        assert old["revision"] != new["revision"]
        assert who(found, 2, **old) == "00"
        assert who(found, 2, **new) == "11"
        plans = [one for one in found.records.items.values() if isinstance(one, DeliveryPlan)]
        kept = {plan.revision_id: plan.expires for plan in plans}
        assert kept == {old["revision"]: int(found.clock.now()) + 3600, new["revision"]: 0}


def test_no_call_fails_while_revisions_come_and_go(backends: list[Backend]) -> None:
    with shop() as found:
        found.create(endpointConfig=several("failover", [backends[0].url, backends[0].url]))
        found.deploy()
        seen: list[str] = []
        failed: list[Exception] = []
        over = threading.Event()

        def call_on() -> None:
            while not over.wait(0.01):
                try:
                    decided = found.decide("GET", "/menu")
                    answer = found.call(**decided)
                    seen.append(decided["revision"] + answer.headers["x-who"])
                except Exception as exc:
                    failed.append(exc)

        caller = threading.Thread(target=call_on)
        caller.start()
        wanted = set()
        for number in (1, 2, 0, 1):
            time.sleep(0.1)
            urls = [backends[number].url] * 2
            found.update(endpointConfig=several("failover", urls))
            wanted.add(f"{found.deploy().id}{number}")
            found.world.clock.pass_by(10)
        time.sleep(0.2)
        over.set()
        caller.join(5)
        assert not failed, failed[0]
        # Each revision was called, and none went to another one's back end.
        assert wanted <= set(seen)
        assert len({one[:-1] for one in seen}) == len(set(seen))


def test_what_was_taken_off_is_not_delivered(backends: list[Backend]) -> None:
    with shop() as found:
        found.create(endpointConfig=several("failover", [dead(), backends[0].url]))
        revision = found.deploy()
        decided = found.decide("GET", "/menu")
        assert found.api
        found.revisions.undeploy(JANE, found.api.id, revision.id)
        for record in list(found.world.source.items.values()):
            if isinstance(record, DeliveryPlan):
                found.world.source.remove(record)
        assert not [one for one in found.records.items.values() if isinstance(one, DeliveryPlan)]
        assert found.fault(**decided) == "404"
