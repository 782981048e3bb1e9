"""Internal keys: an API is tested before anybody may call it."""

from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from portico.domain.gateway import Revocation
from portico.tokens.jwt import ACCESS_TOKEN, API_KEY
from tests.functions.authorizer.world import GRANT, PIZZA, TENANT, World


@pytest.fixture
def world() -> World:
    found = World()
    found.source.put(replace(PIZZA, state="CREATED", access="none"))
    return found


def code(world: World, *args: Any, **named: Any) -> str:
    with pytest.raises(Refused) as caught:
        world.judge(*args, **named)
    return caught.value.fault.code


def test_an_api_that_is_not_published_is_there_for_its_internal_key(world: World) -> None:
    assert world.judge(internal_key=world.internal_key())["api"] == "api-1"
    assert world.judge("POST", "/pizza/1.0.0/order", internal_key=world.internal_key())
    assert code(world, path="/pizza/1.0.0/nothing", internal_key=world.internal_key()) == "404"


def test_it_needs_no_subscription_and_no_scope(world: World) -> None:
    world.source.put(PIZZA)
    world.source.remove(GRANT)
    for path in ("/menu", "/order/1", "/machine"):
        assert world.judge(path=f"/pizza/1.0.0{path}", internal_key=world.internal_key())


@pytest.mark.parametrize("wrong", ["", "nonsense", "a.b.c"])
def test_nobody_learns_of_an_unpublished_api_by_guessing(world: World, wrong: str) -> None:
    assert code(world) == "404"
    assert code(world, token=world.token()) == "404"
    assert code(world, internal_key=wrong) == "404"
    assert code(world, "OPTIONS", access_control_request_method="GET") == "404"
    assert code(world, "DELETE") == "404"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (lambda world: world.internal_key(api="api-2"), "900908"),
        (lambda world: world.internal_key(tenant="acme.com"), "900901"),
        (lambda world: world.internal_key(typ=ACCESS_TOKEN), "900901"),
        (lambda world: world.internal_key(typ=API_KEY), "900901"),
        (lambda world: world.internal_key(api=""), "900901"),
        (lambda world: world.internal_key(iat="now"), "900901"),
        (lambda world: world.api_key(), "900901"),
        (lambda world: world.token(), "900901"),
        (lambda world: "nonsense", "900901"),
        (lambda world: world.internal_key(exp=int(world.clock.now())), "900903"),
    ],
)
def test_a_key_that_does_not_hold(world: World, key: Any, expected: str) -> None:
    world.source.put(PIZZA)
    assert code(world, internal_key=key(world), token=world.token()) == expected


def test_it_is_no_access_token_and_no_api_key(world: World) -> None:
    world.source.put(replace(PIZZA, security=["oauth2", "api_key"]))
    assert code(world, token=world.internal_key()) == "900901"
    assert code(world, apikey=world.internal_key()) == "900901"


def test_a_blocked_api_is_blocked_for_testers_too(world: World) -> None:
    world.source.put(replace(PIZZA, access="blocked"))
    assert code(world, internal_key=world.internal_key()) == "700700"


def test_a_revoked_key_is_refused(world: World) -> None:
    world.source.put(PIZZA)
    text = world.internal_key()
    assert world.judge(internal_key=text)
    world.source.put(Revocation(tenant=TENANT, subject="internal-1", expires=2_000_000_000))
    world.clock.pass_by(5)
    assert code(world, internal_key=text) == "900901"


def test_a_first_call_takes_one_read(world: World) -> None:
    world.judge(internal_key=world.internal_key())
    assert len(world.source.reads) == 1


def test_an_access_token_that_holds_is_no_internal_key_beside_itself(world: World) -> None:
    world.source.put(PIZZA)
    token = world.token()
    for _ in range(3):
        assert code(world, token=token, internal_key=token) == "900901"
    key = world.internal_key()
    assert world.judge(token=key, internal_key=key)
    world.source.put(replace(PIZZA, security=["api_key"]))
    world.clock.pass_by(5)
    assert code(world, token=token, apikey=token) == "900901"
