"""The token endpoint over the real handler: each grant, and what RFC 6749 says of bad requests."""

import json
from typing import Any

import pytest

from portico.domain.gateway import Deployment, GatewayClient, Grant
from portico.domain.records import Put
from portico.domain.user import SUBSCRIBER
from portico.tokens.jwt import verify
from portico.tokens.keys import verification_keys
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server, basic_header

APPLICATION = {"grant_type": "client_credentials"}


def jane(**more: str) -> dict[str, str]:
    return {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD, **more}


def test_a_client_gets_a_token_for_itself(server: Server) -> None:
    client, credentials = server.client("itself", application_id="app-1", key_type="SANDBOX")

    answer = server.token(APPLICATION, basic=credentials)

    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert {**answer.json, "access_token": ""} == {
        "access_token": "",
        "scope": "default",
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    claims = server.claims(answer.json["access_token"])
    told = {"iss", "sub", "aud", "client_id", "azp", "aut", "keytype", "app", "owner", "tenant"}
    assert {name: claims[name] for name in told} == {
        "iss": "http://127.0.0.1:8280/oauth2/token",
        "sub": client.client_id,
        "aud": client.client_id,
        "client_id": client.client_id,
        "azp": client.client_id,
        "aut": "APPLICATION",
        "keytype": "SANDBOX",
        "app": "app-1",
        "owner": "jane",
        "tenant": TENANT,
    }
    assert claims["exp"] - claims["iat"] == 3600
    assert server.aws.records.get(GatewayClient, tenant=TENANT, client_id=client.client_id)


@pytest.mark.parametrize("name", ["jane", "JANE", "jane@carbon.super", "Jane@Carbon.Super"])
def test_a_user_gets_tokens_by_any_form_of_the_name(server: Server, name: str) -> None:
    _, credentials = server.client("forms")

    answer = server.token(jane(username=name), basic=credentials)

    assert answer.status == 200, answer.text
    claims = server.claims(answer.json["access_token"])
    assert claims["sub"] == "jane@carbon.super"
    assert claims["aut"] == "APPLICATION_USER"
    assert "app" not in claims
    assert answer.json["refresh_token"]


def test_a_user_whose_name_is_an_address_signs_in_with_and_without_tenant(server: Server) -> None:
    server.accounts.create(server.caller, "joe@mail.example", "joes-password", [SUBSCRIBER])
    _, credentials = server.client("addresses")

    for name in ("joe@mail.example", "joe@mail.example@carbon.super"):
        answer = server.token(jane(username=name, password="joes-password"), basic=credentials)
        claims = server.claims(answer.json["access_token"])
        assert claims["sub"] == "joe@mail.example@carbon.super"


def test_only_scopes_of_the_users_roles_are_granted_and_no_word_is_said_of_the_rest(
    server: Server,
) -> None:
    _, credentials = server.client("scopes")
    asked = "apim:api_publish apim:admin unknown apim:api_view apim:api_view"

    answer = server.token(jane(scope=asked), basic=credentials)

    assert answer.json["scope"] == "apim:api_publish apim:api_view"
    assert server.claims(answer.json["access_token"])["scope"] == answer.json["scope"]


def test_a_users_client_without_any_granted_scope_has_the_default_one(server: Server) -> None:
    _, credentials = server.client("scopeless")

    assert server.token(jane(scope="apim:admin"), basic=credentials).json["scope"] == "default"


def test_scopes_of_subscribed_apis_follow_their_role_bindings(server: Server) -> None:
    deployment = Deployment(
        tenant=TENANT, prefix="/pizza/1.0", api_id="pizza", name="Pizza", version="1.0",
        context="/pizza/1.0", provider="admin", state="PUBLISHED", revision_id="1", resources=[],
        scopes={"order": [], "eat": [SUBSCRIBER], "bake": ["Internal/baker"]},
    )  # fmt: skip
    grant = Grant(
        tenant=TENANT, application_id="app-2", prefix="/pizza/1.0", api_id="pizza",
        subscription_id="1", status="UNBLOCKED", policy="Gold",
    )  # fmt: skip
    server.aws.records.commit(Put(deployment), Put(grant))
    _, subscribed = server.client("eater", application_id="app-2")
    _, stranger = server.client("stranger", application_id="app-3")
    asked = "bake eat order"

    assert server.token(jane(scope=asked), basic=subscribed).json["scope"] == "eat order"
    assert server.token({**APPLICATION, "scope": asked}, basic=subscribed).json["scope"] == (
        "eat order"
    )
    assert server.token(jane(scope=asked), basic=stranger).json["scope"] == "default"


def test_keys_of_an_application_get_no_rest_scopes_for_themselves(server: Server) -> None:
    _, credentials = server.client("keys", application_id="app-4", owner="admin")

    answer = server.token({**APPLICATION, "scope": "apim:admin"}, basic=credentials)

    assert answer.json["scope"] == "default"


def test_json_bodies_and_credentials_in_the_body_work_too(server: Server) -> None:
    _, (client_id, secret) = server.client("json")
    body = {**APPLICATION, "client_id": client_id, "client_secret": secret}

    answer = server.call(
        "POST",
        "/oauth2/token",
        body=json.dumps(body),
        headers={"Content-Type": "application/json; charset=UTF-8"},
    )

    assert answer.status == 200, answer.text
    assert server.token(body).status == 200


@pytest.mark.parametrize("path", ["/token", "/t/carbon.super/oauth2/token", "/oauth2/token/"])
def test_the_token_endpoint_has_its_old_and_tenant_addresses(server: Server, path: str) -> None:
    _, credentials = server.client("paths")

    assert server.call("POST", path, APPLICATION, basic=credentials).status == 200


def test_a_form_encoded_basic_header_is_understood(server: Server) -> None:
    _, (client_id, secret) = server.client("encoded")
    encoded = "".join(f"%{ord(letter):02X}" for letter in secret)

    assert server.token(APPLICATION, basic=(client_id, encoded)).status == 200


def test_a_refresh_token_gives_new_tokens_and_is_used_up(server: Server) -> None:
    _, credentials = server.client("refresh")
    first = server.token(jane(scope="apim:api_view apim:api_create"), basic=credentials).json

    second = server.token(
        {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]},
        basic=credentials,
    )

    assert second.status == 200, second.text
    assert second.json["scope"] == "apim:api_view apim:api_create"
    assert second.json["refresh_token"] != first["refresh_token"]
    families = {server.claims(one["access_token"])["fam"] for one in (first, second.json)}
    assert len(families) == 1


def test_a_refresh_token_that_comes_twice_ends_its_whole_family(server: Server) -> None:
    _, credentials = server.client("stolen")
    first = server.token(jane(), basic=credentials).json
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = server.token(form, basic=credentials).json

    again = server.token(form, basic=credentials)

    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    after = server.token({**form, "refresh_token": second["refresh_token"]}, basic=credentials)
    assert (after.status, after.json["error"]) == (400, "invalid_grant")
    told = server.call(
        "POST", "/oauth2/introspect", {"token": second["access_token"]}, basic=credentials
    )
    assert told.json == {"active": False}


def test_a_refresh_token_is_no_use_to_another_client(server: Server) -> None:
    _, mine = server.client("mine")
    _, others = server.client("others")
    token = server.token(jane(), basic=mine).json["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}

    refused = server.token(form, basic=others)

    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    assert server.token(form, basic=mine).status == 200, "and it still works for its own"


def test_a_client_without_the_refresh_grant_gets_no_refresh_token(server: Server) -> None:
    _, credentials = server.client("short", grant_types=("password",))

    assert "refresh_token" not in server.token(jane(), basic=credentials).json


CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "no grant_type": ({"form": {"scope": "a"}}, 400, "invalid_request"),
    "empty grant_type": ({"form": {"grant_type": ""}}, 400, "invalid_request"),
    "unknown grant": ({"form": {"grant_type": "magic"}}, 400, "unsupported_grant_type"),
    "grant not allowed": ({"form": {"grant_type": "password"}}, 400, "unauthorized_client"),
    "bad scope": ({"form": {**APPLICATION, "scope": 'a"b'}}, 400, "invalid_scope"),
    "scope of two lines": ({"form": {**APPLICATION, "scope": "a\r\nb"}}, 400, "invalid_scope"),
    "parameter twice": (
        {"form": [("grant_type", "client_credentials")] * 2}, 400, "invalid_request",
    ),
    "two ways": (
        {"form": {**APPLICATION, "client_secret": "x"}}, 400, "invalid_request",
    ),
    "other client_id": (
        {"form": {**APPLICATION, "client_id": "other"}}, 400, "invalid_request",
    ),
    "too many parameters": (
        {"form": {**APPLICATION, **{f"p{n}": "1" for n in range(60)}}}, 400, "invalid_request",
    ),
    "too large": ({"form": {**APPLICATION, "x": "y" * 40_000}}, 413, "invalid_request"),
    "no body": ({"body": ""}, 400, "invalid_request"),
    "not JSON": ({"body": "{", "headers": {"content-type": "application/json"}}, 400,
                 "invalid_request"),
    "JSON list": ({"body": "[]", "headers": {"content-type": "application/json"}}, 400,
                  "invalid_request"),
    "JSON number": ({"body": '{"grant_type": 1}', "headers": {"content-type": "application/json"}},
                    400, "invalid_request"),
    "JSON twice": ({"body": '{"grant_type": "a", "grant_type": "b"}',
                    "headers": {"content-type": "application/json"}}, 400, "invalid_request"),
    "JSON depth": ({"body": '{"a":' * 6_000, "headers": {"content-type": "application/json"}},
                   400, "invalid_request"),
    "half a surrogate pair": ({"body": '{"grant_type": "\\ud800"}',
                               "headers": {"content-type": "application/json"}},
                              400, "invalid_request"),
    "other content type": ({"body": "<a/>", "headers": {"content-type": "text/xml"}}, 400,
                           "invalid_request"),
    "not UTF-8": ({"body": "grant_type=%ff",
                   "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400,
                  "invalid_request"),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "status", "error"), CASES.values(), ids=CASES.keys())
def test_a_bad_request_gets_its_error(
    server: Server, sent: dict[str, Any], status: int, error: str
) -> None:
    _, credentials = server.client("bad", grant_types=("client_credentials",))

    answer = server.call("POST", "/oauth2/token", basic=credentials, **sent)

    assert (answer.status, answer.json["error"]) == (status, error)
    assert answer.json["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"


BAD_AUTHENTICATION = {
    "none": {},
    "empty": {"authorization": ""},
    "bearer": {"authorization": "Bearer abc"},
    "not base64": {"authorization": "Basic ***"},
    "no colon": {"authorization": "Basic YWJj"},
    "not UTF-8": {"authorization": "Basic //86eA=="},
    "unknown": {"Authorization": basic_header("nobody", "secret")},
    "two headers in one": {"authorization": basic_header("a", "b") + ",Basic abc"},
    "long id": {"authorization": basic_header("a" * 5000, "b")},
    "binary id": {"authorization": basic_header("a\x00#b", "b")},
}


@pytest.mark.parametrize("headers", BAD_AUTHENTICATION.values(), ids=BAD_AUTHENTICATION.keys())
def test_a_client_that_does_not_authenticate_is_told_how(
    server: Server, headers: dict[str, str]
) -> None:
    answer = server.token(APPLICATION, headers=headers)

    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_wrong_secret_is_refused_in_header_and_body(server: Server) -> None:
    client, _ = server.client("wrong")

    assert server.token(APPLICATION, basic=(client.client_id, "x")).status == 401
    body = {**APPLICATION, "client_id": client.client_id, "client_secret": "x"}
    assert server.token(body).status == 401


BAD_USERS = {
    "wrong password": {"username": "jane", "password": "wrong"},
    "unknown user": {"username": "nobody", "password": JANE_PASSWORD},
    "unknown tenant": {"username": "jane@acme.example", "password": JANE_PASSWORD},
    "long name": {"username": "j" * 3000, "password": JANE_PASSWORD},
    "strange name": {"username": "ja#ne\x00", "password": JANE_PASSWORD},
    "long password": {"username": "jane", "password": "p" * 3000},
}


@pytest.mark.parametrize("user", BAD_USERS.values(), ids=BAD_USERS.keys())
def test_a_wrong_name_or_password_is_one_and_the_same_error(
    server: Server, user: dict[str, str]
) -> None:
    _, credentials = server.client("users")

    answer = server.token(jane(**user), basic=credentials, address="198.51.100.1")

    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert answer.json["error_description"] == (
        "The user name or password is wrong, or the user is not active"
    )


@pytest.mark.parametrize("missing", ["username", "password"])
def test_the_password_grant_names_what_is_missing(server: Server, missing: str) -> None:
    _, credentials = server.client("missing")

    answer = server.token(jane(**{missing: ""}), basic=credentials)

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert missing in answer.json["error_description"]


def test_the_password_grant_gives_an_id_token_with_openid_only(server: Server) -> None:
    _, credentials = server.client("with-openid")

    plain = server.token(jane(), basic=credentials).json
    told = server.token(jane(scope="openid email"), basic=credentials).json

    assert "id_token" not in plain
    claims = verify(told["id_token"], verification_keys(server.jwks), typ="JWT")
    assert claims["sub"] == server.claims(told["access_token"])["sub"]
    assert claims["amr"] == ["pwd"]


def test_after_many_failures_even_the_right_password_has_to_wait(server: Server) -> None:
    server.accounts.create(server.caller, "mallory", "right-password", [SUBSCRIBER])
    _, credentials = server.client("guessing")
    for _ in range(5):
        server.token(jane(username="mallory", password="guess"), basic=credentials)

    answer = server.token(jane(username="mallory", password="right-password"), basic=credentials)

    assert (answer.status, answer.json["error"]) == (429, "temporarily_unavailable")
    assert 0 < int(answer.headers["Retry-After"]) <= 301


def test_an_inactive_user_gets_no_token_and_refreshes_none(server: Server) -> None:
    user = server.accounts.create(server.caller, "gone", "right-password", [SUBSCRIBER])
    _, credentials = server.client("inactive")
    form = jane(username="gone", password="right-password")
    token = server.token(form, basic=credentials).json["refresh_token"]
    server.accounts.update(server.caller, user, active=False)

    assert server.token(form, basic=credentials).json["error"] == "invalid_grant"
    refused = server.token(
        {"grant_type": "refresh_token", "refresh_token": token}, basic=credentials
    )
    assert refused.json["error"] == "invalid_grant"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(server: Server, method: str) -> None:
    answer = server.call(method, "/oauth2/token")

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


def test_an_application_may_ask_for_another_validity(server: Server) -> None:
    _, credentials = server.client("validity")

    answer = server.token({**APPLICATION, "validity_period": "60"}, basic=credentials)

    assert answer.json["expires_in"] == 60
    claims = server.claims(answer.json["access_token"])
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize("validity", ["0", "-1", "soon", "1.5", "604801", "9" * 40, "\u0663"])
def test_a_validity_is_a_number_of_seconds_within_a_week(server: Server, validity: str) -> None:
    _, credentials = server.client("validity")

    answer = server.token({**APPLICATION, "validity_period": validity}, basic=credentials)

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_a_description_has_only_characters_that_it_may(server: Server) -> None:
    _, credentials = server.client("characters")
    name = 'a"b\\c\u2603\n'

    answer = server.token([(name, "1"), (name, "2")], basic=credentials)

    assert answer.json["error_description"] == "The parameter 'a?b?c??' comes twice"
