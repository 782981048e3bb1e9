"""The admin function, called with events as its URL gives them, against the embedded AWS."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest

from functions.admin import handler
from portico.clock import SystemClock
from portico.domain.gateway import PublicKeys
from portico.domain.records import Put
from portico.domain.user import ADMIN, PUBLISHER, Caller
from portico.services.accounts import Accounts
from portico.services.passwords import Passwords
from portico.services.tenants import Tenants
from portico.tokens.jwt import sign
from portico.tokens.keys import RS256, generate, public_jwk, signing_key
from tests.conftest import Aws

TENANT = "carbon.super"
PASSWORD = "correct horse"
HOST = "abc.lambda-url.us-east-1.on.aws"


class Context:
    """What the function needs of Lambda's context."""

    function_name = "admin"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:admin"
    aws_request_id = "00000000-0000-0000-0000-000000000001"


@dataclass(frozen=True)
class Answer:
    """An answer of the function."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Client:
    """Calls the function. `authorization` is sent unless a call says otherwise."""

    authorization: str
    access_key: str

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        authorization: str | None = None,
    ) -> Answer:
        sent = {"content-type": "application/json", "host": HOST, **(headers or {})}
        credential = self.authorization if authorization is None else authorization
        if credential:
            sent["authorization"] = credential
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": {k: ",".join(v) for k, v in parse_qs(query).items()},
            "headers": sent,
            "requestContext": {
                "domainName": HOST,
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
                "requestId": "1",
                "stage": "$default",
            },
            "body": text,
            "isBase64Encoded": False,
        }
        raw = handler.handler(event, Context())  # type: ignore[arg-type] # the fake context
        found = {name.lower(): value for name, value in raw.get("headers", {}).items()}
        return Answer(raw["statusCode"], found, raw.get("body") or "")

    def rest(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return self.call(method, f"/api/am/admin/v4{path}", body, **more)

    def token(self, user: str, scope: str) -> str:
        """An `Authorization` header with a fresh access token."""
        now = int(SystemClock().now())
        claims = {
            "iss": "http://127.0.0.1:8280/oauth2/token",
            "sub": f"{user}@{TENANT}",
            "aud": "client",
            "client_id": "client",
            "scope": scope,
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            "aut": "APPLICATION_USER",
            "tenant": TENANT,
            "fam": "f",
        }
        return f"Bearer {sign(claims, signing_key(self.access_key), typ='at+jwt')}"


def basic(name: str, password: str) -> str:
    """An `Authorization` header with a password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def forget() -> None:
    """Make the function read its environment again."""
    for cached in (
        handler.records,
        handler.accounts,
        handler.sessions,
        handler.wiring,
        handler.rest,
    ):
        cached.cache_clear()


@pytest.fixture(scope="module")
def client(aws: Aws) -> Iterator[Client]:
    """A prepared tenant with the users `admin` and `jane`, a publisher; calls are the admin's."""
    forget()
    key = json.dumps({"keys": [generate(RS256, 1)]})
    jwk = public_jwk(signing_key(key))
    aws.records.commit(Put(PublicKeys(tenant="*", keys=[jwk], access=(jwk["kid"],))))
    clock = SystemClock()
    Tenants(aws.records, clock).prepare(TENANT)
    accounts = Accounts(aws.records, clock, Passwords())
    accounts.create(Caller(TENANT, "test"), "admin", PASSWORD, [ADMIN])
    accounts.create(Caller(TENANT, "test"), "jane", PASSWORD, [PUBLISHER], email="jane@example.com")
    made = Client("", key)
    yield Client(made.token("admin", "apim:admin openid"), key)
    forget()
