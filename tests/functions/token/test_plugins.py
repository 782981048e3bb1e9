"""Grant types of the operator's own at the token endpoint (RFC 6749 section 4.5)."""

import hashlib
import hmac
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portico.domain.records import Put
from portico.domain.token_rules import TokenRules
from tests.functions.token.conftest import TENANT, Server, forget

PLUGINS = Path(__file__).parents[2] / "data" / "plugins"
BADGE, RAISING, TELLING, CLAIMING, GONE = (
    f"urn:acme:grant:{name}" for name in ("badge", "raising", "telling", "claiming", "gone")
)
RULES = TokenRules(
    tenant=TENANT,
    plugins={
        BADGE: "acme_plugins.badges.Badge",
        RAISING: "acme_plugins.faults.Raising",
        TELLING: "acme_plugins.faults.Telling",
        CLAIMING: "acme_plugins.faults.Claiming",
        GONE: "acme_plugins.faults.Nowhere",
    },
)


@pytest.fixture(scope="module", autouse=True)
def _plugins(server: Server) -> Iterator[None]:
    sys.path.append(str(PLUGINS))
    os.environ["PORTICO_PLUGIN_PACKAGES"] = "acme_plugins"
    forget()
    server.aws.records.commit(Put(RULES))
    yield
    sys.path.remove(str(PLUGINS))
    os.environ["PORTICO_PLUGIN_PACKAGES"] = ""
    forget()


@pytest.fixture(scope="module")
def credentials(server: Server) -> tuple[str, str]:
    grants = (*RULES.plugins, "refresh_token")
    return server.client("badge reader", grant_types=grants)[1]


def proof(number: str) -> str:
    key = b"shared with the badge readers"
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()


def test_a_plugged_in_grant_gives_tokens_of_the_user_it_names(
    server: Server, credentials: tuple[str, str]
) -> None:
    form = {"grant_type": BADGE, "badge": "7", "proof": proof("7")}
    answer = server.token(form, basic=credentials)
    assert answer.status == 200
    claims = server.claims(answer.json["access_token"])
    assert (claims["sub"], claims["badge"], claims["aut"]) == (
        "jane@carbon.super",
        "7",
        "APPLICATION_USER",
    )
    assert answer.json["scope"] == "apim:api_view"
    refresh = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"]}
    assert server.token(refresh, basic=credentials).status == 200


def test_what_it_refuses_is_invalid_grant(server: Server, credentials: tuple[str, str]) -> None:
    form = {"grant_type": BADGE, "badge": "7", "proof": proof("8")}
    answer = server.token(form, basic=credentials)
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert "badge is not proved" in answer.json["error_description"]


@pytest.mark.parametrize("grant_type", [RAISING, GONE])
def test_what_else_goes_wrong_in_it_is_a_server_error_without_details(
    server: Server, credentials: tuple[str, str], grant_type: str
) -> None:
    answer = server.token({"grant_type": grant_type}, basic=credentials)
    assert (answer.status, answer.json["error"]) == (500, "server_error")
    assert "hunter2" not in answer.text
    assert "acme" not in answer.text


def test_it_is_not_told_the_clients_credentials(
    server: Server, credentials: tuple[str, str]
) -> None:
    client_id, secret = credentials
    form = {"grant_type": TELLING, "client_id": client_id, "client_secret": secret, "a": "b"}
    told = server.token(form).json["error_description"]
    assert "client_secret" not in told
    assert "'a'" in told


@pytest.mark.parametrize("claim", ["sub", "iss", "scope", "exp", "client_id", "aut", "tenant"])
def test_it_cannot_say_claims_that_are_ours(
    server: Server, credentials: tuple[str, str], claim: str
) -> None:
    form = {"grant_type": CLAIMING, "user": "jane", "claim": claim}
    answer = server.token(form, basic=credentials)
    assert (answer.status, answer.json["error"]) == (500, "server_error")


def test_without_a_user_the_token_is_the_clients(
    server: Server, credentials: tuple[str, str]
) -> None:
    answer = server.token({"grant_type": CLAIMING, "claim": "shift"}, basic=credentials)
    claims = server.claims(answer.json["access_token"])
    assert (claims["sub"], claims["shift"]) == (credentials[0], "x")
    assert "refresh_token" not in answer.json


@pytest.mark.parametrize("user", ["nobody", "jane@other.com"])
def test_a_user_who_is_not_there_is_invalid_grant(
    server: Server, credentials: tuple[str, str], user: str
) -> None:
    answer = server.token({"grant_type": CLAIMING, "user": user}, basic=credentials)
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


def test_an_answer_with_what_nobody_knows_is_a_server_error(
    server: Server, credentials: tuple[str, str]
) -> None:
    answer = server.token({"grant_type": CLAIMING, "user": "jane", "more": "1"}, basic=credentials)
    assert answer.json["error"] == "server_error"


def test_a_client_must_have_the_grant_type(server: Server) -> None:
    other = server.client("no badges")[1]
    answer = server.token({"grant_type": BADGE, "badge": "7", "proof": proof("7")}, basic=other)
    assert (answer.status, answer.json["error"]) == (400, "unauthorized_client")


def test_a_grant_type_that_the_tenant_does_not_allow_is_unsupported(
    server: Server, credentials: tuple[str, str]
) -> None:
    form = {"grant_type": BADGE, "badge": "7", "proof": proof("7")}
    server.aws.records.commit(Put(replace(RULES, grants=("client_credentials",))))
    answer = server.token(form, basic=credentials)
    server.aws.records.commit(Put(RULES))
    assert (answer.status, answer.json["error"]) == (400, "unsupported_grant_type")
    assert server.token(form, basic=credentials).status == 200
