"""One exchange with an address that was checked, with a server on 127.0.0.1 that the test runs."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portico.domain.addresses import AddressRefused
from portico.domain.errors import TooLarge
from portico.gateway.outbound import NoAnswer, Outbound, TooSlow


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; `/status/404` with that, `/drops` byte by byte."""

    def do_GET(self) -> None:
        if self.path == "/drops":
            self._drip()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = f"{self.command} {self.path} {self.headers['Host']} ".encode() + body
        status = int(self.path.rpartition("/")[2]) if "/status/" in self.path else 200
        self.send_response(status)
        self.send_header("X-Said", self.headers.get("X-Say", ""))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # the client goes away
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def at(*addresses: str) -> Outbound:
    return Outbound(("idp.example",), lambda host, port: addresses, 2)


def test_the_checked_address_is_asked_under_its_name(port: int) -> None:
    url = f"http://idp.example:{port}/token?a=b"
    reply = at("127.0.0.1").send("POST", url, {"X-Say": "hello"}, b"body", max_bytes=1000)
    assert reply.status == 200
    assert reply.content == f"POST /token?a=b idp.example:{port} body".encode()
    assert reply.headers["x-said"] == "hello"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_internal_addresses_are_refused(address: str) -> None:
    for url in ("https://other.example/", "http://other.example/"):
        with pytest.raises(AddressRefused):
            at(address).send("GET", url)


def test_where_encryption_is_asked_for_plain_http_is_for_allowed_hosts(port: int) -> None:
    with pytest.raises(AddressRefused, match="https"):
        at("93.184.216.34").send("GET", "http://other.example/jwks", encrypted=True)
    url = f"http://idp.example:{port}/"
    assert at("127.0.0.1").send("GET", url, encrypted=True).status == 200


def test_a_long_answer_is_not_read_to_its_end(port: int) -> None:
    with pytest.raises(TooLarge):
        at("127.0.0.1").send("GET", f"http://idp.example:{port}/long", max_bytes=5)
    reply = at("127.0.0.1").send("GET", f"http://idp.example:{port}/status/404", max_bytes=5)
    assert (reply.status, reply.content) == (404, b"GET /")


def test_an_answer_drop_by_drop_is_not_waited_for(port: int) -> None:
    began = time.monotonic()
    with pytest.raises(TooSlow):
        at("127.0.0.1").send("GET", f"http://idp.example:{port}/drops", max_bytes=1000, seconds=0.3)
    assert time.monotonic() - began < 2


def test_who_says_nothing_or_is_not_there_gives_no_answer() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        number = silent.getsockname()[1]
        with pytest.raises(NoAnswer):
            at("127.0.0.1").send("GET", f"http://idp.example:{number}/", seconds=0.3)
    with pytest.raises(NoAnswer):
        at("127.0.0.1").send("GET", "http://idp.example:1/")


def test_a_header_cannot_begin_another(port: int) -> None:
    with pytest.raises(NoAnswer):
        at("127.0.0.1").send("GET", f"http://idp.example:{port}/", {"X-Say": "a\r\nHost: b"})


def test_a_server_that_speaks_no_tls_gives_no_answer_to_https(port: int) -> None:
    with pytest.raises(NoAnswer):
        at("127.0.0.1").send("GET", f"https://idp.example:{port}/")
