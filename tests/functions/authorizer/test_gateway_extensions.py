"""Gateway extensions: what they add, what they refuse, and what becomes of calls when they fail."""

import base64
import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from portico.domain.backend_jwt import BackendJwtRules
from portico.domain.errors import Unavailable
from tests.functions.authorizer.world import APPLICATION, PIZZA, TENANT, World

PLUGINS = Path(__file__).parents[2] / "data" / "plugins"
CLEARANCE = "acme_plugins.clearance.Clearance"
HOURS = "acme_plugins.clearance.OfficeHours"
COUNTING = "acme_plugins.gateway_faults.Counting"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:portico-hook-claims"
CLAIM = "https://acme.example/clearance"


@pytest.fixture(scope="module", autouse=True)
def _plugins() -> Iterator[None]:
    sys.path.append(str(PLUGINS))
    yield
    sys.path.remove(str(PLUGINS))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def asked(_plugins: None) -> list[dict[str, Any]]:
    from acme_plugins import gateway_faults  # type: ignore[import-not-found]

    found: list[dict[str, Any]] = gateway_faults.ASKED
    found.clear()
    return found


def rule(world: World, extension: str, **rules: Any) -> None:
    rules = {f"extension_{name}": value for name, value in rules.items()}
    world.source.put(BackendJwtRules(tenant=TENANT, extension=extension, **rules))
    world.clock.pass_by(5)


def claims_of(decision: dict[str, Any]) -> dict[str, Any]:
    body = decision["jwt"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=="))
    return claims


class FakeLambda:
    """Answers as a function would; `seconds` is how long it takes."""

    def __init__(self, answer: Any, seconds: float = 0, failed: str = "") -> None:
        self.answer, self.seconds, self.failed = answer, seconds, failed
        self.payloads: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == FUNCTION
        self.payloads.append(json.loads(Payload))
        time.sleep(self.seconds)
        error = {"FunctionError": self.failed} if self.failed else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **error}


# --- what they do ---


def test_the_example_adds_one_claim(world: World) -> None:
    rule(world, CLEARANCE)
    assert claims_of(world.judge(token=world.token()))[CLAIM] == "public"
    world.source.put(replace(APPLICATION, attributes={"partner": "yes"}))
    world.clock.pass_by(5)
    claims = claims_of(world.judge(token=world.token()))
    assert claims[CLAIM] == "partner"
    assert claims["http://wso2.org/claims/subscriber"] == "dora"


def test_a_function_adds_claims_too(world: World) -> None:
    world.functions = FakeLambda({"claims": {"level": 3}})
    rule(world, FUNCTION)
    assert claims_of(world.judge(token=world.user_token()))["level"] == 3
    (told,) = world.functions.payloads
    assert told["api"] == {
        "id": "api-1",
        "name": "PizzaShop",
        "version": "1.0.0",
        "context": "/pizza/1.0.0",
    }
    assert told["caller"]["user"] == "jane"
    assert told["claims"]["http://wso2.org/claims/enduser"] == "jane@carbon.super"
    assert "request" not in told


def test_it_is_asked_once_for_as_long_as_the_assertion_serves(
    world: World, asked: list[dict[str, Any]]
) -> None:
    rule(world, COUNTING)
    token = world.token()
    decisions = {world.judge(token=token)["jwt"] for _ in range(5)}
    assert (len(decisions), len(asked)) == (1, 1)
    world.judge(token=world.token(jti="another"))
    assert len(asked) == 2
    world.clock.pass_by(841)
    assert claims_of(world.judge(token=world.token(jti="another")))["asked"] == 3


def test_on_every_call_it_sees_the_request_without_credentials(
    world: World, asked: list[dict[str, Any]]
) -> None:
    world.source.put(replace(PIZZA, security=["oauth2", "api_key"], api_key_header="X-Shop"))
    rule(world, COUNTING, every_call=True)
    token = world.token()
    for _ in range(2):
        decision = world.judge(
            token=token,
            query="page=2&%58-shop=hidden-1&apikey=hidden-2",
            cookie="hidden-3",
            proxy_authorization="hidden-4",
            x_shop="hidden-5",
            x_trace="7",
        )
    assert claims_of(decision)["asked"] == 2
    request = asked[-1]["request"]
    assert request == {
        "method": "GET",
        "path": "/pizza/1.0.0/menu",
        "query": "page=2",
        "resource": "/menu",
        "address": "203.0.113.7",
        "headers": {"x-trace": "7"},
    }
    assert "hidden" not in str(asked)
    assert token not in str(asked)


def test_a_step_of_ones_own_refuses_calls(world: World) -> None:
    rule(world, HOURS, every_call=True)
    token = world.token(scope="order")
    order = {"method": "POST", "path": "/pizza/1.0.0/order", "token": token}
    assert world.judge(**order)
    assert world.judge(token=token, address="198.51.100.1")
    with pytest.raises(Refused) as refusal:
        world.judge(**order, address="198.51.100.1")
    assert (refusal.value.fault.code, refusal.value.fault.status) == ("900914", 403)


def test_a_refusal_is_not_remembered(world: World, asked: list[dict[str, Any]]) -> None:
    rule(world, "acme_plugins.gateway_faults.Refusing", open=True)
    for _ in range(2):
        with pytest.raises(Refused):
            world.judge(token=world.token())
    assert len(asked) == 2


@pytest.mark.parametrize("every", [True, False])
def test_a_preflight_is_not_for_extensions(
    world: World, asked: list[dict[str, Any]], every: bool
) -> None:
    rule(world, COUNTING, every_call=every)
    preflight = {"access_control_request_method": "GET"}
    assert world.judge("OPTIONS", **preflight)["preflight"] == "true"
    assert asked == []
    # Nor is its assertion taken for one of an open call.
    open_call = world.judge(path="/pizza/1.0.0/menu/funghi")
    assert claims_of(open_call)["asked"] == 1


def test_what_is_signed_is_out_of_its_reach(world: World) -> None:
    rule(world, "acme_plugins.gateway_faults.Overwriting")
    claims = claims_of(world.judge(token=world.token()))
    assert claims["sub"] == "dora@carbon.super"
    assert claims["http://wso2.org/claims/applicationAttributes"] == {"colour": "red"}


def test_its_claims_go_last_and_whole_when_there_is_no_room(world: World) -> None:
    rule(world, "acme_plugins.gateway_faults.Full")
    world.source.put(replace(APPLICATION, attributes={"text": "x" * 2000}, name="n" * 500))
    claims = claims_of(world.judge(token=world.token()))
    assert claims["all"] == "x" * 1400
    assert "http://wso2.org/claims/applicationAttributes" not in claims


# --- what they may not, and what becomes of it ---

FAULTY = [
    "acme_plugins.faults.Raising",
    "acme_plugins.faults.Hanging",
    "acme_plugins.faults.Exiting",
    "acme_plugins.gateway_faults.Impersonating",
    "acme_plugins.gateway_faults.Bare",
    "acme_plugins.gateway_faults.Talkative",
    "acme_plugins.gateway_faults.Closing",
    "acme_plugins.faults.Claiming",
    "acme_plugins.nowhere.Nobody",
    "subprocess.Popen",
]


@pytest.mark.parametrize("every", [True, False], ids=["every call", "an assertion"])
@pytest.mark.parametrize("name", FAULTY)
def test_a_failing_one_stops_the_call(world: World, name: str, every: bool) -> None:
    rule(world, name, every_call=every, seconds=0.2)
    with pytest.raises(Unavailable):
        world.judge(token=world.token())
    ((message, more),) = world.notices
    assert message == "A gateway extension failed"
    assert (more["extension"], more["passes"]) == (name, False)


@pytest.mark.parametrize("every", [True, False], ids=["every call", "an assertion"])
@pytest.mark.parametrize("name", FAULTY)
def test_a_failing_one_is_left_out_where_the_tenant_wants_that(
    world: World, name: str, every: bool
) -> None:
    rule(world, name, every_call=every, seconds=0.2, open=True)
    claims = claims_of(world.judge(token=world.token()))
    assert claims["http://wso2.org/claims/enduser"] == "dora@carbon.super"
    assert world.notices[0][1]["passes"] is True


@pytest.mark.parametrize("passes", [True, False], ids=["open", "closed"])
def test_a_slow_one_costs_no_more_than_its_time(world: World, passes: bool) -> None:
    world.functions = FakeLambda({"claims": {"level": 3}}, seconds=2)
    rule(world, FUNCTION, open=passes)  # half a second, unless the tenant says otherwise
    began = time.monotonic()
    if passes:
        assert "level" not in claims_of(world.judge(token=world.token()))
    else:
        with pytest.raises(Unavailable):
            world.judge(token=world.token())
    assert 0.45 < time.monotonic() - began < 1.0


def test_an_assertion_that_lacks_what_should_be_there_serves_for_seconds_only(
    world: World,
) -> None:
    world.functions = FakeLambda({"claims": {"level": 3}}, failed="Unhandled")
    rule(world, FUNCTION, open=True)
    token = world.token()
    assert "level" not in claims_of(world.judge(token=token))
    world.judge(token=token)
    assert len(world.functions.payloads) == 1
    world.functions.failed = ""
    world.clock.pass_by(5)
    assert claims_of(world.judge(token=token))["level"] == 3


def test_a_function_that_says_too_much_fails(world: World) -> None:
    world.functions = FakeLambda({"claims": {}, "more": "x" * 70_000})
    rule(world, FUNCTION)
    with pytest.raises(Unavailable):
        world.judge(token=world.token())
    assert "65536" in world.notices[0][1]["reason"]
