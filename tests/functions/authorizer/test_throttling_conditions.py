"""Conditional groups and deny policies: which calls they are for."""

from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.throttle.addresses import packed, range_of
from tests.functions.authorizer.limits import code, passes, requests, table
from tests.functions.authorizer.world import GRANT, PIZZA, World


@pytest.fixture
def world() -> World:
    world = World(cache_seconds=0.5)
    world.source.put(replace(GRANT, policy="Unlimited"))
    world.source.put(replace(PIZZA, api_policy="Grouped"))
    return world


def grouped(world: World, *groups: tuple[int, list[dict[str, Any]]]) -> None:
    """Nine calls a minute for all, and for the groups so many."""
    entry = {
        "limit": requests(9),
        "stop": True,
        "groups": [
            {"conditions": conditions, "limit": requests(amount)} for amount, conditions in groups
        ],
    }
    world.source.put(table(api={"Grouped": entry}))


# --- groups ---

CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # condition, a call that meets it, a call that does not
    ({"kind": "ip", "value": "198.51.100.4"}, {"source_ip": "198.51.100.4"}, {}),
    ({"kind": "ip", "value": "2001:db8::1"}, {"source_ip": "2001:DB8:0::1"}, {}),
    (
        {"kind": "iprange", "from": "198.51.100.4", "to": "198.51.100.9"},
        {"source_ip": "198.51.100.9"},
        {"source_ip": "198.51.100.10"},
    ),
    ({"kind": "header", "name": "X-Kind", "value": "bulk"}, {"headers": {"x-kind": "bulk"}}, {}),
    (
        {"kind": "header", "name": "user-agent", "value": "^curl/[78]"},
        {"headers": {"user-agent": "curl/8.1"}},
        {"headers": {"user-agent": "my curl/8.1"}},
    ),
    (
        {"kind": "header", "name": "x-kind", "value": "a(b"},  # no expression: the text itself
        {"headers": {"x-kind": "a(b"}},
        {"headers": {"x-kind": "ab"}},
    ),
    ({"kind": "query", "name": "size", "value": "^big$"}, {"query": "a=1&size=%62ig"}, {}),
    ({"kind": "claim", "name": "scope", "value": "gold"}, {"scope": "a gold b"}, {}),
    ({"kind": "claim", "name": "level", "value": "^7$"}, {"level": 7}, {"level": 77}),
    (
        {"kind": "claim", "name": "http://wso2.org/claims/subscriber", "value": "dora"},
        {},
        {"anonymous": True},
    ),
]


def sent(world: World, how: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments; names that are no part of a call are claims of its token."""
    if how.get("anonymous"):
        return {"path": "/menu/funghi"}
    parts = ("source_ip", "headers", "query")
    claims = {name: value for name, value in how.items() if name not in parts}
    given = {name: value for name, value in how.items() if name in parts}
    return {**given, "token": world.token(**claims)}


@pytest.mark.parametrize(("condition", "meets", "fails"), CONDITIONS)
def test_calls_that_meet_a_condition_have_their_own_limit(
    world: World, condition: dict[str, Any], meets: dict[str, Any], fails: dict[str, Any]
) -> None:
    grouped(world, (3, [condition]))
    assert passes(world, **sent(world, meets)) == 3
    assert passes(world, **sent(world, fails)) == 9


@pytest.mark.parametrize(("condition", "meets", "fails"), CONDITIONS)
def test_an_inverted_condition_is_for_all_other_calls(
    world: World, condition: dict[str, Any], meets: dict[str, Any], fails: dict[str, Any]
) -> None:
    grouped(world, (3, [{**condition, "invert": True}]))
    assert passes(world, **sent(world, meets)) == 9
    assert passes(world, **sent(world, fails)) == 3


def test_a_group_wants_all_its_conditions(world: World) -> None:
    conditions = [
        {"kind": "header", "name": "a", "value": "1"},
        {"kind": "header", "name": "b", "value": "2"},
    ]
    grouped(world, (3, conditions))
    assert passes(world, headers={"a": "1", "b": "2"}) == 3
    assert passes(world, headers={"a": "1"}) == 9


def test_the_first_group_that_fits_counts_and_each_for_itself(world: World) -> None:
    first = {"kind": "header", "name": "a", "value": "1"}
    second = {"kind": "header", "name": "b", "value": "2"}
    grouped(world, (3, [first]), (5, [second]))
    assert passes(world, headers={"a": "1", "b": "2"}) == 3
    assert passes(world, headers={"b": "2"}) == 5
    assert passes(world) == 9
    assert code(world) == "900800"


@pytest.mark.parametrize(
    "condition",
    [{"kind": "ip", "value": "nonsense"}, {"kind": "new"}, {"kind": "iprange", "from": "9.9.9.9-"}],
)
def test_a_condition_that_cannot_be_read_is_met_by_nobody(
    world: World, condition: dict[str, Any]
) -> None:
    grouped(world, (3, [condition]))
    assert passes(world) == 9


def test_a_query_that_is_too_long_meets_nothing(world: World) -> None:
    grouped(world, (3, [{"kind": "query", "name": "a", "value": "1"}]))
    assert passes(world, query="&".join(["a=1"] * 200)) == 9


# --- deny policies ---


@pytest.mark.parametrize(
    ("entry", "denied", "passing"),
    [
        ({"kind": "API", "value": "/pizza/1.0.0"}, {}, None),
        ({"kind": "API", "value": "/pizza/1.0"}, None, {}),
        ({"kind": "APPLICATION", "value": "dora:Phone"}, {}, None),
        ({"kind": "APPLICATION", "value": "dora@carbon.super:Phone"}, {}, None),
        ({"kind": "APPLICATION", "value": "dora:Old", "subject": "app-1"}, {}, None),
        ({"kind": "APPLICATION", "value": "dora:Watch"}, None, {}),
        ({"kind": "USER", "value": "jane"}, {"user": True}, {}),
        ({"kind": "USER", "value": "Jane@carbon.super"}, {"user": True}, {}),
        ({"kind": "USER", "value": "dora"}, {}, {"user": True}),
        ({"kind": "IP", "value": "203.0.113.7"}, {}, {"source_ip": "203.0.113.8"}),
        ({"kind": "IP", "value": "203.0.113.7", "invert": True}, {"source_ip": "::1"}, {}),
        ({"kind": "IP", "value": "203.0.113.0/29"}, {}, {"source_ip": "203.0.113.8"}),
        (
            {"kind": "IPRANGE", "from": "203.0.113.5", "to": "203.0.113.9"},
            {"source_ip": "203.0.113.9"},
            {"source_ip": "203.0.113.4"},
        ),
        ({"kind": "IPRANGE", "value": {"from": "::1", "to": "::9"}}, {"source_ip": "::9"}, {}),
    ],
)
def test_a_deny_policy_refuses_its_calls_only(
    world: World,
    entry: dict[str, Any],
    denied: dict[str, Any] | None,
    passing: dict[str, Any] | None,
) -> None:
    world.source.put(table(deny={"id-1": {**entry, "active": True}}))
    for how, expected in ((denied, "900805"), (passing, "")):
        if how is not None:
            given = {name: value for name, value in how.items() if name != "user"}
            token = world.user_token() if "user" in how else world.token()
            assert code(world, token=token, **given) == expected


def test_a_deny_policy_that_is_not_active_refuses_nobody(world: World) -> None:
    entry = {"kind": "API", "value": "/pizza/1.0.0", "active": False}
    world.source.put(table(deny={"id-1": entry}))
    assert code(world) == ""


def test_a_deny_policy_is_in_force_when_the_cache_is_over(world: World) -> None:
    assert code(world) == ""
    world.source.put(table(deny={"id-1": {"kind": "API", "value": "/pizza/1.0.0"}}))
    world.clock.pass_by(0.5)
    assert code(world) == "900805"


def test_an_open_resource_may_be_denied_by_address(world: World) -> None:
    world.source.put(table(deny={"id-1": {"kind": "IP", "value": "203.0.113.7"}}))
    assert code(world, path="/menu/funghi") == "900805"


def test_a_denied_call_is_counted_nowhere(world: World) -> None:
    world.source.put(table(deny={"id-1": {"kind": "API", "value": "/pizza/1.0.0"}}))
    assert code(world) == "900805"
    assert world.counters.draws == 0


# --- addresses ---


@pytest.mark.parametrize(
    ("first", "last", "inside", "outside"),
    [
        (
            "10.0.0.0/8",
            "",
            ["10.0.0.0", "10.255.255.255"],
            ["11.0.0.0", "9.9.9.9", "::a00:1"],
        ),
        ("0.0.0.0/0", "", ["1.2.3.4"], ["::1"]),
        ("2001:db8::/33", "", ["2001:db8:7fff::"], ["2001:db8:8000::"]),
        ("10.0.0.9-10.0.0.10", "", ["10.0.0.9", "::ffff:10.0.0.10"], ["10.0.0.100"]),
        ("10.0.0.9", "10.0.0.10", ["10.0.0.10"], ["10.0.0.11", "", "x"]),
    ],
)
def test_a_range_has_its_addresses(
    first: str, last: str, inside: list[str], outside: list[str]
) -> None:
    found = range_of(first, last)
    assert found
    assert all(packed(each) in found for each in inside)
    assert not any(packed(each) in found for each in outside)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("", ""),
        ("x", ""),
        ("10.0.0.1/33", ""),
        ("10.0.0.1/", ""),
        ("10.0.0.1/-1", ""),
        ("10.0.0.1/²", ""),
        ("10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "::1"),
        ("10.0.0.1", "x"),
    ],
)
def test_what_is_no_range_is_none(first: str, last: str) -> None:
    assert range_of(first, last) is None
