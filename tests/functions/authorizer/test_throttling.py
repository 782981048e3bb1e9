"""The levels of throttling: who is counted with whom, which refuses, and what callers learn."""

import json
from dataclasses import replace

import pytest

from functions.authorizer.calls import Refused
from functions.authorizer.leases import Count
from tests.functions.authorizer.limits import call_of, calling, code, passes, requests, table
from tests.functions.authorizer.world import APPLICATION, GRANT, PIZZA, TENANT, World

NOW = 1_800_000_000  # of the fake clock: a multiple of a minute


@pytest.fixture
def world() -> World:
    return World(cache_seconds=0.5)


# --- levels ---


def test_entries_of_either_form_count(world: World) -> None:
    world.source.put(table(subscription={"Gold": {"limit": requests(3), "stop": True}}))
    assert passes(world) == 3
    assert code(world) == "900804"
    world.source.put(table(subscription={"Gold": [4, 60, True]}))
    world.clock.pass_by(60)
    assert passes(world) == 4


@pytest.mark.parametrize(
    ("api_policy", "resource_policy", "code_"), [("Few", "Few", "900800"), ("", "Few", "900802")]
)
def test_an_advanced_policy_refuses_for_its_level(
    world: World, api_policy: str, resource_policy: str, code_: str
) -> None:
    row = ["/menu", "GET", "Application & Application User", [], resource_policy]
    world.source.put(replace(PIZZA, api_policy=api_policy, resources=[row]))
    world.source.put(table(api={"Few": {"limit": requests(2)}}))
    assert passes(world) == 2
    assert code(world) == code_


def test_of_several_full_limits_the_apis_speaks_first(world: World) -> None:
    few = {"Few": {"limit": requests(2)}}
    world.source.put(replace(PIZZA, api_policy="Few"))
    world.source.put(replace(GRANT, policy="Few"))
    world.source.put(table(api=few, subscription=few))
    passes(world)
    assert code(world) == "900800"


def test_sandbox_and_production_are_counted_apart(world: World) -> None:
    world.source.put(replace(PIZZA, sandbox_endpoint="http://sandbox.example"))
    world.source.put(table(subscription={"Gold": {"limit": requests(3)}}))
    assert passes(world) == 3
    sandbox = world.token(keytype="SANDBOX")
    assert passes(world, token=sandbox) == 3
    assert code(world, token=sandbox) == "900804"


def test_open_resources_have_the_unauthenticated_policy_for_each_address(world: World) -> None:
    world.source.put(table(subscription={"Unauthenticated": {"limit": requests(2)}}))
    assert passes(world, path="/menu/funghi") == 2
    assert passes(world, path="/menu/funghi", source_ip="203.0.113.8") == 2


def test_a_policy_without_a_limit_limits_nothing(world: World) -> None:
    world.source.put(table(subscription={"Gold": {"limit": requests(0, 0)}}))
    assert passes(world, 30) == 30


@pytest.mark.parametrize("seconds", [1, 60, 3600, 86400, 604800, 30 * 86400])
def test_windows_are_from_a_second_to_a_month(world: World, seconds: int) -> None:
    world.source.put(table(subscription={"Gold": {"limit": requests(2, seconds)}}))
    assert passes(world) == 2
    with pytest.raises(Refused) as refused:
        calling(world)
    end = (NOW // seconds + 1) * seconds
    assert refused.value.until == end
    world.clock.pass_by(end - world.clock.now())
    assert code(world) == ""


# --- burst control ---


def test_a_burst_is_refused_although_the_quota_is_not_used_up(world: World) -> None:
    world.source.put(
        table(subscription={"Gold": {"limit": requests(100, 3600), "burst": [2, 1], "stop": True}})
    )
    assert passes(world) == 2
    with pytest.raises(Refused) as refused:
        calling(world)
    assert (refused.value.fault.code, refused.value.until) == ("900807", NOW + 1)
    world.clock.pass_by(1)
    assert code(world) == ""


def test_burst_control_holds_where_the_quota_may_be_exceeded(world: World) -> None:
    entry = {"limit": requests(2, 3600), "burst": [3, 1], "stop": False}
    world.source.put(table(subscription={"Gold": entry}))
    assert passes(world) == 3
    assert code(world) == "900807"


def test_a_burst_that_is_refused_uses_up_no_quota(world: World) -> None:
    entry = {"limit": requests(10, 3600), "burst": [2, 1]}
    world.source.put(table(subscription={"Gold": entry}))
    for _ in range(5):
        assert passes(world) == 2
        world.clock.pass_by(1)
    assert code(world) == "900804"


# --- custom policies ---


def test_a_custom_policy_counts_what_its_key_takes_together(world: World) -> None:
    world.source.put(table(custom={"each": {"key": "$userId:$apiContext", "limit": requests(2)}}))
    assert passes(world, token=world.user_token()) == 2
    assert code(world, token=world.user_token()) == "900806"
    other = world.token(aut="APPLICATION_USER", sub="mary@carbon.super")
    assert code(world, token=other) == ""


def test_every_variable_has_its_value(world: World) -> None:
    template = "$userId/$appTenant/$apiTenant/$appId/$apiName/$apiVersion/$clientIp/$resourceKey"
    world.source.put(table(custom={"all": {"key": template, "limit": requests(2)}}))
    calling(world, token=world.user_token())
    names = [name for name, _ in world.counters.counts if "#custom#" in name]
    assert names == [
        f"{TENANT}#WINDOW#custom#all#jane@carbon.super/carbon.super/carbon.super/app-1/PizzaShop/"
        "1.0.0/203.0.113.7//pizza/1.0.0/menu:GET"
    ]


def test_a_custom_policy_without_a_value_is_not_for_the_call(world: World) -> None:
    world.source.put(table(custom={"each": {"key": "$userId", "limit": requests(1)}}))
    assert passes(world, 5, path="/menu/funghi") == 5
    world.source.put(table(custom={"each": {"key": "$unknown", "limit": requests(1)}}))
    world.clock.pass_by(1)
    assert passes(world, 5) == 5


def test_a_custom_policy_may_be_for_some_values_only(world: World) -> None:
    entry = {"key": "$userId", "limit": requests(1), "only": {"userId": "jane@carbon.super"}}
    world.source.put(table(custom={"jane": entry}))
    assert passes(world, token=world.user_token()) == 1
    other = world.token(aut="APPLICATION_USER", sub="mary@carbon.super")
    assert passes(world, 5, token=other) == 5


# --- what callers learn ---


def test_an_answer_tells_what_is_left_of_each_limit(world: World) -> None:
    world.source.put(
        table(
            subscription={"Gold": {"limit": requests(5000), "burst": [100, 1]}},
            custom={"all": {"key": "$apiContext", "limit": requests(7, 3600)}},
        )
    )
    world.source.put(replace(PIZZA, api_policy="10KPerMin"))
    end = NOW + 60
    assert calling(world).decision["limits"] == (
        f"api 4 60 3 {end},burst 100 1 99 {NOW + 1},subscription 5000 60 4999 {end},"
        f"application 50 60 49 {end},custom 7 3600 6 {(NOW // 3600 + 1) * 3600}"
    )


def test_a_refused_call_is_told_too(world: World) -> None:
    world.source.put(replace(GRANT, policy="Three"))
    passes(world)
    call = call_of(world)
    with pytest.raises(Refused):
        world.pipeline.judge(call)
    assert call.limits == f"subscription 3 60 0 {NOW + 60},application 50 60 47 {NOW + 60}"


def test_a_call_without_limits_is_told_nothing(world: World) -> None:
    world.source.put(replace(GRANT, policy="Unlimited"))
    world.source.put(replace(APPLICATION, policy="Unlimited"))
    assert calling(world).decision["limits"] == ""
    assert world.counters.draws == 0


# --- bandwidth ---

BYTES = {"limit": {"kind": "bandwidth", "amount": 1000, "seconds": 60}}
COUNTER = f"{TENANT}#WINDOW#subscription#sub-1:bytes"


def count_bytes(world: World, amount: int) -> None:
    """What the gateway function does after delivery."""
    at = (COUNTER, int(world.clock.now()) // 60 * 60)
    world.counters.counts[at] = Count(world.counters.granted.get(at, 0) + amount, 0)


def test_calls_pass_until_their_bytes_have_filled_the_limit(world: World) -> None:
    world.source.put(table(subscription={"Gold": BYTES}))
    call = calling(world)
    assert json.loads(call.decision["usage"]) == [[COUNTER, 1000, 60]]
    assert f"subscription 1000 60 1000 {NOW + 60} bytes" in call.decision["limits"]
    count_bytes(world, 400)
    world.clock.pass_by(2)
    assert f"subscription 1000 60 600 {NOW + 60} bytes" in calling(world).decision["limits"]
    count_bytes(world, 600)
    world.clock.pass_by(2)
    with pytest.raises(Refused) as refused:
        calling(world)
    assert (refused.value.fault.code, refused.value.until) == ("900804", NOW + 60)
    world.clock.pass_by(60)
    assert code(world) == ""


def test_a_call_refused_for_bytes_uses_up_no_calls(world: World) -> None:
    world.source.put(table(subscription={"Gold": BYTES}))
    count_bytes(world, 1000)
    assert code(world) == "900804"
    assert not any("#application#" in name for name, _ in world.counters.counts)


def test_counters_of_bytes_are_looked_at_now_and_then(world: World) -> None:
    world.source.put(table(subscription={"Gold": BYTES}))
    world.source.put(replace(APPLICATION, policy="Unlimited"))
    for _ in range(50):
        calling(world)
    assert world.counters.looks == 1


def test_bytes_of_a_pass_through_api_are_not_limited(world: World) -> None:
    world.source.put(table(subscription={"Gold": BYTES}))
    world.source.put(replace(PIZZA, delivery="pass-through"))
    count_bytes(world, 1000)
    assert code(world) == ""
