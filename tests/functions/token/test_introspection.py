"""Introspection (RFC 7662) and revocation (RFC 7009) of all kinds of tokens."""

import time
from dataclasses import replace
from typing import Any

import pytest

from portico.clock import SystemClock
from portico.domain.gateway import OpaqueToken
from portico.domain.records import Replace
from portico.domain.user import ADMIN
from portico.services.families import user_ended
from tests.functions.token.conftest import ADMIN_PASSWORD, JANE_PASSWORD, TENANT, Server

INACTIVE = {"active": False}
Credentials = tuple[str, str]


def introspected(server: Server, token: str, basic: Credentials) -> Any:
    answer = server.call("POST", "/oauth2/introspect", {"token": token}, basic=basic)
    assert answer.status == 200
    return answer.json


def with_bearer(server: Server, token: str, bearer: str) -> Any:
    return server.call(
        "POST",
        "/oauth2/introspect",
        {"token": token},
        headers={"Authorization": f"Bearer {bearer}"},
    )


def opaque_client(server: Server, name: str) -> Credentials:
    client, credentials = server.client(name)
    found = server.clients.get(TENANT, client.client_id)
    server.aws.records.commit(Replace(replace(found, opaque=True)))
    return credentials


def of_jane(server: Server, credentials: Credentials, scope: str = "default") -> dict[str, Any]:
    form = {
        "grant_type": "password",
        "username": "jane",
        "password": JANE_PASSWORD,
        "scope": scope,
    }
    told: dict[str, Any] = server.token(form, basic=credentials).json
    return told


def test_rfc_7662_an_opaque_token_tells_what_a_jwt_does(server: Server) -> None:
    credentials = opaque_client(server, "opaque")
    token = of_jane(server, credentials)["access_token"]
    assert "." not in token
    told = introspected(server, token, credentials)
    _, plain = server.client("jwt")
    signed = introspected(server, of_jane(server, plain)["access_token"], plain)
    assert told.keys() == signed.keys()
    assert (told["active"], told["username"]) == (True, "jane@carbon.super")
    assert told["token_type"] == "Bearer"
    assert told["aut"] == "APPLICATION_USER"


def test_an_opaque_token_is_stored_by_its_digest_and_gone_when_it_is_revoked(
    server: Server,
) -> None:
    credentials = opaque_client(server, "gone")
    token = server.token({"grant_type": "client_credentials"}, basic=credentials).json[
        "access_token"
    ]
    key = {"tenant": TENANT, "digest": _digest(token)}
    kept = server.aws.records.get(OpaqueToken, **key)
    assert kept is not None
    assert token not in str(kept)
    answer = server.call("POST", "/oauth2/revoke", {"token": token}, basic=credentials)
    assert answer.status == 200
    assert server.aws.records.get(OpaqueToken, **key) is None
    assert introspected(server, token, credentials) == INACTIVE


def _digest(token: str) -> str:
    import hashlib

    return hashlib.sha256(token.encode()).hexdigest()


def test_rfc_7009_another_client_cannot_revoke_an_opaque_token(server: Server) -> None:
    credentials, other = opaque_client(server, "mine"), opaque_client(server, "other")
    token = of_jane(server, credentials)["access_token"]
    server.call("POST", "/oauth2/revoke", {"token": token}, basic=other)
    assert introspected(server, token, credentials)["active"]


def test_rfc_7662_a_refresh_token_is_active_until_it_is_used(server: Server) -> None:
    _, credentials = server.client("refreshing")
    token = of_jane(server, credentials)["refresh_token"]
    told = introspected(server, token, credentials)
    assert (told["active"], told["token_type"]) == (True, "refresh_token")
    assert told["username"] == told["sub"] == "jane@carbon.super"
    assert told["exp"] > time.time()
    assert "tenant" not in told
    server.token({"grant_type": "refresh_token", "refresh_token": token}, basic=credentials)
    assert introspected(server, token, credentials) == INACTIVE


def test_rfc_7662_a_revoked_refresh_token_is_inactive(server: Server) -> None:
    _, credentials = server.client("revoking")
    issued = of_jane(server, credentials)
    server.call("POST", "/oauth2/revoke", {"token": issued["refresh_token"]}, basic=credentials)
    assert introspected(server, issued["refresh_token"], credentials) == INACTIVE
    # RFC 7009 section 2.1: the access tokens of the same grant end with it.
    assert introspected(server, issued["access_token"], credentials) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_rfc_7662_another_clients_token_is_inactive(server: Server, kind: str) -> None:
    _, credentials = server.client("own")
    _, other = server.client("strange")
    token = of_jane(server, credentials)[kind]
    assert introspected(server, token, other) == INACTIVE
    assert introspected(server, token, ("admin", ADMIN_PASSWORD))["active"]


def test_a_users_end_ends_all_tokens_of_the_user_and_later_ones_hold(server: Server) -> None:
    server.accounts.create(server.caller, "uma", JANE_PASSWORD, [ADMIN])
    for make in (opaque_client, lambda server, name: server.client(name)[1]):
        credentials = make(server, f"of-uma-{make.__name__}")
        form = {"grant_type": "password", "username": "uma", "password": JANE_PASSWORD}
        before = server.token(form, basic=credentials).json
        own = server.token({"grant_type": "client_credentials"}, basic=credentials).json
        server.aws.records.commit(user_ended(SystemClock(), TENANT, "uma"))
        for kind in ("access_token", "refresh_token"):
            assert introspected(server, before[kind], credentials) == INACTIVE
        refresh = {"grant_type": "refresh_token", "refresh_token": before["refresh_token"]}
        assert server.token(refresh, basic=credentials).json["error"] == "invalid_grant"
        assert introspected(server, own["access_token"], credentials)["active"]
        time.sleep(1.1)
        after = server.token(form, basic=credentials).json
        assert introspected(server, after["access_token"], credentials)["active"]


def test_a_deactivated_users_tokens_do_not_come_back_when_the_user_does(server: Server) -> None:
    _, credentials = server.client("returning")
    user = server.accounts.create(server.caller, "rita", JANE_PASSWORD, [])
    form = {"grant_type": "password", "username": "rita", "password": JANE_PASSWORD}
    before = server.token(form, basic=credentials).json
    gone = server.accounts.update(server.caller, user, active=False)
    server.accounts.update(server.caller, gone, active=True)
    for kind in ("access_token", "refresh_token"):
        assert introspected(server, before[kind], credentials) == INACTIVE


# --- who asks, by bearer token (section 2.1) ---


def test_rfc_7662_a_client_may_ask_with_a_token_of_its_own(server: Server) -> None:
    _, credentials = server.client("bearing")
    _, other = server.client("not bearing")
    bearer = server.token({"grant_type": "client_credentials"}, basic=credentials).json
    mine, others = of_jane(server, credentials), of_jane(server, other)
    asked = bearer["access_token"]
    assert with_bearer(server, mine["access_token"], asked).json["active"]
    assert with_bearer(server, others["access_token"], asked).json == INACTIVE


def test_rfc_7662_an_administrators_token_with_the_scope_sees_the_tenants(server: Server) -> None:
    _, credentials = server.client("console")
    form = {"grant_type": "password", "username": "admin", "password": ADMIN_PASSWORD}
    known = server.token({**form, "scope": "apim:admin"}, basic=credentials).json
    assert known["scope"] == "apim:admin"
    _, other = server.client("watched")
    token = of_jane(server, other)["access_token"]
    assert with_bearer(server, token, known["access_token"]).json["active"]
    without = server.token(form, basic=credentials).json["access_token"]
    assert with_bearer(server, token, without).status == 401


@pytest.mark.parametrize("bearer", ["nonsense", "", "o" * 43])
def test_rfc_7662_a_bearer_token_that_does_not_hold_is_refused(server: Server, bearer: str) -> None:
    answer = with_bearer(server, "whatever", bearer)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json["error"] == "invalid_token"


def test_a_users_token_does_not_open_introspection(server: Server) -> None:
    _, credentials = server.client("leaking")
    issued = of_jane(server, credentials)
    assert with_bearer(server, issued["access_token"], issued["access_token"]).status == 401
