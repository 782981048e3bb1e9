"""A policy that is made while its tenant's table is cached limits calls at once."""

from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from tests.functions.authorizer.world import GRANT, PIZZA, POLICIES, World


def test_a_policy_newer_than_the_cache_takes_effect() -> None:
    world = World(cache_seconds=60)
    world.judge(token=world.token())  # the table is cached now

    made: dict[str, dict[str, list[Any]]] = {
        **POLICIES.policies,
        "subscription": {**POLICIES.policies["subscription"], "Once": [1, 60, True]},
    }
    world.source.put(replace(POLICIES, policies=made))
    second = replace(PIZZA, prefix="/second/1.0", context="/second/1.0", api_id="api-2")
    world.source.put(second)
    grant = replace(
        GRANT, prefix="/second/1.0", api_id="api-2", subscription_id="sub-2", policy="Once"
    )
    world.source.put(grant)

    world.judge(path="/second/1.0/menu", token=world.token())
    with pytest.raises(Refused) as refused:
        world.judge(path="/second/1.0/menu", token=world.token())
    assert refused.value.fault.code == "900804"


def test_a_policy_that_is_gone_costs_no_read_on_each_call() -> None:
    world = World(cache_seconds=60)
    world.source.put(replace(GRANT, policy="Gone"))
    for _ in range(3):
        world.judge(token=world.token())
    before = len(world.source.reads)
    for _ in range(20):
        world.judge(token=world.token())
    assert len(world.source.reads) == before
