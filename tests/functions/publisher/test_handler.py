"""The publisher's real handler on the embedded AWS: tokens, tables, bucket, presigned uploads."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from functions.publisher import handler as function
from portico.clock import SystemClock
from portico.domain.api import Api
from portico.domain.gateway import PublicKeys
from portico.domain.records import Put
from portico.domain.user import CREATOR, PUBLISHER, User
from portico.services.policies import default_policies
from portico.tokens.jwt import sign
from portico.tokens.keys import RS256, generate, public_jwk, signing_key
from tests.conftest import REGION, Aws
from tests.events import Context, function_url_event
from tests.functions.publisher.conftest import BASE, BOUNDARY, TENANT, multipart, new_api

SHOP = (Path(__file__).parents[2] / "data" / "definitions" / "shop-3.0.yaml").read_bytes()
CACHED = ("app", "records", "services", "sessions", "callers")


@pytest.fixture(scope="module")
def token(aws: Aws) -> Iterator[str]:
    """An access token of `jane`, who creates and publishes."""
    for name in CACHED:
        getattr(function, name).cache_clear()
    key = json.dumps({"keys": [generate(RS256, 1)]})
    jwk = public_jwk(signing_key(key))
    jane = User(tenant=TENANT, name="jane", id="1", password="", roles=(CREATOR, PUBLISHER))
    aws.records.commit(
        Put(PublicKeys(tenant="*", keys=[jwk], access=(jwk["kid"],))),
        Put(jane),
        *(Put(policy) for policy in default_policies(TENANT)),
    )
    now = int(SystemClock().now())
    claims = {
        "iss": "http://127.0.0.1:8280/oauth2/token",
        "sub": f"jane@{TENANT}",
        "aud": "client",
        "client_id": "client",
        "scope": "apim:api_view apim:api_create apim:api_publish apim:api_delete",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
        "aut": "APPLICATION_USER",
        "tenant": TENANT,
        "fam": "f",
    }
    yield sign(claims, signing_key(key), typ="at+jwt")
    for name in CACHED:
        getattr(function, name).cache_clear()


def call(token: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
    headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
    event = function_url_event(method, BASE + path, body=body, headers=headers, **more)
    return function.handler(event, Context())


def form(token: str, path: str, parts: dict[str, Any]) -> Any:
    kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return call(token, "POST", path, multipart(parts), headers=kind)


def test_an_api_lives_in_the_tables_and_the_bucket(token: str, aws: Aws) -> None:
    made = call(token, "POST", "/apis", new_api())
    assert made["statusCode"] == 201, made["body"]
    api_id = json.loads(made["body"])["id"]
    api = aws.records.get(Api, tenant=TENANT, id=api_id)
    assert api
    assert aws.documents.read(api.definition_key)
    assert call(token, "POST", "/apis", new_api())["statusCode"] == 409
    body = {**new_api(), "description": "changed"}
    stale = call(token, "PUT", f"/apis/{api_id}", body, headers={"if-match": '"7"'})
    assert stale["statusCode"] == 412
    fresh = call(token, "PUT", f"/apis/{api_id}", body, headers={"if-match": '"1"'})
    assert fresh["statusCode"] == 200, fresh["body"]
    assert call(token, "DELETE", f"/apis/{api_id}")["statusCode"] == 200
    assert call(token, "GET", f"/apis/{api_id}")["statusCode"] == 404
    assert aws.documents.read(api.definition_key) is None


def test_a_file_over_the_limit_of_requests_is_uploaded_and_imported(token: str, aws: Aws) -> None:
    begun = json.loads(call(token, "POST", "/uploads")["body"])
    content = b"# " + b"x" * 6_000_000 + b"\n" + SHOP
    fields = {**begun["fields"], "file": ("shop.yaml", content, "application/yaml")}
    http = urllib3.PoolManager(retries=False)
    sent = http.request("POST", begun["url"], fields=fields)
    http.clear()
    assert sent.status < 300, sent.data
    made = form(token, "/apis/import-openapi", {"uploadId": begun["id"]})
    assert made["statusCode"] == 201, made["body"]
    assert json.loads(made["body"])["name"] == "Pizza Shop"
    again = form(token, "/apis/import-openapi", {"uploadId": begun["id"]})
    assert again["statusCode"] == 404


def test_an_api_with_a_thousand_resources_fits(token: str) -> None:
    """DynamoDB's items end at 400 KB."""
    operations = [
        {"target": f"/{number}/{'segment' * 20}", "verb": "GET"} for number in range(1000)
    ]
    body = new_api(name="Large", context="/large", operations=operations)
    made = call(token, "POST", "/apis", body)
    assert made["statusCode"] == 201, made["body"]
    api_id = json.loads(made["body"])["id"]
    shown = json.loads(call(token, "GET", f"/apis/{api_id}")["body"])
    assert len(shown["operations"]) == 1000


NASTY: list[tuple[dict[str, Any], str]] = [
    ({"policies": ["x" * 5000]}, "policies"),
    ({"apiThrottlingPolicy": "x" * 5000}, "apiThrottlingPolicy"),
    ({"policies": ["", "#", "%"]}, "policies"),
    ({"description": "\ud800"}, "body"),
    ({"tags": ["\udfff"]}, "body"),
    ({"displayName": "\ud800"}, "body"),
    ({"name": "\ud800"}, "body"),
    ({"businessInformation": {"\ud800": 1}}, "body"),
    ({"cacheTimeout": 10**400}, "cacheTimeout"),
]


@pytest.mark.parametrize(("fields", "field"), NASTY)
def test_what_no_table_takes_is_named(token: str, fields: dict[str, Any], field: str) -> None:
    refused = call(token, "POST", "/apis", new_api(name="N", context="/n") | fields)
    assert refused["statusCode"] == 400, refused["body"]
    assert field in refused["body"]


def test_without_the_lifecycle_function_nothing_changes(token: str) -> None:
    made = json.loads(call(token, "POST", "/apis", new_api(name="A", context="/a"))["body"])
    query = {"action": "Publish", "apiId": made["id"]}
    refused = call(token, "POST", "/apis/change-lifecycle", query=query)
    assert refused["statusCode"] == 503, refused["body"]
    shown = json.loads(call(token, "GET", f"/apis/{made['id']}")["body"])
    assert shown["lifeCycleStatus"] == "CREATED"


def test_the_fixtures_bucket_is_the_one_in_use(aws: Aws) -> None:
    client = boto3.client("s3", region_name=REGION)
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=aws.settings.bucket)["Contents"]]
    client.close()
    assert all(key.startswith(f"{TENANT}/") for key in keys)
