"""Calls and policy tables for the tests of throttling."""

from typing import Any

from functions.authorizer.calls import Call, Refused
from portico.domain.gateway import PolicyTable
from tests.functions.authorizer.world import POLICIES, TENANT, World


def requests(amount: int, seconds: int = 60) -> dict[str, Any]:
    """A limit of calls."""
    return {"kind": "requests", "amount": amount, "seconds": seconds}


def table(**levels: dict[str, Any]) -> PolicyTable:
    """The usual policies, with these put in."""
    known = POLICIES.policies
    merged = {
        level: {**known.get(level, {}), **levels.get(level, {})} for level in {**known, **levels}
    }
    return PolicyTable(tenant=TENANT, policies=merged)


def call_of(world: World, path: str = "/menu", token: str | None = None, **more: Any) -> Call:
    """A call that nobody has judged yet."""
    given = {"authorization": f"Bearer {world.token() if token is None else token}"}
    return Call(
        method="GET",
        path=f"/pizza/1.0.0{path}",
        headers={**given, **more.pop("headers", {})},
        source_ip=more.pop("source_ip", "203.0.113.7"),
        view=world.model.view(),
        now=world.clock.now(),
        **more,
    )


def calling(world: World, *given: Any, **more: Any) -> Call:
    """A call that passes; raises Refused."""
    call = call_of(world, *given, **more)
    world.pipeline.judge(call)
    return call


def code(world: World, *given: Any, **more: Any) -> str:
    """The code of the refusal; "" when the call passes."""
    try:
        calling(world, *given, **more)
    except Refused as refused:
        return refused.fault.code
    return ""


def passes(world: World, most: int = 50, **more: Any) -> int:
    """How many calls pass before one is refused."""
    return next((number for number in range(most) if code(world, **more)), most)
