"""The keys of access tokens: looked after by a direct invocation, and by that alone."""

import json
import time
from typing import Any

import boto3
import jwt
import pytest

from functions.token import handler as function
from portico.domain.errors import InvalidInput
from portico.domain.gateway import PublicKeys
from portico.domain.user import Caller
from portico.tokens.jwt import verify
from portico.tokens.keys import verification_keys
from tests.conftest import REGION
from tests.events import Context
from tests.functions.token.conftest import Server, forget


def direct(event: dict[str, Any]) -> dict[str, Any]:
    return function.handler(event, Context("token"))


def issued(server: Server, credentials: tuple[str, str]) -> str:
    answer = server.token({"grant_type": "client_credentials"}, basic=credentials)
    return str(answer.json["access_token"])


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def jwks(server: Server) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = server.call("GET", "/oauth2/jwks").json["keys"]
    return keys


def test_a_rotation_in_mid_flight(server: Server) -> None:
    """Tokens of before, during and after, a warm environment, the JWKS and introspection."""
    _, credentials = server.client("rotated")
    before = issued(server, credentials)
    (new,) = direct({"request": "keys", "at_once": True})["made"]
    # Known to everybody at once, and used by nobody yet, be the environment warm or new.
    assert new in {key["kid"] for key in jwks(server)}
    during = issued(server, credentials)
    forget()
    assert kid(before) == kid(during) == kid(issued(server, credentials)) != new
    _begin(new)
    forget()
    after = issued(server, credentials)
    assert kid(after) == new
    found = verification_keys(jwks(server))
    for token in (before, during, after):
        assert verify(token, found)
        told = server.call("POST", "/oauth2/introspect", {"token": token}, basic=credentials)
        assert told.json["active"]


def _begin(new: str) -> None:
    """Let the time until a key signs pass."""
    client = boto3.client("secretsmanager", region_name=REGION)
    name = function.settings().access_token_secret
    content = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
    for entry in content["keys"]:
        if entry["kid"] == new:
            entry["begins"] = int(time.time())
    client.put_secret_value(SecretId=name, SecretString=json.dumps(content))
    client.close()


def test_looking_after_keys_that_need_nothing_changes_nothing(server: Server) -> None:
    direct({"request": "keys"})
    before = server.aws.records.get(PublicKeys, tenant="*")
    assert direct({"request": "keys"}) == {"made": []}
    assert server.aws.records.get(PublicKeys, tenant="*") == before


def test_the_answer_holds_no_key(server: Server) -> None:
    assert set(direct({"request": "keys"})) == {"made"}


@pytest.mark.parametrize(
    "event",
    [
        {"request": "secrets"},
        {"request": "keys", "rawPath": "/oauth2/token"},
        {"request": "keys", "requestContext": {"http": {"method": "GET", "path": "/"}}},
    ],
)
def test_nothing_else_is_answered_directly(server: Server, event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        direct(event)


@pytest.mark.parametrize("path", ["/oauth2/keys", "/oauth2/token", "/oauth2/revoke"])
def test_keys_are_not_to_be_had_over_http(server: Server, path: str) -> None:
    """Whatever a caller sends is inside the event, never a member of it."""
    before = len(jwks(server))
    answer = server.call(
        "POST",
        path,
        body=json.dumps({"request": "keys", "at_once": True}),
        headers={"content-type": "application/json", "request": "keys"},
    )
    assert answer.status in (400, 401, 404)
    assert len(jwks(server)) == before


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    told = {"sub": "jane@carbon.super", "jti": "key-1", "tenant": "carbon.super"}
    return {**told, "iat": now, "exp": now + 60, **more}


@pytest.mark.parametrize("kind", ["api_key", "internal_key"])
def test_keys_of_other_functions_are_signed_as_what_they_are(server: Server, kind: str) -> None:
    wanted = claims(iss="https://elsewhere.example", scope="admin")
    token = direct({"request": "sign", "kind": kind, "claims": wanted})["token"]
    typ = {"api_key": "apikey+jwt", "internal_key": "internalkey+jwt"}[kind]
    told = verify(token, verification_keys(jwks(server)), typ=typ)
    assert told["iss"] == function.wiring().issuer
    # Never taken for an access token, by introspection as by the gateway.
    _, credentials = server.client(f"signing {kind}")
    answer = server.call("POST", "/oauth2/introspect", {"token": token}, basic=credentials)
    assert answer.json == {"active": False}


@pytest.mark.parametrize(
    "event",
    [
        {"request": "sign", "kind": "at+jwt", "claims": claims()},
        {"request": "sign", "kind": "api_key", "claims": {}},
        {"request": "sign", "kind": "api_key", "claims": "text"},
        {"request": "sign", "kind": "api_key"},
        {"request": "sign", "kind": "api_key", "claims": claims(), "typ": "at+jwt"},
        {"request": "password", "tenant": "carbon.super", "name": "jane", "password": "x"},
    ],
)
def test_what_is_not_signed_or_checked(server: Server, event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        direct(event)


def test_a_password_is_checked_for_the_authorizer(server: Server) -> None:
    accounts = function.wiring().for_request().accounts
    name = f"basic-{time.time_ns()}"
    accounts.create(Caller("carbon.super", "admin"), name, "right word", ("Internal/subscriber",))
    asked = {"request": "password", "tenant": "carbon.super", "name": name, "address": "192.0.2.1"}
    assert direct({**asked, "password": "right word"}) == {
        "tenant": "carbon.super",
        "user": name,
        "roles": ["Internal/subscriber"],
    }
    wrong = {**asked, "password": "wrong word"}
    assert direct(wrong) == {"refused": True}
    # Guesses count as they do when signing in: after enough of them not even the right one is told.
    for _ in range(20):
        assert direct(wrong) == {"refused": True}
    assert direct({**asked, "password": "right word"}) == {"refused": True}
