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
    "script as callback": (named("x", callbackUrl="javascript:alert(1)"), "callbackUrl"),
    "http as callback": (named("x", callbackUrl="http://app.example/"), "callbackUrl"),
    "code without callback": (
        named("x", grantType="authorization_code", callbackUrl=""),
        "callbackUrl",
    ),
    "code with no address": (named("x", grantType="authorization_code"), "callbackUrl"),
    "token type": (named("x", tokenType="SAML"), "tokenType"),
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


def at(
    server: Server,
    told: dict[str, Any],
    method: str,
    body: Any = None,
    basic: tuple[str, str] | None = JANE,
) -> Answer:
    """A request to a client's own address."""
    path = f"/client-registration/v0.17/register/{told['clientId']}"
    text = "" if body is None else json.dumps(body)
    headers = {"content-type": "application/json"}
    return server.call(method, path, basic=basic, body=text, headers=headers)


def test_a_client_is_read_without_its_secret(server: Server) -> None:
    told = register(server, named("read")).json

    answer = at(server, told, "GET")

    assert answer.status == 200
    assert answer.json == {name: value for name, value in told.items() if name != "clientSecret"}
    assert at(server, told, "GET", basic=ADMIN).json == answer.json


def test_a_client_is_changed_in_what_the_body_names(server: Server) -> None:
    told = register(server, named("change")).json
    body = {
        "clientName": "changed",
        "callbackUrl": "https://app.example/back",
        "grantType": "authorization_code refresh_token",
        "tokenType": "OAUTH",
    }

    changed = at(server, told, "PUT", body)

    assert changed.status == 200, changed.text
    assert changed.json["clientName"] == "changed"
    assert changed.json["callbackUrl"] == "https://app.example/back"
    assert changed.json["tokenType"] == "OAUTH"
    assert "clientSecret" not in changed.json
    client = server.clients.authenticate(told["clientId"], told["clientSecret"])
    assert client.redirect_uris == ("https://app.example/back",)
    assert client.opaque
    assert register(server, named("changed")).json["clientId"] == told["clientId"]
    assert register(server, named("change")).json["clientId"] != told["clientId"]
    assert at(server, told, "PUT", {}).json == changed.json, "nothing named, nothing changed"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"owner": "admin"}, 400),
        ({"clientName": "taken"}, 409),
        ({"grantType": "authorization_code"}, 400),
        ({"callbackUrl": "javascript:x"}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_a_refused_change_changes_nothing(
    server: Server, change: dict[str, str], status: int
) -> None:
    register(server, named("taken"))
    told = register(server, named("untouched")).json
    before = at(server, told, "GET").json

    assert at(server, told, "PUT", change).status == status
    assert at(server, told, "GET").json == before


def test_a_removed_client_is_gone_with_its_tokens(server: Server) -> None:
    told = register(server, named("gone")).json
    basic = (told["clientId"], told["clientSecret"])
    token = server.token({"grant_type": "client_credentials"}, basic=basic).json["access_token"]

    assert at(server, told, "DELETE").status == 204

    assert at(server, told, "GET").status == 404
    assert server.token({"grant_type": "client_credentials"}, basic=basic).status == 401
    found = server.call("POST", "/oauth2/introspect", {"token": token}, basic=ADMIN).json
    assert found == {"active": False}
    assert register(server, named("gone")).json["clientId"] != told["clientId"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_users_client_is_not_found(server: Server, method: str) -> None:
    told = register(server, named("of-admin", owner="admin"), ADMIN).json

    answer = at(server, told, method, {"clientName": "mine"})

    assert (answer.status, answer.json["code"]) == (404, 404)
    assert at(server, told, method, basic=None).status == 401
    assert at(server, told, "GET", basic=ADMIN).json["clientName"] == "of-admin"


def test_the_keys_of_applications_are_not_changed_here(server: Server) -> None:
    client, _ = server.client("keys", application_id="some-app")

    assert at(server, {"clientId": client.client_id}, "DELETE").status == 404


def test_a_client_that_looks_after_itself_is_not_changed_here(server: Server) -> None:
    client, _ = server.client("itself", more={"management": "digest"})

    assert at(server, {"clientId": client.client_id}, "PUT", {"clientName": "x"}).status == 403


def test_the_token_type_decides_whether_tokens_are_opaque(server: Server) -> None:
    for kind, opaque in (("OAUTH", True), ("JWT", False), ("Default", False)):
        told = register(server, named(f"tokens {kind}", tokenType=kind)).json
        assert told["tokenType"] == ("OAUTH" if opaque else "JWT")
        assert server.clients.get("carbon.super", told["clientId"]).opaque is opaque


def test_a_role_that_registers_clients_is_needed(server: Server) -> None:
    server.accounts.create(server.caller, "roleless", "plain-of-tests")

    assert register(server, named("x", owner=""), ("roleless", "plain-of-tests")).status == 403


def test_an_access_token_of_the_contracts_scope_registers(server: Server) -> None:
    form = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}
    _, basic = server.client("initial")
    path = "/client-registration/v0.17/register"
    for scope, status in (("apim:dcr:app_manage", 200), ("apim:subscribe", 403)):
        token = server.token({**form, "scope": scope}, basic=basic).json["access_token"]
        headers = {"Authorization": f"Bearer {token}", "content-type": "application/json"}
        body = json.dumps(named("by token"))
        assert server.call("POST", path, body=body, headers=headers).status == status
