"""Bad input: the contract's error body, the right status, the name of the field, nothing stored."""

import json
from typing import Any

import pytest

from tests.functions.publisher.conftest import BOUNDARY, Publisher, multipart, new_api

FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
YAML = b"openapi: 3.0.1\ninfo: {title: A, version: '1'}\npaths: {}\n"
HTTP = "endpoint_type"


def endpoints(url: Any, kind: str = "http") -> dict[str, Any]:
    return {"endpointConfig": {HTTP: kind, "production_endpoints": {"url": url}}}


def operation(**fields: Any) -> dict[str, Any]:
    return {"operations": [{"target": "/a", "verb": "GET", **fields}]}


# What is wrong -> the field that the answer must name.
FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "a/b"}, "name"),
    ({"name": " a"}, "name"),
    ({"name": "a" * 151}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"name": 7}, "name"),
    ({"name": None}, "name"),
    ({"version": ""}, "version"),
    ({"version": "1/2"}, "version"),
    ({"version": ".."}, "version"),
    ({"version": "1 0"}, "version"),
    ({"version": "1?"}, "version"),
    ({"version": "é"}, "version"),
    ({"version": 1.0}, "version"),
    ({"version": "1" * 31}, "version"),
    ({"context": ""}, "context"),
    ({"context": "/"}, "context"),
    ({"context": "/a//b"}, "context"),
    ({"context": "/a/../b"}, "context"),
    ({"context": "/a b"}, "context"),
    ({"context": "/a%2Fb"}, "context"),
    ({"context": "/a?b"}, "context"),
    ({"context": "/a#b"}, "context"),
    ({"context": "/a;b"}, "context"),
    ({"context": "/{id}"}, "context"),
    ({"context": "/{version}"}, "context"),
    ({"context": "/a/{version}/{version}"}, "context"),
    ({"context": "/a/v{version}"}, "context"),
    ({"context": "/a/b/c/d/e/f/g/h"}, "context"),
    ({"context": "/" + "a" * 232}, "context"),
    ({"context": "/*"}, "context"),
    *(({"context": f"/{name}"}, "context") for name in ("oauth2", "OAuth2/x", "token", "login")),
    *(({"context": f"/{name}"}, "context") for name in ("authorize", "revoke", "userinfo", "oidc")),
    *(({"context": f"/{name}"}, "context") for name in (".well-known", "client-registration")),
    *(({"context": f"/{name}"}, "context") for name in ("t/acme.com/a", "api/am/x", "scim2")),
    ({"context": "/{version}/a", "version": "token"}, "context"),
    ({"context": "/{version}/token", "version": "1"}, "context"),
    ({"colour": "red"}, "colour"),
    ({"description": 7}, "description"),
    ({"description": "a" * 32767}, "description"),
    ({"type": "GRAPHQL"}, "type"),
    ({"tags": "food"}, "tags"),
    ({"tags": ["a", "a"]}, "tags"),
    ({"tags": [""]}, "tags"),
    ({"tags": ["a,b"]}, "tags"),
    ({"tags": [str(number) for number in range(51)]}, "tags"),
    ({"policies": ["Platinum"]}, "policies"),
    ({"policies": ["Unauthenticated"]}, "policies"),
    ({"policies": [None]}, "policies.0"),
    ({"apiThrottlingPolicy": "Bronze"}, "apiThrottlingPolicy"),
    ({"visibility": "SECRET"}, "visibility"),
    ({"visibility": "RESTRICTED"}, "visibleRoles"),
    ({"transport": ["ftp"]}, "transport"),
    ({"authorizationHeader": "a b"}, "authorizationHeader"),
    ({"authorizationHeader": "a\r\nb"}, "authorizationHeader"),
    ({"isDefaultVersion": "true"}, "isDefaultVersion"),
    ({"cacheTimeout": "300"}, "cacheTimeout"),
    ({"businessInformation": {"notes": "x" * 70_000}}, "body"),
    (endpoints("http://127.0.0.1:8080/"), "endpointConfig.production_endpoints.url"),
    (endpoints("http://169.254.169.254/"), "endpointConfig.production_endpoints.url"),
    (endpoints("http://localhost/"), "endpointConfig.production_endpoints.url"),
    (endpoints("http://[::1]/"), "endpointConfig.production_endpoints.url"),
    (endpoints("http://10.0.0.1/"), "endpointConfig.production_endpoints.url"),
    (endpoints("http://2130706433/"), "endpointConfig.production_endpoints.url"),
    (endpoints("ftp://a.example.com"), "endpointConfig.production_endpoints.url"),
    (endpoints("https://u:p@a.example.com"), "endpointConfig.production_endpoints.url"),
    (endpoints("https://a.example.com/?a=b"), "endpointConfig.production_endpoints.url"),
    (endpoints("https://a.example.com/#x"), "endpointConfig.production_endpoints.url"),
    (endpoints("https://a.example.com/{x}"), "endpointConfig.production_endpoints.url"),
    (endpoints(7), "endpointConfig.production_endpoints.url"),
    (endpoints("https://a.example.com", "address"), "endpointConfig.endpoint_type"),
    ({"endpointConfig": []}, "endpointConfig"),
    (
        {"endpointConfig": {HTTP: "http", "endpoint_security": {"production": {"enabled": True}}}},
        "endpointConfig.endpoint_security",
    ),
    (operation(target="a"), "operations.0.target"),
    (operation(target="/a/{b"), "operations.0.target"),
    (operation(target="/a/*/b"), "operations.0.target"),
    (operation(target="/" + "a" * 500), "operations.0.target"),
    (operation(verb="FETCH"), "operations.0.verb"),
    (operation(authType="Maybe"), "operations.0.authType"),
    (operation(scopes=["undeclared"]), "operations.0.scopes"),
    (operation(throttlingPolicy="Bronze"), "operations.throttlingPolicy"),
    (operation(size=1), "operations.0.size"),
    (operation(operationPolicies={"request": [{}]}), "operations.0.operationPolicies"),
    (
        {"operations": [{"target": path, "verb": "GET"} for path in ("/a/{b}", "/a/{c}/")]},
        "operations.1",
    ),
    ({"operations": [{"target": f"/{n}", "verb": "GET"} for n in range(1001)]}, "operations"),
    (
        {
            "operations": [
                {"target": f"/{n}", "verb": "GET", "throttlingPolicy": f"p{n}"} for n in range(21)
            ]
        },
        "operations.throttlingPolicy",
    ),
    ({"scopes": [{"scope": {"name": "a b"}}]}, "scopes.0.scope.name"),
    ({"scopes": [{"scope": {"name": "apim:admin"}}]}, "scopes.0.scope.name"),
    ({"scopes": [{"scope": {"name": "a"}}, {"scope": {"name": "a"}}]}, "scopes.1.scope.name"),
    ({"scopes": [{"name": "a"}]}, "scopes.0.scope"),
    ({"additionalProperties": {"a": "b"}}, "additionalProperties"),
    ({"additionalProperties": [{"name": "a"}]}, "additionalProperties.0.value"),
]


@pytest.mark.parametrize(
    ("fields", "field"), FIELDS, ids=[f"{n}-{field}" for n, (_, field) in enumerate(FIELDS)]
)
def test_a_wrong_field_is_named(publisher: Publisher, fields: dict[str, Any], field: str) -> None:
    before = dict(publisher.records.items)
    refused = publisher.call("POST", "/apis", new_api(**fields), expect=400)
    check_error(refused.json, 400)
    assert any(one["code"].startswith(field) for one in refused.json["error"]), refused.json
    assert publisher.records.items == before
    assert not publisher.documents.content


def check_error(body: Any, status: int) -> None:
    """The contract's Error schema."""
    assert body.keys() == {"code", "message", "description", "moreInfo", "error"}
    assert isinstance(body["code"], int)
    assert body["description"], status
    assert "Traceback" not in json.dumps(body)


@pytest.mark.parametrize(
    ("fields", "field"),
    [case for case in FIELDS if case[1].split(".")[0] not in ("name", "version", "context")],
)
def test_an_update_is_checked_like_a_new_api(
    publisher: Publisher, fields: dict[str, Any], field: str
) -> None:
    made = publisher.create()
    before = dict(publisher.records.items)
    refused = publisher.call("PUT", f"/apis/{made['id']}", {**made, **fields}, expect=400)
    assert any(one["code"].startswith(field) for one in refused.json["error"]), refused.json
    assert publisher.records.items == before


NOT_BODIES: list[tuple[Any, str]] = [
    (None, "body"),
    ("", "body"),
    ("{", "line 1"),
    ("[]", "body"),
    ('"text"', "body"),
    ("null", "body"),
    ('{"name": NaN}', "NaN"),
    ('{"a":' * 100_000, "body"),
    (b"\xff\xfe{}", "UTF-8"),
]


@pytest.mark.parametrize(("body", "says"), NOT_BODIES, ids=[str(n) for n in range(len(NOT_BODIES))])
def test_what_is_no_json_object_is_400(publisher: Publisher, body: Any, says: str) -> None:
    headers = {"content-type": "application/json"}
    refused = publisher.call("POST", "/apis", body, headers=headers, expect=400)
    check_error(refused.json, 400)
    assert says in refused.text


API = "/apis/{id}"
# Method, path, query, body, headers -> status.
CALLS: list[tuple[str, str, dict[str, str], Any, dict[str, str], int]] = [
    ("GET", "/apis/none", {}, None, {}, 404),
    ("GET", "/apis/%00", {}, None, {}, 404),
    ("GET", f"/apis/{'x' * 3000}", {}, None, {}, 404),
    ("PUT", "/apis/none", {}, new_api(), {}, 404),
    ("DELETE", "/apis/none", {}, None, {}, 404),
    ("PUT", API, {}, {}, {}, 400),
    ("DELETE", API, {}, None, {"If-Match": "nonsense"}, 412),
    ("GET", "/apis", {"offset": "x"}, None, {}, 400),
    ("GET", "/apis", {"limit": "99999999999"}, None, {}, 400),
    ("GET", "/apis", {"query": "a" * 2000}, None, {}, 400),
    ("POST", "/apis", {"openAPIVersion": "v9"}, new_api(), {}, 400),
    ("POST", "/apis/import-openapi", {}, {"file": "x"}, {}, 400),
    ("POST", "/apis/import-openapi", {}, b"no form", FORM, 400),
    ("POST", "/apis/import-openapi", {}, multipart({}), FORM, 400),
    ("POST", "/apis/import-openapi", {}, multipart({"file": b""}), FORM, 400),
    ("POST", "/apis/import-openapi", {}, multipart({"file": YAML, "url": "x"}), FORM, 400),
    ("POST", "/apis/import-openapi", {}, multipart({"file": YAML, "colour": "x"}), FORM, 400),
    ("POST", "/apis/import-openapi", {}, multipart({"uploadId": "../x"}), FORM, 404),
    (
        "POST",
        "/apis/import-openapi",
        {},
        multipart({"file": YAML, "additionalProperties": "{"}),
        FORM,
        400,
    ),
    (
        "POST",
        "/apis/import-openapi",
        {},
        multipart({"file": YAML, "additionalProperties": '{"colour": 1}'}),
        FORM,
        400,
    ),
    ("POST", "/apis/validate-openapi", {}, multipart({}), FORM, 400),
    ("GET", "/apis/none/swagger", {}, None, {}, 404),
    ("PUT", f"{API}/swagger", {}, multipart({"file": b"{"}), FORM, 400),
    ("GET", "/apis/none/revisions", {}, None, {}, 404),
    ("GET", f"{API}/revisions", {"query": "size:9"}, None, {}, 400),
    ("POST", "/apis/none/revisions", {}, {}, {}, 404),
    ("POST", f"{API}/revisions", {}, {"description": "x" * 256}, {}, 400),
    ("POST", f"{API}/revisions", {}, {"colour": "x"}, {}, 400),
    ("GET", f"{API}/revisions/none", {}, None, {}, 404),
    ("DELETE", f"{API}/revisions/none", {}, None, {}, 404),
    ("POST", f"{API}/deploy-revision", {"revisionId": "none"}, [{"name": "Default"}], {}, 404),
    ("POST", f"{API}/deploy-revision", {}, [{"name": "Default"}], {}, 400),
    ("POST", f"{API}/deploy-revision", {"revisionId": "none"}, [], {}, 400),
    ("POST", f"{API}/deploy-revision", {"revisionId": "none"}, [{"name": "Mars"}], {}, 400),
    ("POST", f"{API}/deploy-revision", {"revisionId": "x"}, {"name": "Default"}, {}, 400),
    ("POST", f"{API}/deploy-revision", {"revisionId": "x"}, [{"vhost": "a b"}], {}, 400),
    ("POST", f"{API}/undeploy-revision", {"revisionId": "none"}, [], {}, 404),
    ("POST", f"{API}/undeploy-revision", {}, None, {}, 400),
    ("POST", f"{API}/undeploy-revision", {"allEnvironments": "maybe"}, None, {}, 400),
    ("POST", f"{API}/restore-revision", {}, None, {}, 400),
    ("POST", f"{API}/restore-revision", {"revisionId": "none"}, None, {}, 404),
    ("POST", "/apis/change-lifecycle", {}, None, {}, 400),
    ("POST", "/apis/change-lifecycle", {"action": "Publish"}, None, {}, 400),
    ("POST", "/apis/change-lifecycle", {"action": "Publish", "apiId": "none"}, None, {}, 404),
    ("GET", "/apis/none/lifecycle-state", {}, None, {}, 404),
    ("GET", "/apis/none/lifecycle-history", {}, None, {}, 404),
    ("DELETE", f"{API}/lifecycle-state/pending-tasks", {}, None, {}, 404),
    ("GET", "/subscriptions", {"apiId": "none"}, None, {}, 404),
    ("POST", "/subscriptions/block-subscription", {"blockState": "BLOCKED"}, None, {}, 400),
    ("POST", "/subscriptions/block-subscription", {"subscriptionId": "x"}, None, {}, 400),
    (
        "POST",
        "/subscriptions/block-subscription",
        {"subscriptionId": "x", "blockState": "MAYBE"},
        None,
        {},
        400,
    ),
    (
        "POST",
        "/subscriptions/block-subscription",
        {"subscriptionId": "x", "blockState": "BLOCKED"},
        None,
        {},
        404,
    ),
    ("POST", "/subscriptions/unblock-subscription", {"subscriptionId": "x"}, None, {}, 404),
    ("GET", "/throttling-policies/galaxy", {}, None, {}, 400),
    ("GET", "/throttling-policies/subscription/None", {}, None, {}, 404),
    ("GET", "/throttling-policies/streaming/subscription", {}, None, {}, 501),
    ("GET", "/apis/export", {}, None, {}, 501),
    ("POST", "/apis/copy-api", {}, None, {}, 501),
    ("GET", f"{API}/documents", {}, None, {}, 501),
]


@pytest.mark.parametrize(
    "case", CALLS, ids=[f"{n}-{case[0]}-{case[1][:40]}" for n, case in enumerate(CALLS)]
)
def test_a_bad_call_gets_its_status_and_the_contracts_body(
    publisher: Publisher, case: tuple[str, str, dict[str, str], Any, dict[str, str], int]
) -> None:
    made = publisher.create(name="There", context="/there")
    before = dict(publisher.records.items)
    method, path, query, body, headers, status = case
    path = path.replace("{id}", made["id"])
    answer = publisher.call(method, path, body, query=query, headers=headers)
    assert answer.status == status, answer.text
    check_error(answer.json, status)
    assert publisher.records.items == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_gets_nothing(publisher: Publisher, method: str) -> None:
    publisher.caller = None
    refused = publisher.call(method, "/apis", new_api(), expect=401)
    check_error(refused.json, 401)
    assert refused.headers["www-authenticate"].startswith("Bearer")
