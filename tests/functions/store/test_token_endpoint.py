"""The token endpoint as the store asks it: every answer that it may get."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from functions.store.token_endpoint import HttpTokenEndpoint
from portico.domain.errors import InvalidInput, Unauthenticated, Unavailable
from tests.conftest import free_port


class Server(ThreadingHTTPServer):
    """Answers what a test wants."""

    status = 200
    content = b"{}"
    asked: str = ""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def endpoint(server: Server) -> HttpTokenEndpoint:
    return HttpTokenEndpoint(f"http://127.0.0.1:{server.server_port}")


def test_a_token(server: Server, endpoint: HttpTokenEndpoint) -> None:
    server.content = b'{"access_token": "t", "expires_in": 60, "scope": "a b"}'
    assert endpoint.client_credentials("key", "secret", ["a", "b"], None) == ("t", ("a", "b"), 60)
    assert server.asked == "grant_type=client_credentials&scope=a+b"


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (401, b'{"error": "invalid_client"}', Unauthenticated),
        (400, b'{"error": "invalid_scope", "error_description": "no such scope"}', InvalidInput),
        (400, b"<html>", InvalidInput),
        (500, b"", Unavailable),
        (302, b"", Unavailable),
        (200, b"", Unavailable),
        (200, b"<html>", Unavailable),
        (200, b"[]", Unavailable),
        (200, b'{"access_token": "t"}', Unavailable),
        (200, b'{"access_token": "t", "expires_in": "soon"}', Unavailable),
    ],
)
def test_answers_without_a_token(
    server: Server,
    endpoint: HttpTokenEndpoint,
    status: int,
    content: bytes,
    error: type[Exception],
) -> None:
    server.status, server.content = status, content
    with pytest.raises(error):
        endpoint.client_credentials("key", "secret", (), None)


def test_an_invalid_scope_names_the_field(server: Server, endpoint: HttpTokenEndpoint) -> None:
    server.status, server.content = 400, b'{"error": "invalid_scope"}'
    with pytest.raises(InvalidInput) as refused:
        endpoint.client_credentials("key", "secret", ["x"], None)
    assert [one.field for one in refused.value.problems] == ["scopes"]


def test_nobody_there() -> None:
    endpoint = HttpTokenEndpoint(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        endpoint.client_credentials("key", "secret", (), None)
