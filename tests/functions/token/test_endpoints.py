"""Revocation, introspection, keys, metadata, and the addresses where nothing is yet."""

from typing import Any

import pytest

from functions.token import handler as function
from portico.domain.gateway import Revocation
from portico.domain.operations import AuditEntry
from portico.tokens.keys import verification_keys
from tests.events import REQUEST_ID
from tests.functions.token.conftest import (
    ADMIN_PASSWORD,
    JANE_PASSWORD,
    TENANT,
    Answer,
    Server,
    basic_header,
)

JANE = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}


def revoke(server: Server, token: str, credentials: tuple[str, str], **more: str) -> Answer:
    return server.call("POST", "/oauth2/revoke", {"token": token, **more}, basic=credentials)


def inspect(server: Server, token: str, basic: tuple[str, str]) -> Any:
    answer = server.call("POST", "/oauth2/introspect", {"token": token}, basic=basic)
    assert answer.status == 200, answer.text
    return answer.json


def test_a_living_token_is_told_about(server: Server) -> None:
    client, credentials = server.client("living")
    token = server.token({**JANE, "scope": "apim:api_view"}, basic=credentials).json["access_token"]

    told = inspect(server, token, credentials)

    claims = server.claims(token)
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "scope": "apim:api_view",
        "client_id": client.client_id,
        "username": "jane@carbon.super",
        "aut": "APPLICATION_USER",
        **{name: claims[name] for name in ("sub", "aud", "iss", "jti", "iat", "nbf", "exp")},
    }


def test_a_revoked_access_token_and_its_refresh_token_end(server: Server) -> None:
    _, credentials = server.client("revoked")
    tokens = server.token(JANE, basic=credentials).json

    answer = revoke(server, tokens["access_token"], credentials, token_type_hint="nonsense")

    assert (answer.status, answer.text) == (200, "")
    assert inspect(server, tokens["access_token"], credentials) == {"active": False}
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert server.token(form, basic=credentials).json["error"] == "invalid_grant"
    claims = server.claims(tokens["access_token"])
    for subject in (claims["jti"], f"fam:{claims['fam']}"):
        found = server.aws.records.get(Revocation, tenant=TENANT, subject=subject)
        assert found is not None
        assert found.expires >= claims["exp"]


def test_a_revoked_refresh_token_ends_the_access_tokens_too(server: Server) -> None:
    _, credentials = server.client("revoked-refresh")
    tokens = server.token(JANE, basic=credentials).json

    assert revoke(server, tokens["refresh_token"], credentials).status == 200

    assert inspect(server, tokens["access_token"], credentials) == {"active": False}


def test_a_client_token_is_revoked_alone(server: Server) -> None:
    _, credentials = server.client("revoked-alone")
    form = {"grant_type": "client_credentials"}
    first, second = (server.token(form, basic=credentials).json["access_token"] for _ in "12")

    revoke(server, first, credentials)

    assert inspect(server, first, credentials) == {"active": False}
    assert inspect(server, second, credentials)["active"]


def test_revocation_is_in_the_audit_trail(server: Server) -> None:
    client, credentials = server.client("audited")
    token = server.token(JANE, basic=credentials).json["refresh_token"]

    revoke(server, token, credentials)

    day = server.aws.records.list(AuditEntry, tenant=TENANT, day=_today())
    assert ("revoke-token", client.client_id) in [(one.action, one.subject) for one in day]


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 9000, "\u2603"])
def test_revoking_what_is_no_token_is_no_error(server: Server, token: str) -> None:
    _, credentials = server.client("nonsense")

    assert revoke(server, token, credentials).status == 200
    assert inspect(server, token, credentials) == {"active": False}


def test_another_clients_token_is_neither_revoked_nor_told_about(server: Server) -> None:
    _, mine = server.client("token-owner")
    _, others = server.client("token-thief")
    tokens = server.token(JANE, basic=mine).json

    for token in (tokens["access_token"],):
        answer = revoke(server, token, others)
        assert (answer.status, answer.json["error"]) == (400, "unauthorized_client")
    assert revoke(server, tokens["refresh_token"], others).status == 400
    assert inspect(server, tokens["access_token"], others) == {"active": False}
    assert inspect(server, tokens["access_token"], mine)["active"]


def test_an_administrator_may_inspect_all_tokens_and_others_may_not(server: Server) -> None:
    _, credentials = server.client("inspected")
    token = server.token(JANE, basic=credentials).json["access_token"]

    assert inspect(server, token, ("admin", ADMIN_PASSWORD))["active"]
    assert inspect(server, token, ("admin@carbon.super", ADMIN_PASSWORD))["active"]
    answer = server.call(
        "POST", "/oauth2/introspect", {"token": token}, basic=("jane", JANE_PASSWORD)
    )
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_tokens_of_a_removed_client_are_inactive(server: Server) -> None:
    client, credentials = server.client("removed")
    token = server.token(JANE, basic=credentials).json["access_token"]
    server.clients.remove(server.caller, client)

    assert inspect(server, token, ("admin", ADMIN_PASSWORD)) == {"active": False}
    assert server.token(JANE, basic=credentials).status == 401


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect"])
def test_a_token_and_a_client_are_needed(server: Server, path: str) -> None:
    _, credentials = server.client("needed")

    without = server.call("POST", path, {"token": ""}, basic=credentials)
    assert (without.status, without.json["error"]) == (400, "invalid_request")
    assert server.call("POST", path, {"token": "a"}).status == 401


def test_the_keys_verify_what_was_signed(server: Server) -> None:
    _, credentials = server.client("jwks")
    token = server.token({"grant_type": "client_credentials"}, basic=credentials)

    answer = server.call("GET", "/oauth2/jwks")

    assert answer.status == 200
    assert "no-store" not in answer.headers["Cache-Control"]
    found = answer.json["keys"]
    assert [set(key) for key in found] == [{"kty", "n", "e", "kid", "alg", "use"}]
    assert list(verification_keys(found)) == [server.jwks[0]["kid"]]
    assert server.claims(token.json["access_token"])


@pytest.mark.parametrize("path", ["/oauth2/nothing", "/", "/client-registration/v0.17/other"])
def test_an_unknown_path_is_not_found(server: Server, path: str) -> None:
    assert server.call("GET", path).status == 404


def test_a_head_request_has_no_body(server: Server) -> None:
    answer = server.call("HEAD", "/oauth2/jwks")

    assert (answer.status, answer.text) == (200, "")


def test_a_fault_of_ours_shows_its_id_and_nothing_else(server: Server) -> None:
    answer = server.call("POST", "/oauth2/token", headers={"content-type": "\x00"}, body=None)
    assert answer.status == 400
    broken = function.handler({"rawPath": "/oauth2/token"}, _context())

    assert broken["statusCode"] == 500
    assert REQUEST_ID in broken["body"]
    assert "Traceback" not in broken["body"]
    assert "KeyError" not in broken["body"]


def test_header_names_may_have_any_case(server: Server) -> None:
    _, credentials = server.client("case")
    answer = server.call(
        "POST",
        "/oauth2/token",
        body="grant_type=client_credentials",
        headers={
            "AUTHORIZATION": basic_header(*credentials),
            "Content-TYPE": "Application/X-WWW-Form-Urlencoded",
        },
    )

    assert answer.status == 200, answer.text


def _context() -> Any:
    from tests.events import Context

    return Context("token")


def _today() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()
