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
