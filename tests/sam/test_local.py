"""Built functions under `sam local`, in Lambda's own environment."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from portico.domain.gateway import Deployment
from portico.domain.tenant import SUPER_TENANT
from portico.storage.codec import encode
from portico.storage.keys import PLACES
from tests.sam.stack import Stack

Command = Callable[..., tuple[list[Any], dict[str, Any]]]
JWKS = {
    "version": "2.0",
    "routeKey": "ANY /oauth2/{proxy+}",
    "rawPath": "/oauth2/jwks",
    "rawQueryString": "",
    "headers": {"host": "gateway.example.com"},
    "requestContext": {
        "accountId": "000000000000",
        "apiId": "api",
        "domainName": "gateway.example.com",
        "domainPrefix": "gateway",
        "http": {
            "method": "GET",
            "path": "/oauth2/jwks",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "test",
        },
        "requestId": "request-1",
        "routeKey": "ANY /oauth2/{proxy+}",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    },
    "pathParameters": {"proxy": "jwks"},
    "isBase64Encoded": False,
}


def publish(stack: Stack, prefix: str) -> None:
    """An API on the gateway, as the authorizer reads it."""
    deployment = Deployment(
        tenant=SUPER_TENANT,
        prefix=prefix,
        api_id="7f3b2a10-0000-4000-8000-000000000001",
        name="Menu",
        version="1.0.0",
        context=prefix,
        provider="publisher",
        state="PUBLISHED",
        access="token",
        revision_id="1",
        resources=[["/*", "GET", "Application & Application User", [], "Unlimited"]],
        production_endpoint="http://127.0.0.1:9",
    )
    pk, sk = PLACES["Deployment"].key.fill(vars(deployment))
    body = encode(deployment)
    assert isinstance(body, str)
    stack.client("dynamodb").put_item(
        TableName=stack.outputs["GatewayTable"],
        Item={
            "pk": {"S": pk},
            "sk": {"S": sk},
            "kind": {"S": "Deployment"},
            "stamp": {"N": "1"},
            "body": {"S": body},
        },
    )


def test_the_token_function_answers_one_call(sam_local: Command, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(JWKS))
    arguments, keywords = sam_local("invoke", "TokenFunction", "--event", str(event))

    ended = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **keywords,
    )

    assert ended.returncode == 0, ended.stderr[-4000:]
    answer = json.loads(ended.stdout.strip().splitlines()[-1])
    assert answer.get("statusCode") == 200, f"{answer} {ended.stderr[-4000:]}"
    assert {key["kty"] for key in json.loads(answer["body"])["keys"]} == {"RSA", "EC"}


def test_the_authorizer_refuses_a_call_without_a_token(stack: Stack, local_api: str) -> None:
    publish(stack, "/menu/1.0.0")

    with urllib3.PoolManager(retries=False, timeout=60) as http:
        answer = http.request(
            "GET", f"{local_api}/menu/1.0.0/pizzas", headers={"Accept": "application/json"}
        )

    assert answer.status == 401, answer.data
    assert "900902" in answer.data.decode()
