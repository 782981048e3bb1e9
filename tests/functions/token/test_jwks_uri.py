"""Keys that clients and issuers publish at an address (`jwks_uri`), over real HTTP."""

import json
import os
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from functions.token import handler as function
from portico.domain.records import Put, Replace
from portico.domain.token_rules import TokenRules, TrustedIssuer
from tests.functions.token.conftest import TENANT, Answer, Server, forget
from tests.functions.token.signing import Pair, in_time, pair

ENDPOINT = "http://127.0.0.1:8280/oauth2/token"
ISSUER = "https://idp.example"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
HOSTS = "PORTICO_ALLOWED_BACKEND_HOSTS"


@dataclass
class Publisher:
    """Where the keys are; counts how often they are asked for."""

    url: str
    keys: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    asked: int = 0


@pytest.fixture
def publisher(server: Server) -> Iterator[Publisher]:
    """A server on this machine, which an operator has allowed."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked += 1
            content = json.dumps({"keys": published.keys}).encode()
            self.send_response(published.status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    published = Publisher(f"http://127.0.0.1:{listening.server_port}/jwks")
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    before = os.environ.get(HOSTS)
    os.environ[HOSTS] = "127.0.0.1"
    forget()
    yield published
    os.environ.pop(HOSTS)
    if before is not None:
        os.environ[HOSTS] = before
    forget()
    listening.shutdown()
    thread.join()
    listening.server_close()


def sign_in(server: Server, url: str, key: Pair) -> Answer:
    client, _ = server.client(f"jwks-{uuid.uuid4()}")
    changed = replace(client, auth_method="private_key_jwt", jwks_uri=url)
    server.aws.records.commit(Replace(changed))
    name = client.client_id
    claims = in_time(iss=name, sub=name, aud=ENDPOINT, jti=str(uuid.uuid4()))
    form = {"client_assertion_type": TYPE, "client_assertion": key.sign(claims)}
    return server.token({"grant_type": "client_credentials", **form})


def test_a_client_is_known_by_the_keys_at_its_address(server: Server, publisher: Publisher) -> None:
    publisher.keys = [pair("ES256").jwk]
    assert sign_in(server, publisher.url, pair("ES256")).status == 200
    assert sign_in(server, publisher.url, pair("ES256", "attacker")).status == 401
    assert publisher.asked == 1


def test_a_key_that_was_not_there_is_looked_for_again_but_not_often(
    server: Server, publisher: Publisher
) -> None:
    publisher.keys = [pair("ES256").jwk]
    assert sign_in(server, publisher.url, pair("ES256")).status == 200
    publisher.keys.append(pair("ES256", "next").jwk)
    keys = function.wiring().remote_keys
    keys._sets[publisher.url].tried -= 61  # a minute later
    assert sign_in(server, publisher.url, pair("ES256", "next")).status == 200
    for _ in range(3):
        assert sign_in(server, publisher.url, pair("ES256", "attacker")).status == 401
    assert publisher.asked == 2


@pytest.mark.parametrize("status", [302, 404, 500])
def test_without_keys_nobody_gets_in_and_trying_again_is_sensible(
    server: Server, publisher: Publisher, status: int
) -> None:
    publisher.status, publisher.keys = status, [pair("ES256").jwk]
    answer = sign_in(server, publisher.url, pair("ES256"))
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert publisher.asked == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://localhost/jwks",
        "https://10.0.0.1/jwks",
        "file:///etc/passwd",
        "http://user@127.0.0.1/",
        "jwks",
    ],
)
def test_an_address_that_leads_inside_is_not_asked(
    server: Server, publisher: Publisher, url: str
) -> None:
    answer = sign_in(server, url, pair("ES256"))
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")


def test_a_trusted_issuers_keys_may_be_at_an_address_too(
    server: Server, publisher: Publisher
) -> None:
    publisher.keys = [pair("RS256").jwk]
    issuer = TrustedIssuer(ISSUER, jwks_uri=publisher.url)
    server.aws.records.commit(Put(TokenRules(tenant=TENANT, issuers=(issuer,))))
    _, credentials = server.client("published", grant_types=(JWT_BEARER,))
    assertion = pair("RS256").sign(in_time(iss=ISSUER, sub="jane", aud=ENDPOINT, jti="a"))
    form = {"grant_type": JWT_BEARER, "assertion": assertion}
    assert server.token(form, basic=credentials).status == 200
    server.aws.records.commit(Put(TokenRules(tenant=TENANT)))
