"""User names and passwords, for APIs that allow them."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from portico.domain.errors import Unavailable
from portico.tokens.jwt import PLAIN, verify
from portico.tokens.keys import verification_keys
from tests.functions.authorizer.world import GRANT, PIZZA, TENANT, World, public_keys


@pytest.fixture
def world() -> World:
    found = World()
    found.source.put(
        replace(
            PIZZA,
            security=["oauth2", "basic_auth"],
            scopes={"order": ["staff"], "admin": ["boss"]},
        )
    )
    found.passwords.users[TENANT, "jane"] = ("right:word", ("staff",))
    found.passwords.users["acme.com", "jane"] = ("other", ())
    return found


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


def code(world: World, *args: Any, **named: Any) -> str:
    with pytest.raises(Refused) as caught:
        world.judge(*args, **named)
    return caught.value.fault.code


def test_the_right_password_passes_without_a_subscription(world: World) -> None:
    world.source.remove(GRANT)
    decision = world.judge(authorization=basic("jane:right:word"))
    claims = verify(
        decision["jwt"], verification_keys(public_keys().keys), now=world.clock.now(), typ=PLAIN
    )
    assert claims["http://wso2.org/claims/enduser"] == "jane@carbon.super"
    assert decision["application"] == ""


def test_it_is_asked_for_once_in_the_caches_time(world: World) -> None:
    for _ in range(3):
        world.judge(authorization=basic("jane:right:word"))
    assert world.passwords.asked == ["jane"]
    world.passwords.users[TENANT, "jane"] = ("changed", ())
    world.clock.pass_by(5)
    assert code(world, authorization=basic("jane:right:word")) == "900901"


def test_a_wrong_one_is_asked_for_once_too_and_right_ones_stay(world: World) -> None:
    world.judge(authorization=basic("jane:right:word"))
    for number in range(1_100):
        code(world, authorization=basic(f"jane:{number}"))
    assert code(world, authorization=basic("jane:1099")) == "900901"
    assert len(world.passwords.asked) == 1_101
    world.judge(authorization=basic("jane:right:word"))
    assert len(world.passwords.asked) == 1_101


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + b64encode(b"\xff\xfe").decode(),
        basic(""),
        basic(":right:word"),
        basic("jane"),
        basic("jane:wrong"),
        basic("jane@acme.com:other"),
        basic("jane:" + "x" * 5000),
    ],
)
def test_what_is_refused(world: World, header: str) -> None:
    expected = "900902" if header == "Basic" else "900901"
    assert code(world, authorization=header) == expected


def test_a_tenant_does_not_see_what_another_was_told(world: World) -> None:
    world.source.put(
        replace(PIZZA, tenant="acme.com", prefix="/t/acme.com/p", security=["basic_auth"])
    )
    assert world.judge(authorization=basic("jane:right:word"))
    assert (
        code(world, path="/t/acme.com/p/menu", authorization=basic("jane:right:word")) == "900901"
    )


def test_an_api_that_does_not_allow_it_asks_nobody(world: World) -> None:
    world.source.put(replace(PIZZA, security=["oauth2"]))
    assert code(world, authorization=basic("jane:right:word")) == "900902"
    assert world.passwords.asked == []


def test_the_roles_of_the_user_are_its_scopes(world: World) -> None:
    call = {
        "method": "POST",
        "path": "/pizza/1.0.0/order",
        "authorization": basic("jane:right:word"),
    }
    assert world.judge(**call)  # one of two scopes
    world.passwords.users[TENANT, "jane"] = ("right:word", ())
    world.clock.pass_by(5)
    assert code(world, **call) == "900910"
    world.source.put(replace(PIZZA, security=["basic_auth"], scopes={"order": []}))
    world.clock.pass_by(5)
    assert world.judge(**call)  # a scope without roles is for all


def test_a_user_is_no_application(world: World) -> None:
    there = basic("jane:right:word")
    assert world.judge(path="/pizza/1.0.0/order/1", authorization=there)
    assert code(world, path="/pizza/1.0.0/machine", authorization=there) == "900905"


def test_when_nobody_can_check_nobody_passes(world: World) -> None:
    world.passwords.failing = Unavailable("down")
    with pytest.raises(Unavailable):
        world.judge(authorization=basic("jane:right:word"))
