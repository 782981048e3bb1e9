"""Attacks on the registration of clients: hostile addresses, and whose word counts for which."""

import json
from typing import Any

import pytest

from tests.functions.token.attacked import (
    ACME,
    CALLBACK,
    World,
    world_of,
)
from tests.functions.token.attacking import (
    Attack,
    Call,
    bearer,
)
from tests.functions.token.conftest import ADMIN_PASSWORD, JANE_PASSWORD, Server

JSON = {"content-type": "application/json"}
JANE = ("jane", JANE_PASSWORD)
REGISTER, DCR = "/oauth2/register", "/client-registration/v0.17/register"


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return world_of(server)


def register(body: Any, method: str = "POST", path: str = REGISTER, **more: Any) -> Call:
    headers = {**JSON, **more.pop("headers", {})}
    more = {"basic": JANE, **more} if "authorization" not in headers else more
    return Call(method, path, body=json.dumps(body).encode(), headers=headers, **more)


def registered(world: World) -> dict[str, Any]:
    told = register({"redirect_uris": [CALLBACK], "client_name": "mine"}).send()
    assert told.status == 201, told
    found: dict[str, Any] = told.json
    return found


def managing(world: World, method: str, body: Any = None) -> Call:
    """The registration of one client with the token of another."""
    mine, theirs = registered(world), registered(world)
    path = f"{REGISTER}/{mine['client_id']}"
    body = {"client_id": mine["client_id"], **body} if body else {}
    return register(body, method, path, headers=bearer(theirs["registration_access_token"]))


REGISTRATIONS = (
    *(
        Attack(
            f"{name} registers {uri[:40]}",
            "RFC 7591 5, RFC 9700 4.1",
            lambda world, path=path, member=member, uri=uri: register(
                {member[0]: member[1](uri), member[2]: "x", **member[3]}, path=path
            ),
            400,
            error,
        )
        for uri in (
            "javascript:alert(1)",
            "JavaScript://app.example/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://app.example/callback#x",
            "https://app.example@evil.example/",
            "https://*.example/",
            "http://app.example/callback",
            "//app.example/callback",
            "https://app.example/\\@evil.example",
            "https://app.example/\r\nX: y",
        )
        for name, path, error, member in (
            (
                "RFC 7591",
                REGISTER,
                "invalid_redirect_uri",
                ("redirect_uris", lambda uri: [uri], "client_name", {}),
            ),
            (
                "WSO2's DCR",
                DCR,
                "callbackUrl",
                ("callbackUrl", lambda uri: uri, "clientName", {"grantType": "authorization_code"}),
            ),
        )
        if not (path == DCR and "\n" in uri)  # a list of two words, of which one is fine
    ),
    *(
        Attack(
            f"a registration by {name}",
            "RFC 7591 3",
            lambda world, more=more: register({"redirect_uris": [CALLBACK]}, **more(world)),
            401,
            "invalid_token",
            changes,
        )
        for name, more, changes in (
            ("nobody", lambda _: {"headers": {"authorization": ""}}, frozenset()),
            ("a client", lambda world: {"basic": world.mine}, frozenset({"ATTEMPTS"})),
            ("a wrong password", lambda _: {"basic": ("jane", "x")}, frozenset({"ATTEMPTS"})),
            ("no token", lambda _: {"headers": bearer("x.y.z")}, frozenset()),
        )
    ),
    Attack(
        "a registration with a token that is not for it",
        "RFC 6750 3.1",
        lambda world: register(
            {"redirect_uris": [CALLBACK]}, headers=bearer(world.tokens()["access_token"])
        ),
        403,
        "insufficient_scope",
    ),
    *(
        Attack(
            f"the registration token of another client: {method}",
            "RFC 7592 2",
            lambda world, method=method, body=body: managing(world, method, body),
            401,
            "invalid_token",
        )
        for method, body in (
            ("GET", None),
            ("PUT", {"redirect_uris": ["https://evil.example/"]}),
            ("DELETE", None),
        )
    ),
    Attack(
        "a registration for somebody else",
        "WSO2 DCR 0.17",
        lambda world: register({"clientName": "x", "owner": "admin"}, path=DCR),
        403,
        "",
    ),
    Attack(
        "a client of another tenant by its administrator",
        "WSO2 DCR 0.17",
        lambda world: register(
            {},
            "DELETE",
            f"/t/{ACME}{DCR}/{world.client.client_id}",
            basic=(f"root@{ACME}", "root-of-tests"),
        ),
        404,
        "",
    ),
)


@pytest.mark.parametrize("attack", REGISTRATIONS, ids=lambda one: f"{one.name} [{one.source}]")
def test_an_attack_on_the_registration_of_clients(
    server: Server, world: World, attack: Attack
) -> None:
    attack.run(server, world)


def test_what_the_registrations_change_is_registered(world: World) -> None:
    """Or the rows above might be refused for another reason."""
    told = registered(world)
    path = f"{REGISTER}/{told['client_id']}"
    headers = bearer(told["registration_access_token"])
    assert register({}, "GET", path, headers=headers).send().status == 200
    body = {"clientName": "fine", "callbackUrl": CALLBACK, "grantType": "authorization_code"}
    assert register(body, path=DCR).send().status == 200
    admin = ("admin", ADMIN_PASSWORD)
    assert register({"clientName": "x", "owner": "jane"}, path=DCR, basic=admin).send().status < 300
