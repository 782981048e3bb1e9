"""Opaque access tokens at the gateway: looked up by digest, in the one read of the call."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from portico.domain.gateway import OpaqueToken, Revocation
from tests.functions.authorizer.world import CLIENT, TENANT, World

TOKEN = "o" * 43


@pytest.fixture
def world() -> World:
    return World()


def kept(world: World, token: str = TOKEN, **changes: Any) -> OpaqueToken:
    now = int(world.clock.now())
    claims = {
        "sub": "key-1",
        "client_id": "key-1",
        "scope": "default",
        "iat": now,
        "exp": now + 3600,
        "jti": "token-1",
        "aut": "APPLICATION",
        "keytype": "PRODUCTION",
        "app": "app-1",
        "owner": "dora",
        "tenant": TENANT,
        "fam": "family-1",
        **changes,
    }
    digest = hashlib.sha256(token.encode()).hexdigest()
    record = OpaqueToken(tenant=TENANT, digest=digest, expires=int(claims["exp"]), claims=claims)
    world.source.put(record)
    return record


def code(world: World, token: str = TOKEN, **named: Any) -> str:
    with pytest.raises(Refused) as caught:
        world.judge(token=token, **named)
    return caught.value.fault.code


def test_an_opaque_token_passes_as_a_jwt_with_its_claims_does(world: World) -> None:
    kept(world)
    opaque, signed = world.judge(token=TOKEN), world.judge(token=world.token())
    assert opaque.pop("jwt") != "none"
    signed.pop("jwt")
    assert opaque.pop("limits") != signed.pop("limits")  # they were counted one after the other
    assert opaque == signed


def test_an_opaque_token_of_a_user_has_the_users_scopes(world: World) -> None:
    kept(world, aut="APPLICATION_USER", sub="jane@carbon.super", scope="order")
    assert world.judge("POST", "/pizza/1.0.0/order", TOKEN)


def test_an_unknown_opaque_token_is_refused(world: World) -> None:
    assert code(world) == "900901"


def test_another_tenants_opaque_token_is_not_known(world: World) -> None:
    kept(world, tenant="acme.com")
    world.source.put(replace(CLIENT, tenant="acme.com"))
    assert code(world) == "900901"


def test_an_expired_opaque_token_says_so_also_when_its_record_is_still_there(world: World) -> None:
    kept(world)
    world.judge(token=TOKEN)
    world.clock.pass_by(3600)
    assert code(world) == "900903"


def test_an_unknown_opaque_token_costs_the_one_read_and_is_not_kept(world: World) -> None:
    world.judge(token=world.token())  # everything else is cached now
    world.judge(token=world.token())
    world.source.reads.clear()
    for number in range(20):
        assert code(world, f"{number:043d}") == "900901"
    assert [len(one) for one in world.source.reads] == [1] * 20
    kept(world, f"{7:043d}")
    assert world.judge(token=f"{7:043d}")


def test_a_first_call_of_an_environment_reads_an_unknown_opaque_token_along(world: World) -> None:
    assert code(world) == "900901"
    assert len(world.source.reads) == 1


@pytest.mark.parametrize("token", ["short", "o" * 200, "o" * 43 + "!", "a~b~" + "o" * 43])
def test_what_does_not_look_like_an_opaque_token_costs_no_read(world: World, token: str) -> None:
    world.judge(token=world.token())
    world.judge(token=world.token())
    world.source.reads.clear()
    assert code(world, token) == "900901"
    assert world.source.reads == []


def test_a_known_opaque_token_costs_no_read_while_it_is_cached(world: World) -> None:
    kept(world)
    world.judge(token=TOKEN)
    world.judge(token=TOKEN)
    world.source.reads.clear()
    world.judge(token=TOKEN)
    assert world.source.reads == []
    world.clock.pass_by(5)
    world.judge(token=TOKEN)
    # With all that it needs, for whose it is has been learnt; the other asks for longer contexts.
    assert len([one for one in world.source.reads if one]) == 1


def test_a_revoked_opaque_token_is_refused_within_the_caches_time(world: World) -> None:
    record = kept(world)
    world.judge(token=TOKEN)
    world.source.remove(record)
    assert world.judge(token=TOKEN)
    world.clock.pass_by(5)
    assert code(world) == "900901"


@pytest.mark.parametrize("subject", ["token-1", "fam:family-1", "client:key-1", "user:jane"])
def test_what_ends_jwts_ends_opaque_tokens(world: World, subject: str) -> None:
    kept(world, aut="APPLICATION_USER", sub="Jane@carbon.super")
    world.judge(token=TOKEN)
    world.source.put(Revocation(tenant=TENANT, subject=subject, expires=2_000_000_000))
    world.clock.pass_by(5)
    assert code(world) == "900901"
