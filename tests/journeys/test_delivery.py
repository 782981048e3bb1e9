"""A delivery plan on the deployed stack: sealed credentials, fail-over, rules, kept answers and
checked requests, from the publisher's REST API to a back end on loopback.
"""

import base64
import json
import socket
from collections.abc import Iterator

import pytest

from tests.deployed import Person, Stack, eventually
from tests.functions.gateway.backend import Backend, running

DEFINITION = {
    "openapi": "3.0.1",
    "info": {"title": "Delivery", "version": "1.0.0"},
    "paths": {
        "/orders": {
            "get": {
                "x-auth-type": "None",
                "parameters": [{"name": "size", "in": "query", "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "ok"}},
            },
            "post": {
                "x-auth-type": "None",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"type": "object", "required": ["item"]}}
                    },
                },
                "responses": {"200": {"description": "ok"}},
            },
        }
    },
}
PASSWORD = "a back end's s3cret"


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


def dead() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_api_is_delivered_as_its_publisher_says(
    stack: Stack, publisher: Person, backend: Backend
) -> None:
    rule = {
        "policyName": "addHeader",
        "parameters": {"headerName": "X-Shop", "headerValue": "pizza"},
    }
    properties = {
        "name": "Delivery",
        "version": "1.0.0",
        "context": "/delivery",
        "policies": ["Gold"],
        "endpointConfig": {
            "endpoint_type": "failover",
            "production_endpoints": {"url": dead()},
            "production_failovers": [{"url": f"{backend.url}/base"}],
            "endpoint_security": {
                "production": {
                    "enabled": True,
                    "type": "BASIC",
                    "username": "portico",
                    "password": PASSWORD,
                }
            },
        },
        "apiPolicies": {"request": [rule]},
        "responseCachingEnabled": True,
        "cacheTimeout": 60,
        "enableSchemaValidation": True,
    }
    made = publisher.send(
        "POST",
        "/apis/import-openapi",
        201,
        files={"file": ("delivery.json", json.dumps(DEFINITION))},
        data={"additionalProperties": json.dumps(properties)},
    )
    api = made.json()["id"]
    assert PASSWORD not in made.text
    assert PASSWORD not in publisher.send("GET", f"/apis/{api}").text
    publisher.send("POST", "/apis/change-lifecycle", params={"apiId": api, "action": "Publish"})
    path = "/delivery/1.0.0/orders"
    eventually(lambda: stack.call(path).status_code == 200)
    assert backend.line == "GET /base/orders HTTP/1.1"
    credential = backend.headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(credential).decode() == f"portico:{PASSWORD}"
    assert backend.headers["x-shop"] == "pizza"

    count = len(backend.requests)
    again = stack.call(path)
    assert (again.text, len(backend.requests)) == ("ok", count)
    assert "age" in again.headers

    refused = stack.call(path, method="POST", json={})
    assert refused.status_code == 400
    assert "'item' is a required property" in refused.json()["description"]
    assert stack.call(f"{path}?size=large").status_code == 400
    assert len(backend.requests) == count
    assert stack.call(path, method="POST", json={"item": "funghi"}).status_code == 200
    assert json.loads(backend.body) == {"item": "funghi"}
    # The order made what was kept stale.
    stack.call(path)
    assert len(backend.requests) == count + 2

    publisher.send(
        "POST", "/apis/change-lifecycle", params={"apiId": api, "action": "Demote to Created"}
    )
    publisher.send("DELETE", f"/apis/{api}")
    # An authorizer believes what it has read for five seconds.
    eventually(lambda: stack.call(path).status_code == 404)
