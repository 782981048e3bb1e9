"""Revocation of all tokens of a user, an application or a subscription, as the gateway sees it."""

from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from portico.domain.gateway import Revocation
from portico.domain.records import Record
from tests.functions.authorizer.world import APPLICATION, GRANT, TENANT, World


def passes(world: World, token: str, **named: Any) -> bool:
    try:
        world.judge(token=token, **named)
    except Refused as refusal:
        if refusal.fault.code != "900901":
            raise
        return False
    return True


def mark(world: World, of: str) -> Record:
    since = int(world.clock.now())
    match of:
        case "application":
            return replace(APPLICATION, since=since)
        case "subscription":
            return replace(GRANT, since=since)
        case _:
            until = since + 1_000_000
            return Revocation(tenant=TENANT, subject="user:jane", expires=until, since=since)


@pytest.mark.parametrize("cache_seconds", [0, 5, 60])
@pytest.mark.parametrize("of", ["user", "application", "subscription"])
def test_a_revocation_is_in_force_within_the_caches_time_and_spares_later_tokens(
    of: str, cache_seconds: float
) -> None:
    world = World(cache_seconds)
    old = world.user_token()
    assert passes(world, old)
    world.source.put(mark(world, of))
    world.clock.pass_by(max(cache_seconds, 1))
    assert not passes(world, old)
    assert passes(world, world.user_token(jti="token-2"))


@pytest.mark.parametrize("of", ["user", "application", "subscription"])
def test_a_revocation_is_in_force_at_once_where_nothing_was_decided_yet(of: str) -> None:
    world = World(cache_seconds=60)
    token = world.user_token()
    world.source.put(mark(world, of))
    assert not passes(world, token)


def test_a_users_end_does_not_end_the_tokens_of_applications_themselves() -> None:
    world = World()
    token = world.token(owner="jane")
    world.source.put(mark(world, "user"))
    assert passes(world, token)


def test_a_users_name_is_compared_without_case() -> None:
    world = World()
    token = world.token(aut="APPLICATION_USER", sub="JANE@carbon.super")
    world.source.put(mark(world, "user"))
    assert not passes(world, token)


def test_a_revocation_of_a_user_is_no_further_read() -> None:
    world = World()
    passes(world, world.user_token())
    assert len(world.source.reads) == 1


def test_a_revocation_that_has_ended_but_was_not_removed_yet_counts_no_more() -> None:
    world = World()
    token = world.user_token()
    ended = int(world.clock.now()) - 1
    world.source.put(Revocation(tenant=TENANT, subject="user:jane", expires=ended))
    assert passes(world, token)
