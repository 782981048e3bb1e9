"""The userinfo endpoint (OpenID Connect Core section 5.3) and its bearer tokens (RFC 6750)."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.records import Discard, Replace
from portico.domain.user import SUBSCRIBER
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Answer, Server
from tests.functions.token.test_codes import exchanged, refreshed

PATH = "/oauth2/userinfo"
CLAIMS = {
    "http://wso2.org/claims/telephone": "+49 30 1234",
    "http://wso2.org/claims/locality": "Köln",
    "http://wso2.org/claims/identity/emailVerified": "true",
}


@pytest.fixture(scope="module", autouse=True)
def _jane(server: Server) -> None:
    jane = server.accounts.get(TENANT, "jane")
    told = replace(jane, email="jane@mail.example", given_name="Jane", claims=CLAIMS)
    server.aws.records.commit(Replace(told))


def token(server: Server, scope: str = "openid", **more: Any) -> str:
    _, credentials = server.client("userinfo", **more)
    form = {
        "grant_type": "password",
        "username": "jane",
        "password": JANE_PASSWORD,
        "scope": scope,
    }
    found: str = server.token(form, basic=credentials).json["access_token"]
    return found


def ask(server: Server, text: str, method: str = "GET", path: str = PATH, **more: Any) -> Answer:
    headers = {"authorization": f"Bearer {text}"} if text else {}
    return server.call(method, path, headers=headers, **more)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("openid", {}),
        ("openid email", {"email": "jane@mail.example", "email_verified": True}),
        (
            "openid profile",
            {"name": "Jane", "given_name": "Jane", "preferred_username": "jane"},
        ),
        ("openid phone", {"phone_number": "+49 30 1234"}),
        ("openid address", {"address": {"locality": "Köln"}}),
    ],
)
def test_the_scopes_decide_which_claims_are_told(
    server: Server, scope: str, told: dict[str, Any]
) -> None:
    """OpenID Connect Core section 5.4."""
    answer = ask(server, token(server, scope))

    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {"sub": "jane@carbon.super", **told}


def test_groups_are_the_users_roles(server: Server) -> None:
    groups = ask(server, token(server, "openid groups")).json["groups"]

    assert {"Internal/creator", "Internal/everyone"} <= set(groups)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("POST", PATH),
        ("GET", "/t/carbon.super/oauth2/userinfo"),
        ("GET", "/userinfo"),
    ],
)
def test_it_answers_at_all_its_addresses(server: Server, method: str, path: str) -> None:
    answer = ask(server, token(server), method, path)

    assert answer.json == {"sub": "jane@carbon.super"}


def test_the_token_may_come_in_a_form(server: Server) -> None:
    """RFC 6750 section 2.2."""
    answer = server.call("POST", PATH, {"access_token": token(server)})

    assert answer.json == {"sub": "jane@carbon.super"}


def test_an_opaque_token_serves_as_well(server: Server) -> None:
    client, credentials = server.client("userinfo opaque")
    server.aws.records.commit(Replace(replace(client, opaque=True)))
    form = {
        "grant_type": "password",
        "username": "jane",
        "password": JANE_PASSWORD,
        "scope": "openid email",
    }
    text = server.token(form, basic=credentials).json["access_token"]
    assert "." not in text

    assert ask(server, text).json["email"] == "jane@mail.example"


def test_without_a_token_the_challenge_tells_no_error(server: Server) -> None:
    """RFC 6750 section 3.1."""
    answer = ask(server, "")

    assert (answer.status, answer.text) == (401, "")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="portico"'


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["error"]) == (status, code), answer.text
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith(f'Bearer realm="portico", error="{code}"')


@pytest.mark.parametrize("text", ["x", "a.b.c", "x" * 43, "x" * 9000, "é", "a b"])
def test_what_is_no_token_of_ours_is_invalid(server: Server, text: str) -> None:
    refused(ask(server, text), 401, "invalid_token")


def test_a_revoked_token_is_invalid(server: Server) -> None:
    _, credentials = server.client("userinfo revoked")
    form = {
        "grant_type": "password",
        "username": "jane",
        "password": JANE_PASSWORD,
        "scope": "openid",
    }
    text = server.token(form, basic=credentials).json["access_token"]
    assert server.call("POST", "/oauth2/revoke", {"token": text}, basic=credentials).status == 200

    refused(ask(server, text), 401, "invalid_token")


def test_an_id_token_is_no_access_token(server: Server) -> None:
    refused(ask(server, exchanged(server, "userinfo id")["id_token"]), 401, "invalid_token")


def test_a_token_of_a_user_who_is_gone_is_invalid(server: Server) -> None:
    joe = server.accounts.create(server.caller, "joe-gone", "joes-password", [SUBSCRIBER])
    _, credentials = server.client("userinfo gone")
    form = {
        "grant_type": "password",
        "username": "joe-gone",
        "password": "joes-password",
        "scope": "openid",
    }
    text = server.token(form, basic=credentials).json["access_token"]
    assert ask(server, text).status == 200
    server.aws.records.commit(Discard(joe))

    refused(ask(server, text), 401, "invalid_token")


def test_another_tenants_address_does_not_take_it(server: Server) -> None:
    answer = ask(server, token(server), path="/t/acme.example/oauth2/userinfo")

    refused(answer, 401, "invalid_token")


def test_a_token_without_openid_has_not_the_scope(server: Server) -> None:
    answer = ask(server, token(server, "email"))

    refused(answer, 403, "insufficient_scope")
    assert answer.headers["WWW-Authenticate"].endswith('scope="openid"')


def test_an_applications_own_token_has_not_the_scope(server: Server) -> None:
    _, credentials = server.client("userinfo itself")
    form = {"grant_type": "client_credentials", "scope": "openid"}
    text = server.token(form, basic=credentials).json["access_token"]

    refused(ask(server, text), 403, "insufficient_scope")


def test_a_token_in_the_address_is_refused(server: Server) -> None:
    """RFC 9700 section 4.3.2."""
    text = token(server)

    answer = ask(server, "", query=f"access_token={text}")

    refused(answer, 400, "invalid_request")


def test_two_tokens_at_once_are_refused(server: Server) -> None:
    text = token(server)

    answer = server.call(
        "POST", PATH, {"access_token": text}, headers={"authorization": f"Bearer {text}"}
    )

    refused(answer, 400, "invalid_request")


@pytest.mark.parametrize(("schema", "status"), [("openid", 200), ("scim", 400)])
def test_wso2s_parameter_schema_may_say_openid(server: Server, schema: str, status: int) -> None:
    assert ask(server, token(server), query=f"schema={schema}").status == status


def test_the_claims_parameter_asks_for_more(server: Server) -> None:
    """OpenID Connect Core section 5.5: kept by the token, and by those that refresh it."""
    claims = {"userinfo": {"email": {"essential": True}, "picture": None}}
    got = exchanged(server, "userinfo claims", scopes=("openid",), claims=claims)

    for text in (got["access_token"], refreshed(server, got)["access_token"]):
        told = ask(server, text).json
        assert told == {"sub": "jane@carbon.super", "email": "jane@mail.example"}


def test_sub_is_that_of_the_id_token(server: Server) -> None:
    """OpenID Connect Core section 5.3.2."""
    got = exchanged(server, "userinfo sub", scopes=("openid", "email"))

    told = ask(server, got["access_token"]).json
    assert {name: got["claims"][name] for name in told} == told
