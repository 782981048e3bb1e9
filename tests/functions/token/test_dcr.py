"""Registration of REST clients, as WSO2's tools do it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.functions.token.conftest import (
    ADMIN_PASSWORD,
    JANE_PASSWORD,
    Answer,
    Server,
)

JANE = ("jane", JANE_PASSWORD)
ADMIN = ("admin", ADMIN_PASSWORD)
BODY = {
    "callbackUrl": "www.google.lk",
    "clientName": "rest_api_publisher",
    "owner": "jane",
    "grantType": "client_credentials password refresh_token",
    "saasApp": True,
}


def register(server: Server, body: Any, basic: tuple[str, str] | None = JANE) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return server.call(
        "POST",
        "/client-registration/v0.17/register",
        basic=basic,
        body=text,
        headers={"content-type": "application/json"},
    )


def named(name: str, **more: Any) -> dict[str, Any]:
    return {**BODY, "clientName": name, **more}


def test_a_registered_client_gets_a_token_with_rest_scopes(server: Server) -> None:
    answer = register(server, BODY)

    assert answer.status == 200, answer.text
    told = answer.json
    assert told["clientName"] == "rest_api_publisher"
    assert told["appOwner"] == "jane"
    assert told["callbackUrl"] == "www.google.lk"
    assert json.loads(told["jsonString"])["grant_types"] == BODY["grantType"]
    form = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}
    token = server.token(
        {**form, "scope": "apim:api_create apim:admin"},
        basic=(told["clientId"], told["clientSecret"]),
    )
    assert token.json["scope"] == "apim:api_create"


def test_the_answer_is_the_contracts(server: Server, wso2: Path) -> None:
    """By its schema where WSO2's files lie beside the checkout, by names and kinds always."""
    told = register(server, named("contract")).json

    assert all(isinstance(value, str) for value in told.values())
    assert {"clientId", "clientName", "clientSecret", "callbackUrl", "appOwner"} <= set(told)
    if (wso2 / "rest" / "dcr.yaml").exists():
        contract = yaml.safe_load((wso2 / "rest" / "dcr.yaml").read_text())
        schema = contract["components"]["schemas"]["DCRResult"]
        jsonschema.validate(told, schema)
        assert set(told) <= set(schema["properties"])


def test_the_same_name_and_owner_is_the_same_client_and_every_secret_works(server: Server) -> None:
    first, second = (register(server, named("twice")).json for _ in range(2))

    assert first["clientId"] == second["clientId"]
    assert first["clientSecret"] != second["clientSecret"]
    for one in (first, second):
        credentials = (one["clientId"], one["clientSecret"])
        assert server.token({"grant_type": "client_credentials"}, basic=credentials).status == 200


def test_another_owner_has_another_client_of_the_same_name(server: Server) -> None:
    mine = register(server, named("shared", owner="jane@carbon.super")).json
    admins = register(server, named("shared", owner="admin"), ADMIN).json

    assert mine["clientId"] != admins["clientId"]


def test_an_administrator_registers_for_somebody_else_and_nobody_else_does(server: Server) -> None:
    assert register(server, named("for-jane"), ADMIN).json["appOwner"] == "jane"
    refused = register(server, named("for-admin", owner="admin"), JANE)
    assert (refused.status, refused.json["code"]) == (403, 403)


def test_the_owner_is_the_caller_when_none_is_named(server: Server) -> None:
    body = {"clientName": "ownerless"}

    answer = register(server, body)

    assert answer.json["appOwner"] == "jane"
    assert json.loads(answer.json["jsonString"])["grant_types"] == "client_credentials"


BAD: dict[str, tuple[Any, str]] = {
    "no name": ({"owner": "jane"}, "clientName"),
    "empty name": (named(" "), "clientName"),
    "long name": (named("n" * 200), "clientName"),
    "control characters": (named("a\nb"), "clientName"),
    "number as name": (named("x", clientName=1), "clientName"),
    "half a surrogate": (named("\ud800"), "clientName"),
    "unknown field": (named("x", colour="red"), "colour"),
    "bad grant": (named("x", grantType="a<b"), "grantType"),
    "many grants": (named("x", grantType=" ".join(f"g{n}" for n in range(30))), "grantType"),
    "object as callback": (named("x", callbackUrl={}), "callbackUrl"),
    "not JSON": ("{", "body"),
    "a list": ([], "body"),
}


@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD.keys())
def test_a_bad_registration_names_the_field(server: Server, body: Any, field: str) -> None:
    answer = register(server, body)

    assert (answer.status, answer.json["code"]) == (400, 400)
    assert field in [one["code"] for one in answer.json["error"]]


def test_an_unknown_owner_is_a_bad_request(server: Server) -> None:
    answer = register(server, named("x", owner="nobody"), ADMIN)

    assert (answer.status, answer.json["error"][0]["code"]) == (400, "owner")


@pytest.mark.parametrize("basic", [None, ("jane", "wrong"), ("nobody", "wrong")])
def test_a_user_is_needed(server: Server, basic: tuple[str, str] | None) -> None:
    answer = register(server, named("x"), basic)

    assert (answer.status, answer.json["code"]) == (401, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert set(answer.json) == {"code", "message", "description", "moreInfo", "error"}


def test_a_body_that_is_too_large_is_refused(server: Server) -> None:
    assert register(server, named("x" * 40_000)).status == 413
