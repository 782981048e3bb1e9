"""Two tenants at one authorization server: each keeps to its own users, clients and tokens."""

import json

import pytest

from portico.domain.records import Put
from portico.domain.tenant import Tenant
from portico.domain.user import ADMIN, SUBSCRIBER, Caller
from tests.functions.token.conftest import ADMIN_PASSWORD, GRANTS, JANE_PASSWORD, Server

ACME = "acme.example"
ROOT = Caller(ACME, "root", (ADMIN,))
ROOT_PASSWORD = "root-of-tests"
JOE = {"grant_type": "password", "username": "joe@acme.example", "password": "joe-of-tests"}


@pytest.fixture(scope="module", autouse=True)
def acme(server: Server) -> tuple[str, str]:
    """A second tenant with an administrator, a user and a client: the client's credentials."""
    server.aws.records.commit(Put(Tenant(tenant=ACME)))
    server.accounts.create(ROOT, "root", ROOT_PASSWORD, [ADMIN])
    server.accounts.create(ROOT, "joe", JOE["password"], [SUBSCRIBER])
    client, secret = server.clients.create(ROOT, "acme-client", GRANTS)
    return client.client_id, secret


@pytest.mark.parametrize("path", ["/oauth2/token", "/t/acme.example/oauth2/token"])
def test_a_tenants_client_works_on_the_common_and_on_its_own_path(
    server: Server, acme: tuple[str, str], path: str
) -> None:
    answer = server.call("POST", path, JOE, basic=acme)

    claims = server.claims(answer.json["access_token"])
    assert (claims["sub"], claims["tenant"]) == ("joe@acme.example", ACME)


def test_a_name_without_tenant_is_of_the_clients(server: Server, acme: tuple[str, str]) -> None:
    assert server.token({**JOE, "username": "joe"}, basic=acme).status == 200


def test_a_user_of_one_tenant_gets_no_token_of_anothers_client(
    server: Server, acme: tuple[str, str]
) -> None:
    form = {**JOE, "username": "jane@carbon.super", "password": JANE_PASSWORD}

    answer = server.token(form, basic=acme)

    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


def test_an_administrator_inspects_no_tokens_of_another_tenant(
    server: Server, acme: tuple[str, str]
) -> None:
    form = {"token": server.token(JOE, basic=acme).json["access_token"]}
    told = [
        server.call("POST", "/oauth2/introspect", form, basic=who).json["active"]
        for who in (("admin", ADMIN_PASSWORD), ("root@acme.example", ROOT_PASSWORD))
    ]

    assert told == [False, True]


def test_an_administrator_registers_nothing_for_users_of_another_tenant(server: Server) -> None:
    answer = server.call(
        "POST",
        "/client-registration/v0.17/register",
        basic=("admin", ADMIN_PASSWORD),
        body=json.dumps({"clientName": "x", "owner": "root@acme.example"}),
    )

    assert answer.status == 403


def test_a_tenants_registration_is_its_own(server: Server) -> None:
    answer = server.call(
        "POST",
        "/client-registration/v0.17/register",
        basic=("joe@acme.example", JOE["password"]),
        body=json.dumps({"clientName": "x", "grantType": "password"}),
    )

    told = answer.json
    assert told["appOwner"] == "joe@acme.example"
    assert server.token(JOE, basic=(told["clientId"], told["clientSecret"])).status == 200
