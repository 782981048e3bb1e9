"""API keys, test keys and passwords over HTTP on the deployed stack, and how paths are read there:
by the authorizer, the gateway function and the back end alike.
"""

import json
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.deployed import Person, Stack, eventually

ECHO = {"target": "/echo/*", "verb": "GET"}
OPEN = {"target": "/echo/open/{name}", "verb": "GET", "authType": "None"}
SECRET = {"target": "/echo/open/secret", "verb": "GET"}


def made(
    publisher: Person, stack: Stack, schemes: list[str], publish: bool = True, **more: Any
) -> dict[str, Any]:
    """A deployed API of its own in front of the demo's back end."""
    name = f"keys{secrets.token_hex(4)}"
    body = {
        "name": name,
        "version": "1.0",
        "context": f"/{name}",
        "policies": ["Unlimited"],
        "securityScheme": [*schemes, "oauth_basic_auth_api_key_mandatory"],
        "operations": [ECHO, OPEN, SECRET],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": stack.endpoints["backend"]},
        },
        **more,
    }
    api: dict[str, Any] = publisher.send("POST", "/apis", 201, json=body).json()
    where = f"/apis/{api['id']}"
    revision = publisher.send("POST", f"{where}/revisions", 201, json={"description": "1"}).json()
    publisher.send(
        "POST",
        f"{where}/deploy-revision",
        201,
        params={"revisionId": revision["id"]},
        json=[{"name": "Default", "displayOnDevportal": True}],
    )
    if publish:
        publisher.send(
            "POST", "/apis/change-lifecycle", params={"action": "Publish", "apiId": api["id"]}
        )
    return api


def subscribed(developer: Person, api: dict[str, Any], token_type: str) -> str:
    """A new application that has subscribed."""
    body = {
        "name": f"Keys {secrets.token_hex(8)}",
        "throttlingPolicy": "Unlimited",
        "tokenType": token_type,
    }
    application = developer.send("POST", "/applications", 201, json=body).json()["applicationId"]
    wish = {"applicationId": application, "apiId": api["id"], "throttlingPolicy": "Unlimited"}
    developer.send("POST", "/subscriptions", 201, json=wish)
    return str(application)


def fault(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("code"))


@pytest.mark.parametrize("token_type", ["JWT", "OAUTH"])
def test_an_api_key_from_the_store_to_the_back_end(
    stack: Stack, publisher: Person, developer: Person, token_type: str
) -> None:
    api = made(publisher, stack, ["api_key"])
    address = f"/{api['name']}/1.0/echo/a"
    application = subscribed(developer, api, token_type)
    base = f"/applications/{application}/api-keys/PRODUCTION"
    key = developer.send("POST", f"{base}/generate", json={"keyName": "one"}).json()["apikey"]
    assert key.startswith("eyJ") == (token_type == "JWT")

    answer = stack.call(address, headers={"apikey": key}, params={"a": "1"})
    assert answer.status_code == 200, answer.text
    assert "apikey" not in answer.json()["_received"]["headers"]
    answer = stack.call(address, params={"a": "1", "apikey": key, "b": "2"})
    assert answer.json()["_received"]["query"] == {"a": ["1"], "b": ["2"]}
    assert fault(stack.call(address)) == (401, "900902")
    assert fault(stack.call(address, headers={"apikey": "x" * 43})) == (401, "900901")

    elsewhere = {"additionalProperties": {"permittedIP": "198.51.100.1"}}
    other = developer.send("POST", f"{base}/generate", json=elsewhere).json()["apikey"]
    assert fault(stack.call(address, headers={"apikey": other})) == (403, "900908")

    developer.send("POST", f"{base}/revoke", json={"apikey": key})
    eventually(lambda: stack.call(address, headers={"apikey": key}).status_code == 401, 60)


def test_an_api_is_tried_before_it_is_published(stack: Stack, publisher: Person) -> None:
    api = made(publisher, stack, ["oauth2"], publish=False)
    address = f"/{api['name']}/1.0/echo/a"
    key = publisher.send("POST", f"/apis/{api['id']}/generate-key").json()["apikey"]
    answer = stack.call(address, headers={"Internal-Key": key})
    assert answer.status_code == 200, answer.text
    assert "internal-key" not in answer.json()["_received"]["headers"]
    assert stack.call(address).status_code == 404
    assert fault(stack.call("/pizza/1.0.0/menu", headers={"Internal-Key": key})) == (403, "900908")


def test_a_user_name_and_password_where_the_api_allows_it(stack: Stack, publisher: Person) -> None:
    api = made(publisher, stack, ["basic_auth", "oauth2"])
    address = stack.endpoints["gateway"] + f"/{api['name']}/1.0/echo/a"
    user = next(one for one in stack.endpoints["users"] if one["name"] == "creator")
    answer = stack.http.get(address, auth=("creator", user["password"]))
    assert answer.status_code == 200, answer.text
    assert "authorization" not in answer.json()["_received"]["headers"]
    assert fault(stack.http.get(address, auth=("creator", "wrong"))) == (401, "900901")
    closed = stack.endpoints["gateway"] + "/pizza/1.0.0/menu"
    assert fault(stack.http.get(closed, auth=("creator", user["password"]))) == (401, "900902")


def raw(stack: Stack, path: str) -> tuple[int, bytes]:
    """A GET of a path exactly as it is written: status and body."""
    parts = urlsplit(stack.endpoints["gateway"])
    assert parts.hostname
    assert parts.port
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        head = f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head_, _, body = answer.partition(b"\r\n\r\n")
    return int(head_.split()[1]), body


@pytest.mark.parametrize(
    ("path", "status", "received"),
    [
        # What a back end receives decodes to what was judged.
        ("/echo/open/a", 200, "/echo/open/a"),
        ("/echo/open/a/", 200, "/echo/open/a/"),
        ("/echo/open/%61", 200, "/echo/open/a"),
        ("/echo/open/a%20b", 200, "/echo/open/a%20b"),
        ("/echo/open/a+b", 200, "/echo/open/a+b"),
        ("/echo/open/%C3%A9", 200, "/echo/open/%C3%A9"),
        ("/echo/open/a;v=1", 200, "/echo/open/a;v=1"),
        ("/echo/open/a%3Fb", 200, "/echo/open/a"),  # API Gateway cuts a path at "%3F"
        ("/echo/open/100%25", 200, "/echo/open/100%25"),
        # `secret` is not open, however it is written.
        ("/echo/open/secret", 401, None),
        ("/echo/open/secret/", 401, None),
        ("/echo/open/%73ecret", 401, None),
        ("/echo/open/secret%3Fx", 401, None),
        ("/echo/open/secret;v=1", 400, None),
        ("/echo/open/a%2F..%2Fsecret", 400, None),
        ("/echo/open/x/../secret", 400, None),
        ("/echo/open/%2e/secret", 400, None),
        ("/echo/open//secret", 400, None),
        ("/echo/open/%252Fsecret", 400, None),
        ("/echo/open/%5Csecret", 400, None),
        ("/echo/open/secret%00", 400, None),
        ("/echo/open/%EF%BD%93ecret", 400, None),
        ("/echo/open/a%0d%0aX:y", 400, None),
        ("/echo/open/" + "a" * 8_200, 400, None),
    ],
)
def test_all_read_a_path_alike(
    stack: Stack, shared_api: str, path: str, status: int, received: str | None
) -> None:
    answered, body = raw(stack, f"/{shared_api}/1.0{path}")
    assert answered == status, body
    if received is not None:
        assert json.loads(body)["_received"]["path"] == received


@pytest.fixture(scope="module")
def shared_api(stack: Stack, publisher: Person) -> str:
    return str(made(publisher, stack, ["oauth2"])["name"])
