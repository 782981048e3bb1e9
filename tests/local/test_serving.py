"""The loopback server hands on requests as they came."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tools.local.exchange import Request, Response
from tools.local.serving import Server


@pytest.fixture
def server() -> Iterator[tuple[int, list[Request]]]:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        if request.path == "/fail":
            raise RuntimeError("a bug")
        return Response(
            204 if request.path == "/none" else 200, [("X-B", "1"), ("X-B", "2")], b"hi"
        )

    running = Server(0, answer)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running.server_address[1], seen
    running.shutdown()
    thread.join()
    running.server_close()


def talk(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(raw)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_two_requests_on_one_connection(server: tuple[int, list[Request]]) -> None:
    port, seen = server
    first = b"GET /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
    second = b"HEAD /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = talk(port, first + second)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.count(b"X-B: ") == 4
    assert (seen[0].path, seen[0].query) == ("/a%20b", "x=1")
    assert [pair for pair in seen[0].headers if pair[0].lower() == "x-a"] == [
        ("X-A", "1"),
        ("x-a", "2"),
    ]


def test_a_chunked_body_is_put_together(server: tuple[int, list[Request]]) -> None:
    port, seen = server
    talk(
        port,
        b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
    )
    assert seen[0].body == b"abcde"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: many",
        b"Content-Length: 99999999999",
        b"Content-Length: 2\r\nContent-Length: 4",
        b"Transfer-Encoding: chunked",
    ],
)
def test_a_body_with_wrong_framing_is_refused(
    server: tuple[int, list[Request]], head: bytes
) -> None:
    port, seen = server
    answer = talk(port, b"POST / HTTP/1.1\r\nHost: h\r\n" + head + b"\r\n\r\nzz\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not seen


def test_a_path_with_an_empty_first_segment_stays_one(
    server: tuple[int, list[Request]],
) -> None:
    port, seen = server
    talk(port, b"GET //a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert seen[0].path == "//a"


def test_a_folded_header_is_one_line(server: tuple[int, list[Request]]) -> None:
    port, seen = server
    head = b"X-A: b\r\n\tX-Secret: c\r\nConnection: close\r\n\r\n"
    talk(port, b"GET /a HTTP/1.1\r\nHost: h\r\n" + head)
    assert seen[0].header("x-a") == "b X-Secret: c"


def test_a_bug_is_a_500_without_its_message(server: tuple[int, list[Request]]) -> None:
    answer = talk(server[0], b"GET /fail HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"a bug" not in answer
