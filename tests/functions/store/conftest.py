"""A store function on the embedded AWS, with developers, APIs and a token endpoint.

Every successful answer is compared with the contract where WSO2's files lie beside the checkout.
"""

import json
import os
import threading
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
import yaml
from jsonschema import Draft202012Validator

from functions.store import handler as function
from portico.clock import SystemClock
from portico.domain.api import Api, Resource, Scope, card_of
from portico.domain.records import Put
from portico.domain.user import SUBSCRIBER, User
from portico.services.policies import default_policies
from portico.storage.records import DynamoRecords
from portico.web.contract import contract
from portico.web.session import Sessions
from tests.conftest import Aws
from tests.events import Context, function_url_event

BASE = "/api/am/devportal/v3"
ACME = "acme.com"
TEXTS = (
    "swagger",
)  # operations whose answer is the document itself, which the contract calls text
LISTS = ("subscription-policies",)  # the contract's schema is that of one entry


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Store:
    """The function as a client sees it; users are signed in by session."""

    aws: Aws
    cookies: dict[str, str]
    apis: dict[str, Api]
    schemas: dict[str, Any]
    asked: list[dict[str, Any]] = field(default_factory=list)  # what the token endpoint was asked

    @property
    def records(self) -> DynamoRecords:
        return self.aws.records

    def call(
        self,
        method: str,
        path: str,
        user: str = "jane",
        body: Any = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; `user` '' is anonymous."""
        event = function_url_event(
            method,
            BASE + path,
            body=body,
            query=query,
            headers=headers,
            cookies=[self.cookies[user]] if user else [],
        )
        raw = function.handler(event, Context())
        text = raw["body"]
        headers = {name.lower(): str(value) for name, value in (raw.get("headers") or {}).items()}
        answer = Answer(raw["statusCode"], json.loads(text) if text else None, headers)
        self._check(method, path, answer)
        return answer

    def ok(self, method: str, path: str, user: str = "jane", **more: Any) -> Any:
        """One request that must succeed: its body."""
        answer = self.call(method, path, user, **more)
        assert answer.status in (200, 201), answer
        return answer.body

    def _check(self, method: str, path: str, answer: Answer) -> None:
        if answer.status >= 400:
            assert {"code", "message", "description", "moreInfo", "error"} == answer.body.keys()
            assert "Traceback" not in json.dumps(answer.body)
        operation = contract("devportal").match(method, BASE + path)
        if not self.schemas or operation is None or operation.path.endswith((*TEXTS, *LISTS)):
            return
        answers = self.schemas["paths"][operation.path][method.lower()]["responses"]
        stated = answers.get(str(answer.status), {})
        schema = stated.get("content", {}).get("application/json", {}).get("schema")
        if answer.status < 300 and schema:
            Draft202012Validator({**schema, "components": self.schemas["components"]}).validate(
                answer.body
            )


@pytest.fixture(scope="session")
def schemas(wso2: Path) -> dict[str, Any]:
    """The contract as WSO2 publishes it; empty without its files: then nothing is compared."""
    path = wso2 / "rest" / "devportal-api.yaml"
    if not path.exists():
        return {}
    loaded: dict[str, Any] = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    return loaded


@pytest.fixture(scope="module")
def endpoint() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A token endpoint that answers as ours does, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            fields = {
                name: values[0] for name, values in parse_qs(self.rfile.read(size).decode()).items()
            }
            basic = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            client, secret = map(unquote, basic.split(":"))
            asked.append({"path": self.path, "client": client, "secret": secret, **fields})
            answer = {
                "access_token": "header.payload.signature",
                "scope": fields.get("scope", "default"),
                "token_type": "Bearer",
                "expires_in": 3600,
            }
            content = json.dumps(answer if self.path == "/oauth2/token" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def user(tenant: str, name: str, *roles: str) -> User:
    return User(tenant=tenant, name=name, id=f"id-{name}", password="", roles=roles)


def api(name: str, tenant: str = "carbon.super", **more: Any) -> Api:
    """An API named `name`; its id is the name in lower case."""
    values: dict[str, Any] = {
        "state": "PUBLISHED",
        "policies": ("Gold", "Unlimited"),
        "production_endpoint": "https://backend.example/secret-path",
        "resources": (Resource("/menu", "GET"),),
        "created": 1_700_000_000_000,
        "updated": 1_700_000_000_000,
    }
    return Api(
        tenant=tenant,
        id=name.lower(),
        name=name,
        version="1.0.0",
        context=f"/{name.lower()}" if tenant == "carbon.super" else f"/t/{tenant}/{name.lower()}",
        provider="paula",
        **values | more,
    )


CATALOGUE = (
    api(
        "Pizza",
        tags=("food", "italian"),
        description="Orders pizzas",
        definition_key="carbon.super/pizza/definition.json",
        scopes=(Scope("order", "Ordering"),),
        extra={
            "businessInformation": {"businessOwner": "Paula", "technicalOwner": None},
            "additionalProperties": [
                {"name": "colour", "value": "red", "display": True},
                {"name": "secret", "value": "x", "display": False},
            ],
        },
    ),
    api("Sushi", tags=("food",)),
    api("Proto", state="PROTOTYPED"),
    api("Draft", state="CREATED"),
    api("Blocked", state="BLOCKED"),
    api("Old", state="DEPRECATED"),
    api("Private", visibility="PRIVATE"),
    api("Restricted", visibility="RESTRICTED", visible_roles=("Internal/partner",)),
    api("Acme", ACME),
    api("AcmePrivate", ACME, visibility="PRIVATE"),
)


def _forget() -> None:
    """Let the function begin anew, as in a fresh environment."""
    for cached in (
        function.app,
        function.records,
        function.services,
        function.sessions,
        function.callers,
    ):
        cached.cache_clear()


@pytest.fixture(scope="module")
def store(
    aws: Aws, schemas: dict[str, Any], endpoint: tuple[str, list[dict[str, Any]]]
) -> Iterator[Store]:
    address, asked = endpoint
    before = os.environ["PORTICO_GATEWAY_URL"]
    os.environ["PORTICO_GATEWAY_URL"] = address
    for cached in (
        function.records,
        function.services,
        function.sessions,
        function.callers,
        function.app,
    ):
        cached.cache_clear()
    users = [
        user("carbon.super", "jane", SUBSCRIBER),
        user("carbon.super", "joe", SUBSCRIBER),
        user("carbon.super", "pam", SUBSCRIBER, "Internal/partner"),
        user("carbon.super", "nobody"),
        user(ACME, "jane", SUBSCRIBER),
    ]
    aws.records.commit(*map(Put, users))
    for tenant in ("carbon.super", ACME):
        aws.records.commit(*map(Put, default_policies(tenant)))
    aws.records.commit(*(Put(one) for known in CATALOGUE for one in (known, card_of(known))))
    aws.documents.write(
        "carbon.super/pizza/definition.json",
        json.dumps(
            {
                "openapi": "3.0.3",
                "info": {"title": "Pizza", "version": "1.0.0"},
                "servers": [{"url": "https://backend.example/secret-path"}],
                "paths": {"/menu": {"get": {"responses": {"200": {"description": "Menu"}}}}},
            }
        ).encode(),
        "application/json",
    )
    sessions = Sessions(aws.records, SystemClock(), secure=False)
    cookies = {}
    for one in users:
        cookie = sessions.begin(one)
        name = one.name if one.tenant == "carbon.super" else f"{one.name}@{one.tenant}"
        cookies[name] = f"{cookie.name}={cookie.value}"
    yield Store(aws, cookies, {one.id: one for one in CATALOGUE}, schemas, asked)
    os.environ["PORTICO_GATEWAY_URL"] = before
    for cached in (
        function.records,
        function.services,
        function.sessions,
        function.callers,
        function.app,
    ):
        cached.cache_clear()
