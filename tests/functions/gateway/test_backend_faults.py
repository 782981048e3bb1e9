"""Back ends that hang, lie, break off or say too much: each has one clear answer, and no call gets
another one's.
"""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from functions.gateway.backends import Backends
from tests.functions.gateway.backend import OK, Backend, plain, running
from tests.functions.gateway.test_forward import event, failure, send


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


@pytest.fixture
def backends() -> Iterator[Backends]:
    backends = Backends(("127.0.0.1",))
    yield backends
    backends.close()


def saying(*parts: bytes, pause: float = 0, end: bool = False) -> Callable[..., None]:
    def behave(connection: socket.socket, _request: bytes) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        if end:
            connection.shutdown(socket.SHUT_RDWR)

    return behave


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
DRIP = [b"x"] * 12


@pytest.mark.parametrize(
    "behave",
    [
        saying(b"", pause=1),
        saying(b"HTTP/1.1 200 OK\r\nX-", pause=1),
        saying(HEAD + b"Content-Length: 5\r\n\r\n", pause=1),
        saying(HEAD + b"Content-Length: 5\r\n\r\nhel", pause=1),
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", pause=1),
        saying(b"HTTP/1.1 200 OK\r\nX-A: ", *DRIP, pause=0.1),
        saying(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 12, pause=0.1),
        saying(HEAD + b"Content-Length: 50\r\n\r\n", *DRIP, pause=0.1),
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: ", *DRIP, pause=0.1),
    ],
    ids=[
        "before its answer",
        "in its headers",
        "before the body",
        "in the body",
        "between chunks",
        "dripping headers",
        "interim answers for ever",
        "a dripping body",
        "dripping trailers",
    ],
)
def test_whoever_hangs_is_given_up_in_time(
    backend: Backend, backends: Backends, behave: Callable[..., None]
) -> None:
    backend.behave = behave
    started = time.monotonic()
    assert failure(backend, backends, seconds=0.4) == "101504"
    assert time.monotonic() - started < 0.8
    assert backends.idle == 0


def test_who_drips_and_then_is_silent_gets_no_second_time(
    backend: Backend, backends: Backends
) -> None:
    backend.behave = saying(HEAD + b"Content-Length: 50\r\n\r\n", *[b"x"] * 8, pause=0.1)
    started = time.monotonic()
    assert failure(backend, backends, seconds=1) == "101504"
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 9\r\n\r\nhalf",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        HEAD + b"Content-Length: 2, 3\r\n\r\nokk",
        HEAD + b"Content-Length: -2\r\n\r\nok",
        HEAD + b"Content-Length: +2\r\n\r\nok",
        HEAD + b"Content-Length: two\r\n\r\nok",
        HEAD + b"no header at all\r\nContent-Length: 2\r\n\r\nok",
        HEAD + b"X-Long: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\nok",
        HEAD + b"X-Many: 1\r\n" * 150 + b"Content-Length: 2\r\n\r\nok",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_cannot_be_read_is_101507_and_ends_the_connection(
    backend: Backend, backends: Backends, answer: bytes
) -> None:
    backend.behave = saying(answer, end=True)
    assert failure(backend, backends) == "101507"
    assert backends.idle == 0


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"Content-Length: 2, 2\r\n\r\nok", "ok"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (
            HEAD + b"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2;ext=1\r\nok\r\n0\r\nX-T: 1\r\n\r\n",
            "ok",
        ),
        (HEAD + b"Content-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", ""),
        (HEAD.replace(b" OK", b"") + b"Content-Length: 2\r\n\r\nok", "ok"),
    ],
)
def test_odd_but_clear_answers_leave_the_connection_usable(
    backend: Backend, backends: Backends, answer: bytes, body: str
) -> None:
    backend.behave = saying(answer)
    for _ in range(3):
        found = send(backend, backends)
        assert found.body == body
        assert "x-t" not in found.headers
    assert backend.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        OK + b"more",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["two framings", "a second answer", "too much", "content where none may be"],
)
def test_nothing_is_left_on_a_connection_for_the_next_call(
    backend: Backend, backends: Backends, answer: bytes
) -> None:
    backend.behave = saying(answer)
    assert send(backend, backends).body in ("ok", "")
    assert backends.idle == 0
    backend.behave = plain
    assert send(backend, backends).body == "ok"
    assert backend.connections == 2


def test_what_comes_late_and_unasked_ends_the_connection(
    backend: Backend, backends: Backends
) -> None:
    send(backend, backends)
    backend.open[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    time.sleep(0.05)
    assert send(backend, backends).body == "ok"
    assert backend.connections == 2


def test_a_head_requests_content_length_announces_nothing(
    backend: Backend, backends: Backends
) -> None:
    backend.behave = saying(HEAD + b"Content-Length: 9000000\r\n\r\n")
    for _ in range(2):
        assert send(backend, backends, event("HEAD")).body == ""
    assert backend.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_closed_idle_connection_is_noticed_before_anything_is_sent(
    backend: Backend, backends: Backends, method: str
) -> None:
    given = event(method, body=b"x" if method == "POST" else None)
    send(backend, backends, given)
    backend.open[0].shutdown(socket.SHUT_RDWR)
    time.sleep(0.05)
    assert send(backend, backends, given).status == 200
    assert len(backend.requests) == 2


def test_a_call_is_repeated_once_only(backend: Backend, backends: Backends) -> None:
    send(backend, backends)
    backend.behave = lambda connection, _request: connection.shutdown(socket.SHUT_RDWR)
    assert failure(backend, backends) == "101503"
    assert len(backend.requests) == 3


def test_on_a_fresh_connection_nothing_is_repeated(backend: Backend, backends: Backends) -> None:
    backend.behave = lambda connection, _request: connection.shutdown(socket.SHUT_RDWR)
    assert failure(backend, backends) == "101503"
    assert len(backend.requests) == 1


def test_a_call_that_ran_out_of_time_is_not_repeated(backend: Backend, backends: Backends) -> None:
    send(backend, backends)
    backend.behave = lambda *_: time.sleep(0.5)
    assert failure(backend, backends, seconds=0.2) == "101504"
    assert len(backend.requests) == 2


def test_a_refusal_before_the_bodys_end_is_the_answer(backend: Backend, backends: Backends) -> None:
    """The back end reads the head only, answers 413 and closes; the rest is still being sent."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def serve(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(refusal)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
        connection.close()

    backend.serve = serve  # type: ignore[method-assign]
    assert send(backend, backends, event("POST", body=b"x" * 3_000_000)).status == 413


def test_folded_and_strange_header_values_come_back_on_one_line(
    backend: Backend, backends: Backends
) -> None:
    backend.behave = saying(
        HEAD + b"X-A: one\r\n two\r\nX-B: a\x0bb\r\nX-C: caf\xe9\r\nContent-Length: 2\r\n\r\nok"
    )
    headers = send(backend, backends).headers
    assert (headers["x-a"], headers["x-b"], headers["x-c"]) == ("one two", "ab", "café")


def test_an_answer_announced_too_large_is_not_even_read(
    backend: Backend, backends: Backends
) -> None:
    backend.behave = saying(HEAD + b"Content-Length: 99999999\r\n\r\n")
    started = time.monotonic()
    assert failure(backend, backends) == "101513"
    assert time.monotonic() - started < 1
