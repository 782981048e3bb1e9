"""Nobody learns who there is: an unknown user costs the same work as a known one, and reads alike.

Work is counted, not timed: verified passwords, by far the longest part, and requests to DynamoDB.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from functions.token import handler as function
from functions.token.paths import resolve
from functions.token.requests import request_of
from functions.token.wiring import Wiring
from portico.domain.errors import PorticoError
from portico.services.accounts import NO_PASSWORD
from portico.services.passwords import Passwords
from tests.functions.token.attacked import ACME, World, world_of
from tests.functions.token.attacking import Call, token
from tests.functions.token.conftest import Server
from tests.functions.token.test_attacks_pages import OWN, begun
from tests.functions.token.test_token_rules import asked

WRONG = "wrong-password"


@dataclass
class Counting(Passwords):
    """The real hasher, which counts; `hashes` are those that it was given."""

    hashes: list[str] = field(default_factory=list)

    def verify(self, hashed: str, password: str) -> bool:
        self.hashes.append(hashed)
        return super().verify(hashed, password)


@dataclass(frozen=True)
class Work:
    """What one answer took, and what it told; without what is the caller's own."""

    verified: int
    requests: Counter[str]
    status: int
    told: str


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return world_of(server)


def worked(call: Call, name: str) -> Work:
    """The call, answered by the real endpoint with a hasher that counts."""
    hasher = Counting()
    wiring: Wiring = replace(function.wiring(), hasher=hasher)
    request = request_of(call.event())
    with asked() as counted:
        try:
            told = resolve(request.path, request.method)(request, wiring.for_request())
            status, body = told["statusCode"], str(told["body"])
        except PorticoError as exc:
            status, body = 0, f"{type(exc).__name__} {exc}"
    # No name is in the answer but that which the caller gave; flows are the caller's.
    told_alike = re.sub(r'value="[^"]*"|flow=[\w-]+', "", body.replace(name, ""))
    return Work(len(hasher.hashes), counted, status, told_alike)


def at_token(world: World, name: str) -> Call:
    form = {"grant_type": "password", "username": name, "password": WRONG}
    return token(form, basic=world.mine)


def at_login(world: World, name: str) -> Call:
    flow, cookies = begun(world)
    form = {"flow": flow, "username": name, "password": WRONG}
    return Call("POST", "/oauth2/login", form, headers=OWN, cookies=cookies)


def at_registration(world: World, name: str) -> Call:
    return Call("POST", "/oauth2/register", basic=(name, WRONG))


def at_dcr(world: World, name: str) -> Call:
    return Call("POST", "/client-registration/v0.17/register", basic=(name, WRONG))


def at_introspection(world: World, name: str) -> Call:
    return Call("POST", "/oauth2/introspect", {"token": "x"}, basic=(name, WRONG))


@pytest.mark.parametrize(
    "sign_in",
    [at_token, at_login, at_registration, at_dcr, at_introspection],
    ids=lambda one: one.__name__,
)
def test_an_unknown_user_costs_and_reads_as_a_known_one(
    server: Server, world: World, sign_in: Callable[[World, str], Call]
) -> None:
    """RFC 9700 section 2.4, RFC 6819 section 5.1.4.2: by no time and no text."""
    number = next(world.numbers)
    known, elsewhere, closed = (f"{one}{number}" for one in ("known", "elsewhere", "closed"))
    server.accounts.create(server.caller, known, "known-of-tests")
    server.accounts.create(server.caller, elsewhere, NO_PASSWORD)
    server.accounts.create(server.caller, closed, "closed-of-tests", active=False)
    works = {
        name: worked(replace(sign_in(world, name), address=f"192.0.{number}.{place}"), name)
        for place, name in enumerate((known, elsewhere, closed, f"unknown{number}"))
    }
    assert works[known].verified == 1, works
    assert sum(works[known].requests.values()) >= 4, works
    for name, work in works.items():
        assert work == works[known], name


def test_a_name_of_another_tenant_tells_nothing_about_it(world: World) -> None:
    """Which users a tenant has is nobody's business, at whichever tenant's path they are asked."""
    address = f"192.0.2.{next(world.numbers)}"
    worked(replace(at_token(world, "first"), address=address), "first")
    told = [
        worked(replace(at_token(world, name), address=address), name)
        for name in (f"joe@{ACME}", f"nobody@{ACME}")
    ]
    assert (told[0].verified, told[0].status, told[0].told) == (
        told[1].verified,
        told[1].status,
        told[1].told,
    )
    assert told[0].verified == 1


def test_too_long_a_password_is_not_looked_at(world: World) -> None:
    """Work for an attacker's megabytes would be a way to stop the server."""
    call = at_token(world, world.person()[0])
    work = worked(replace(call, form={**dict(call.form or {}), "password": "x" * 300}), "")
    assert work.verified == 0
