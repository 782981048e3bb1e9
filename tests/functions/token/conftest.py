"""The token function on the embedded AWS, with keys in a secret, an administrator and Jane."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from functions.token import handler as function
from portico.clock import SystemClock
from portico.domain.application import Client
from portico.domain.gateway import PublicKeys
from portico.domain.records import Put
from portico.domain.user import ADMIN, CREATOR, PUBLISHER, SUBSCRIBER, Caller
from portico.services.accounts import Accounts
from portico.services.clients import Clients
from portico.services.passwords import Passwords
from portico.tokens.jwt import verify
from portico.tokens.keys import RS256, generate, public_jwk, signing_key, verification_keys
from tests.conftest import REGION, Aws
from tests.events import Context

TENANT = "carbon.super"
ADMIN_PASSWORD = "admin-of-tests"
JANE_PASSWORD = "jane-of-tests"
GRANTS = ("client_credentials", "password", "refresh_token")


@dataclass
class Answer:
    """What a caller sees."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Server:
    """The function behind an HTTP API, and what tests put into its tables."""

    aws: Aws
    jwks: list[dict[str, Any]]
    caller: Caller = field(default=Caller(TENANT, "admin", (ADMIN,)))

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.aws.records, SystemClock(), Passwords())
        self.clients = Clients(self.aws.records, SystemClock())

    def client(self, name: str, **more: Any) -> tuple[Client, tuple[str, str]]:
        """A client, and its credentials."""
        grants = more.pop("grant_types", GRANTS)
        owner = Caller(TENANT, more.pop("owner", "jane"))
        client, secret = self.clients.create(owner, name, grants, **more)
        return client, (client.client_id, secret)

    def call(
        self,
        method: str,
        path: str,
        form: Any = None,
        *,
        basic: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: str | None = None,
        address: str = "203.0.113.7",
        query: str = "",
    ) -> Answer:
        """A call as HTTP API hands it over; `form` as a form body, in base64 as AWS sends it."""
        fields = dict(headers or {})
        if basic:
            fields["Authorization"] = basic_header(*basic)
        if form is not None:
            fields.setdefault("content-type", "application/x-www-form-urlencoded")
            body = base64.b64encode(urlencode(form).encode()).decode()
        event = {
            "version": "2.0",
            "routeKey": "ANY /oauth2/{proxy+}",
            "rawPath": path,
            "rawQueryString": query,
            "headers": fields,
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": address},
                "stage": "$default",
            },
            "body": body,
            "isBase64Encoded": form is not None,
        }
        answered = function.handler(event, Context("token"))
        return Answer(answered["statusCode"], answered["headers"], answered["body"])

    def token(self, form: Any, **more: Any) -> Answer:
        """A call of the token endpoint."""
        return self.call("POST", "/oauth2/token", form, **more)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of an access token that the deployment's keys signed."""
        return verify(token, verification_keys(self.jwks))


def basic_header(user: str, password: str) -> str:
    """An Authorization header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def server(aws: Aws) -> Iterator[Server]:
    """The function with its keys, an administrator, and Jane with all other roles."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    entry = generate(RS256, 1_700_000_000)
    text = json.dumps({"keys": [entry]})
    arn = secrets.create_secret(Name=f"{aws.settings.bucket}-keys", SecretString=text)["ARN"]
    secrets.close()
    jwk = public_jwk(signing_key(text))
    aws.records.commit(Put(PublicKeys(tenant="*", keys=[jwk], access=(entry["kid"],))))
    os.environ["PORTICO_ACCESS_TOKEN_SECRET"] = arn
    forget()
    server = Server(aws, [jwk])
    server.accounts.create(server.caller, "admin", ADMIN_PASSWORD, [ADMIN])
    server.accounts.create(server.caller, "jane", JANE_PASSWORD, [CREATOR, PUBLISHER, SUBSCRIBER])
    yield server
    forget()
    del os.environ["PORTICO_ACCESS_TOKEN_SECRET"]


def forget() -> None:
    """Make the function start anew, as a fresh execution environment does."""
    for cached in (function.settings, function._records, function.wiring, function._secrets):
        cached.cache_clear()
