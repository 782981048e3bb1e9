"""The gateway function tells what is left of a call's limits, and counts its bytes."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from functions.gateway import handler as gateway
from tests.conftest import REGION, Aws
from tests.events import Context
from tests.functions.gateway.backend import Backend, running

LIMITS = "subscription 3 60 0 4000000020"


@pytest.fixture
def backend(aws: Aws) -> Iterator[Backend]:
    for each in (gateway.forwarder, gateway.usage):
        each.cache_clear()
    with running() as backend:
        yield backend
        gateway.forwarder()._backends.close()
    for each in (gateway.forwarder, gateway.usage):
        each.cache_clear()


def call(decision: dict[str, Any], **more: Any) -> dict[str, Any]:
    http = {"method": "GET", "path": "/p/1/menu", "sourceIp": "203.0.113.7"}
    event = {
        "routeKey": "$default",
        "rawPath": "/p/1/menu",
        "rawQueryString": "",
        "headers": {"host": "gateway.example"},
        "requestContext": {"http": http, "authorizer": {"lambda": decision}},
        "isBase64Encoded": False,
        **more,
    }
    return gateway.handler(event, Context())


def test_a_throttled_call_is_told_everything(backend: Backend) -> None:
    refused = {"jwt": "none", "fault": "900804", "status": 429, "until": 4_000_000_020}
    answer = call({**refused, "limits": LIMITS})
    assert answer["statusCode"] == 429
    told = answer["headers"]
    assert told["ratelimit-policy"] == '"subscription";q=3;w=60'
    assert told["ratelimit"].startswith('"subscription";r=0;t=')
    assert told["ratelimit"].rpartition("=")[2] == told["retry-after"]
    body = json.loads(answer["body"])
    assert body["nextAccessTime"] == "2096-Oct-02 07:07:00+0000 UTC"
    assert body["description"].endswith(body["nextAccessTime"])


@pytest.mark.parametrize("code", ["900800", "900802", "900803", "900804", "900806", "900807"])
def test_every_level_has_its_code(backend: Backend, code: str) -> None:
    answer = call({"jwt": "none", "fault": code, "until": 4_000_000_020})
    assert answer["statusCode"] == 429
    assert json.loads(answer["body"])["code"] == code


def test_a_denied_call_is_not_told_to_come_back(backend: Backend) -> None:
    answer = call({"jwt": "none", "fault": "900805", "status": 403, "until": 0})
    assert answer["statusCode"] == 403
    assert json.loads(answer["body"])["message"] == "Message blocked"
    assert "retry-after" not in answer["headers"]


def test_a_delivered_call_has_its_headers_and_its_bytes_counted(backend: Backend, aws: Aws) -> None:
    name = "t#WINDOW#subscription#sub-1:bytes"
    decision = {
        "jwt": "a.b.c",
        "endpoint": backend.url,
        "path": "/menu",
        "limits": f"{LIMITS} bytes",
        # A limit of a hundred bytes: each of them counts at once.
        "usage": json.dumps([[name, 100, 10**9]]),
    }
    answer = call(decision, body="12345")
    assert (answer["statusCode"], answer["body"]) == (200, "ok")
    assert answer["headers"]["content-type"] == "text/plain"
    assert answer["headers"]["ratelimit-policy"] == '"subscription";q=3;qu="content-bytes";w=60'
    client: Any = boto3.client("dynamodb", region_name=REGION)
    found = client.query(
        TableName=aws.settings.traffic_table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": name}},
    )["Items"]
    client.close()
    assert [each["granted"]["N"] for each in found] == ["7"]


def test_counters_that_are_down_keep_no_answer_back(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTICO_TRAFFIC_TABLE", "no-such-table")
    usage = json.dumps([["t#WINDOW#a", 100, 60]])
    decision = {"jwt": "a.b.c", "endpoint": backend.url, "path": "/menu", "usage": usage}
    assert call(decision, body="12345")["statusCode"] == 200
