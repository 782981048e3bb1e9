"""Token-issue extensions at the token endpoint: classes of a plug-in layer and functions."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import jwt
import pytest

from functions.token import handler as function
from functions.token.extensions import extender
from portico.domain.errors import Unavailable
from portico.domain.plugins import Extra
from portico.domain.records import Put
from portico.domain.token_rules import TokenRules
from portico.domain.user import RefreshToken
from portico.services.clients import digest
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server, forget

PLUGINS = Path(__file__).parents[2] / "data" / "plugins"
PASSWORD = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}
MINTING = "acme_plugins.minting.JwtMinting"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:portico-hook-claims"


@pytest.fixture(scope="module", autouse=True)
def _plugins(server: Server) -> Iterator[None]:
    sys.path.append(str(PLUGINS))
    os.environ["PORTICO_PLUGIN_PACKAGES"] = "acme_plugins"
    forget()
    yield
    sys.path.remove(str(PLUGINS))
    os.environ["PORTICO_PLUGIN_PACKAGES"] = ""
    forget()


@pytest.fixture(scope="module")
def credentials(server: Server) -> tuple[str, str]:
    return server.client("extended")[1]


def rule(server: Server, extension: str, **more: Any) -> None:
    known = server.aws.records.get(TokenRules, tenant=TENANT)
    rules = TokenRules(tenant=TENANT, stamp=known.stamp if known else 0, **more)
    server.aws.records.commit(Put(replace(rules, extension=extension)))


def test_the_example_mints_a_jwt_of_its_own_into_a_header(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, MINTING)
    answer = server.token({**PASSWORD, "scope": "openid"}, basic=credentials)
    assert answer.status == 200
    assert answer.json["session_kind"] == "acme"
    minting = sys.modules["acme_plugins.minting"]
    public = minting.key().public_key()
    claims = jwt.decode(answer.headers["X-JWT-Session"], public, algorithms=["ES256"])
    assert claims["sub"] == "jane"
    assert "Internal/publisher" in claims["roles"]
    assert claims["exp"] == server.claims(answer.json["access_token"])["exp"]


def test_every_grant_asks_it_a_refresh_and_a_client_too(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, MINTING)
    first = server.token(PASSWORD, basic=credentials)
    refresh = {"grant_type": "refresh_token", "refresh_token": first.json["refresh_token"]}
    for form in (refresh, {"grant_type": "client_credentials"}):
        answer = server.token(form, basic=credentials)
        assert answer.status == 200
        assert answer.headers["X-JWT-Session"].count(".") == 2


def test_an_applications_own_goes_before_the_tenants(server: Server) -> None:
    telling = "acme_plugins.faults.Telling"
    client, credentials = server.client("own extension")
    of_application, keys = server.client("keys of an application", application_id="app-1")
    rule(server, MINTING, extensions={client.client_id: telling, "app-1": telling})
    for mine, secret in ((client, credentials), (of_application, keys)):
        answer = server.token(PASSWORD, basic=secret)
        assert "X-JWT-Session" not in answer.headers
        assert answer.json["told"]["client"]["id"] == mine.client_id
    other = server.client("without its own")[1]
    assert "X-JWT-Session" in server.token(PASSWORD, basic=other).headers


def test_it_is_told_who_and_what_and_no_secret(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, "acme_plugins.faults.Telling")
    answer = server.token(PASSWORD, basic=credentials)
    told = answer.json["told"]
    assert told["user"]["name"] == "jane"
    assert told["user"]["claims"]["http://wso2.org/claims/username"] == "jane"
    assert told["claims"] == server.claims(answer.json["access_token"])
    text = json.dumps(told)
    for secret in (credentials[1], JANE_PASSWORD, answer.json["access_token"]):
        assert secret not in text
    assert answer.json["refresh_token"] not in text
    assert "argon2" not in text


FAULTY = ("Hanging", "Raising", "Exiting", "Splitting", "Replacing", "Nowhere")


@pytest.mark.parametrize("name", FAULTY)
def test_one_that_fails_stops_the_issuing_and_nothing_is_used_up(
    server: Server, credentials: tuple[str, str], name: str
) -> None:
    rule(server, "")
    refresh = server.token(PASSWORD, basic=credentials).json["refresh_token"]
    rule(server, f"acme_plugins.faults.{name}", extension_seconds=0.2)
    for form in (PASSWORD, {"grant_type": "refresh_token", "refresh_token": refresh}):
        answer = server.token(form, basic=credentials)
        assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
        assert "hunter2" not in answer.text
        assert "access_token" not in answer.json
        assert "X-Name" not in answer.headers
    token = server.aws.records.get(RefreshToken, tenant=TENANT, digest=digest(refresh))
    assert token
    assert not token.used
    rule(server, "")
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert server.token(form, basic=credentials).status == 200


@pytest.mark.parametrize("name", FAULTY)
def test_one_that_fails_is_left_out_where_the_tenant_wants_that(
    server: Server, credentials: tuple[str, str], name: str
) -> None:
    rule(server, f"acme_plugins.faults.{name}", extension_seconds=0.2, extension_open=True)
    answer = server.token(PASSWORD, basic=credentials)
    assert answer.status == 200
    assert "X-Name" not in answer.headers
    assert server.claims(answer.json["access_token"])["sub"] == "jane@carbon.super"


def test_it_cannot_change_what_is_signed_and_told(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, "acme_plugins.faults.Meddling")
    answer = server.token(PASSWORD, basic=credentials)
    assert (answer.json["scope"], answer.json["expires_in"]) == ("default", 3600)
    assert server.claims(answer.json["access_token"])["sub"] == "jane@carbon.super"


def test_a_class_of_another_package_is_never_imported(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, "antigravity.Fly")
    assert server.token(PASSWORD, basic=credentials).status == 503
    assert "antigravity" not in sys.modules


class StubFunctions:
    """Lambda's `invoke`: notes calls, answers what it was given."""

    def __init__(self, answer: Any, error: str = "") -> None:
        self.answer, self.error = answer, error
        self.calls: list[tuple[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.calls.append((FunctionName, json.loads(Payload)))
        raw = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        told: dict[str, Any] = {"Payload": BytesIO(raw)}
        return {**told, "FunctionError": self.error} if self.error else told


def asked(server: Server, stub: StubFunctions) -> Extra:
    """What the extension of the tenant's rules adds for a token of Jane's."""
    wiring = replace(function.wiring(), functions=lambda seconds: stub)  # type: ignore[arg-type,return-value]
    client, _ = server.client("called")
    claims = {"sub": "jane@carbon.super", "aut": "APPLICATION_USER", "scope": "openid"}
    return extender(wiring)(client, claims)


@pytest.mark.parametrize("name", [FUNCTION, "portico-hook-claims"])
def test_a_function_adds_what_it_answers(server: Server, name: str) -> None:
    stub = StubFunctions({"headers": {"X-Cost-Centre": "42"}, "fields": {"cost": 42}})
    rule(server, name)
    assert asked(server, stub) == Extra({"cost": 42}, {"X-Cost-Centre": "42"})
    (called, payload), *others = stub.calls
    assert (called, others) == (name, [])
    assert payload["user"]["name"] == "jane"


@pytest.mark.parametrize(
    "stub",
    [
        StubFunctions({"errorMessage": "hunter2"}, "Unhandled"),
        StubFunctions(b"no JSON"),
        StubFunctions(b'{"fields": {"a": "' + b"x" * 70_000 + b'"}}'),
        StubFunctions([]),
        StubFunctions({"status": 200}),
    ],
)
def test_a_function_that_fails_stops_the_issuing(server: Server, stub: StubFunctions) -> None:
    rule(server, FUNCTION)
    with pytest.raises(Unavailable) as caught:
        asked(server, stub)
    assert "hunter2" not in str(caught.value)
    assert len(stub.calls) == 1


def test_a_function_that_is_not_there_stops_the_issuing(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, "portico-hook-nowhere")
    assert server.token(PASSWORD, basic=credentials).status == 503


@contextmanager
def slow_functions(seconds: float) -> Iterator[list[str]]:
    """Lambda's API on a loopback port, whose functions take this long; gives the paths called."""
    calls: list[str] = []
    ended = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(self.path)
            ended.wait(seconds)
            with suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    os.environ["AWS_ENDPOINT_URL_LAMBDA"] = f"http://127.0.0.1:{listening.server_port}"
    function._functions.cache_clear()
    try:
        yield calls
    finally:
        del os.environ["AWS_ENDPOINT_URL_LAMBDA"]
        function._functions.cache_clear()
        ended.set()
        listening.shutdown()
        listening.server_close()


def test_a_slow_function_is_called_once_and_waited_for_no_longer_than_allowed(
    server: Server, credentials: tuple[str, str]
) -> None:
    rule(server, FUNCTION, extension_seconds=0.3)
    with slow_functions(5) as calls:
        server.token({"grant_type": "client_credentials"}, basic=credentials)  # makes the client
        began = time.monotonic()
        answer = server.token({"grant_type": "client_credentials"}, basic=credentials)
        assert time.monotonic() - began < 2
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert len(calls) == 2
    assert calls[1].endswith("/invocations")
    with slow_functions(0):
        assert server.token({"grant_type": "client_credentials"}, basic=credentials).status == 200
