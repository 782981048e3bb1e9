"""What reaches a real back end on loopback, and what of its answer comes back."""

import base64
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from functions.gateway.answers import Answer
from functions.gateway.backends import Backends
from functions.gateway.forward import Forwarder, NotDelivered
from tests.functions.gateway.backend import OK, Backend, plain, running


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


@pytest.fixture
def backends() -> Iterator[Backends]:
    backends = Backends(("127.0.0.1",))
    yield backends
    backends.close()


def event(
    method: str = "GET",
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    cookies: list[str] | None = None,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "routeKey": "$default",
        "rawQueryString": query,
        "headers": {"host": "gateway.example", **(headers or {})},
        "requestContext": {"http": {"method": method, "sourceIp": "203.0.113.7"}},
    }
    if body is not None:
        made |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    if cookies:
        made["cookies"] = cookies
    return made


def send(
    backend: Backend, backends: Backends, given: dict[str, Any] | None = None, **decision: Any
) -> Answer:
    seconds = decision.pop("seconds", 5.0)
    choice = {
        "jwt": "the.real.assertion",
        "endpoint": backend.url,
        "path": "/menu",
        "header": "Authorization",
        "pass_authorization": "false",
        **decision,
    }
    return Forwarder(backends, seconds=seconds).forward(given or event(), choice)


def failure(*args: Any, **named: Any) -> str:
    with pytest.raises(NotDelivered) as caught:
        send(*args, **named)
    return caught.value.code


# --- the request ---


@pytest.mark.parametrize(
    ("base", "path", "query", "expected"),
    [
        ("", "/menu", "", "/menu"),
        ("", "", "", "/"),
        ("/", "", "", "/"),
        ("/v1", "/menu", "", "/v1/menu"),
        ("/v1/", "/menu", "", "/v1/menu"),
        ("/v1/", "", "", "/v1/"),
        ("/v1", "/", "", "/v1/"),
        ("/v1?key=1", "/menu", "a=b", "/v1/menu?key=1&a=b"),
        ("", "/a b/ü/日", "", "/a%20b/%C3%BC/%E6%97%A5"),
        ("", "/100%/a?b#c", "", "/100%25/a%3Fb%23c"),
        ("", "/a;v=1:b@c!$&'()*+,=~", "", "/a;v=1:b@c!$&'()*+,=~"),
        ("", "/m", "a=%2f&b=%c3%bc+x&a=&&c", "/m?a=%2f&b=%c3%bc+x&a=&&c"),
        ("", "/m", "q={x}|[y]\\^`", "/m?q={x}|[y]\\^`"),
        ("", "/m", "q=a b\r\nX: y", "/m?q=a%20b%0D%0AX:%20y"),
        ("", "/m", "q=ü", "/m?q=%C3%BC"),
    ],
)
def test_path_and_query_arrive_as_they_were(
    backend: Backend, backends: Backends, base: str, path: str, query: str, expected: str
) -> None:
    send(backend, backends, event(query=query), endpoint=backend.url + base, path=path)
    assert backend.line == f"GET {expected} HTTP/1.1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_methods_pass(backend: Backend, backends: Backends, method: str) -> None:
    assert send(backend, backends, event(method)).status == 200
    assert backend.line.startswith(f"{method} ")


def test_a_binary_body_arrives_byte_for_byte(backend: Backend, backends: Backends) -> None:
    content = bytes(range(256)) * 500
    given = event("POST", body=content, headers={"content-type": "application/octet-stream"})
    send(backend, backends, given)
    assert backend.body == content
    assert backend.headers["content-type"] == "application/octet-stream"


def test_a_text_body_arrives_in_utf_8(backend: Backend, backends: Backends) -> None:
    send(backend, backends, {**event("POST"), "body": "süß"})
    assert backend.body == "süß".encode()


def test_only_what_must_change_is_changed(backend: Backend, backends: Backends) -> None:
    sent = {
        "Accept": "application/json",
        "Authorization": "Bearer secret",
        "Connection": "keep-alive, X-Private",
        "X-Private": "1",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "Transfer-Encoding": "chunked",
        "Upgrade": "h2c",
        "Proxy-Authorization": "Basic x",
        "Content-Length": "99",
        "Expect": "100-continue",
        "X-Custom": "kept",
        "Forwarded": "for=evil",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": "198.51.100.9, 203.0.113.7",
    }
    send(backend, backends, event(headers=sent, cookies=["a=1", "b=2"]))
    assert backend.headers == {
        "host": f"127.0.0.1:{backend.port}",
        "accept": "application/json",
        "x-custom": "kept",
        "cookie": "a=1; b=2",
        "x-forwarded-for": "198.51.100.9, 203.0.113.7",
        "x-forwarded-host": "gateway.example",
        "x-forwarded-proto": "https",
        "x-jwt-assertion": "the.real.assertion",
    }


@pytest.mark.parametrize(
    "name",
    ["X-JWT-Assertion", "x-jwt-assertion", "X-Jwt-ASSERTION", "X_JWT_Assertion", "x_jwt-assertion"],
)
def test_a_clients_own_assertion_never_arrives(
    backend: Backend, backends: Backends, name: str
) -> None:
    for connection in ("keep-alive", "X-JWT-Assertion"):
        send(backend, backends, event(headers={name: "forged", "connection": connection}))
        assert "forged" not in backend.last
        assert backend.last.lower().count("assertion:") == 1
        assert backend.headers["x-jwt-assertion"] == "the.real.assertion"


def test_the_internal_target_header_is_nobodys_to_send(
    backend: Backend, backends: Backends
) -> None:
    send(backend, backends, event(headers={"X-Portico-Target": "/admin"}))
    assert backend.line == "GET /menu HTTP/1.1"
    assert "x-portico-target" not in backend.headers


def test_the_access_token_passes_only_if_the_api_says_so(
    backend: Backend, backends: Backends
) -> None:
    given = event(headers={"authorization": "Bearer secret", "x-auth": "Bearer other"})
    send(backend, backends, given)
    assert "authorization" not in backend.headers
    send(backend, backends, given, pass_authorization="true")
    assert backend.headers["authorization"] == "Bearer secret"
    send(backend, backends, given, header="X-Auth")
    assert "x-auth" not in backend.headers
    assert backend.headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("value", ["a\r\nX-JWT-Assertion: forged", "a\nb", "a\x00b"])
def test_a_header_that_would_break_the_framing_is_not_sent(
    backend: Backend, backends: Backends, value: str
) -> None:
    with contextlib.suppress(NotDelivered):
        send(backend, backends, event(headers={"x-custom": value}))
    assert all(b"forged" not in request.split(b"\r\n\r\n")[0] for request in backend.requests)


def test_a_header_beyond_latin_1_is_sent_in_utf_8(backend: Backend, backends: Backends) -> None:
    send(backend, backends, event(headers={"x-custom": "日本"}))
    assert backend.requests[-1].count("日本".encode()) == 1


def test_nothing_is_added_that_the_client_did_not_send(
    backend: Backend, backends: Backends
) -> None:
    send(backend, backends)
    assert not {"user-agent", "accept-encoding", "content-length"} & backend.headers.keys()


# --- the answer ---


def answering(head: str, body: bytes = b"") -> Any:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(
            f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        )

    return behave


@pytest.mark.parametrize("listed", [True, False], ids=["payload 2.0", "sam local"])
def test_the_authorization_servers_cookies_do_not_reach_a_back_end(
    backend: Backend, backends: Backends, listed: bool
) -> None:
    sent = ["a=1", "__Secure-portico-session=s", "portico-browser=b", "__secure-Portico-x=1", "b=2"]
    given = event(cookies=sent) if listed else event(headers={"Cookie": "; ".join(sent)})
    send(backend, backends, given)
    assert backend.headers["cookie"] == "a=1; b=2"


def test_no_cookie_header_is_left_when_all_were_ours(backend: Backend, backends: Backends) -> None:
    send(backend, backends, event(cookies=["portico-session=s"]))
    assert "cookie" not in backend.headers


def test_a_back_end_cannot_set_the_authorization_servers_cookies(
    backend: Backend, backends: Backends
) -> None:
    backend.behave = answering(
        "200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\n"
        "Set-Cookie:  __Secure-portico-session=evil; Path=/oauth2\r\n"
        "Set-Cookie: portico-browser =evil; Path=/oauth2",
        b"ok",
    )
    assert send(backend, backends).cookies == ["a=1"]


def test_status_headers_and_cookies_come_back(backend: Backend, backends: Backends) -> None:
    backend.behave = answering(
        "418 Teapot\r\nContent-Type: application/json\r\nX-A: 1\r\nX-A: 2\r\n"
        "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2, x\r\n"
        "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5",
        '{"ü": 1}'.encode(),
    )
    answer = send(backend, backends)
    assert answer == Answer(
        418,
        {"content-type": "application/json", "x-a": "1, 2"},
        ["a=1; Path=/", "b=2, x"],
        '{"ü": 1}',
        False,
    )


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", bytes(range(256))),
        ("text/plain", b"\xff\xfe latin"),
        ("application/json\r\nContent-Encoding: gzip", b"\x1f\x8b\x08"),
    ],
)
def test_a_binary_answer_comes_back_byte_for_byte(
    backend: Backend, backends: Backends, kind: str, content: bytes
) -> None:
    backend.behave = answering(f"200 OK\r\nContent-Type: {kind}", content)
    answer = send(backend, backends)
    assert answer.encoded
    assert base64.b64decode(answer.body) == content


def test_a_chunked_answer_is_put_together(backend: Backend, backends: Backends) -> None:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    backend.behave = behave
    answer = send(backend, backends)
    assert answer.body == "abcde"
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.0 200 OK\r\nContent-Length: 5",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5",
        "HTTP/1.1 200 OK\r\nConnection: close",
    ],
)
def test_a_connection_that_ends_with_its_answer(
    backend: Backend, backends: Backends, head: str
) -> None:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(f"{head}\r\nContent-Type: text/plain\r\n\r\nhello".encode())
        connection.shutdown(socket.SHUT_RDWR)

    backend.behave = behave
    for _ in range(2):
        assert send(backend, backends).body == "hello"


def test_redirects_are_the_clients_to_follow(backend: Backend, backends: Backends) -> None:
    backend.behave = answering("302 Found\r\nLocation: http://elsewhere.example/")
    answer = send(backend, backends)
    assert (answer.status, answer.headers["location"]) == (302, "http://elsewhere.example/")


def test_an_answer_beyond_lambdas_limit_is_a_clear_error(
    backend: Backend, backends: Backends
) -> None:
    backend.behave = answering("200 OK\r\nContent-Type: image/png", b"\xff" * 5_000_000)
    assert failure(backend, backends) == "101513"
    backend.behave = answering("200 OK\r\nContent-Type: text/plain", b"a" * 7_000_000)
    assert failure(backend, backends) == "101513"
    backend.behave = answering("200 OK\r\nContent-Type: text/plain", b"a" * 6_000_000)
    assert len(send(backend, backends).body) == 6_000_000


# --- what goes wrong ---


def test_nobody_listening_is_101503(backends: Backends) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = Backend(port=listener.getsockname()[1])
    assert failure(dead, backends) == "101503"


def test_a_slow_back_end_is_101504(backend: Backend, backends: Backends) -> None:
    backend.behave = lambda *_: time.sleep(1.5)
    started = time.monotonic()
    assert failure(backend, backends, seconds=0.3) == "101504"
    assert time.monotonic() - started < 1


def test_a_dripping_answer_ends_in_time(backend: Backend, backends: Backends) -> None:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"x")
            time.sleep(0.1)

    backend.behave = behave
    started = time.monotonic()
    assert failure(backend, backends, seconds=0.5) == "101504"
    assert time.monotonic() - started < 1.2


def test_an_answer_that_breaks_off_is_an_error(backend: Backend, backends: Backends) -> None:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_RDWR)

    backend.behave = behave
    assert failure(backend, backends) == "101507"


def test_nonsense_instead_of_http_is_an_error(backend: Backend, backends: Backends) -> None:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH\r\n")
        connection.shutdown(socket.SHUT_RDWR)

    backend.behave = behave
    assert failure(backend, backends) == "101507"


# --- connections ---


def test_a_connection_is_kept(backend: Backend, backends: Backends) -> None:
    for _ in range(5):
        send(backend, backends)
    assert backend.connections == 1


def test_a_connection_that_the_back_end_closed_is_replaced(
    backend: Backend, backends: Backends
) -> None:
    send(backend, backends)
    backend.behave = lambda connection, _request: connection.shutdown(socket.SHUT_RDWR)
    count = len(backend.requests)

    def once_then_fine(connection: socket.socket, _request: bytes) -> None:
        if len(backend.requests) == count + 1:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(OK)

    backend.behave = once_then_fine
    assert send(backend, backends).status == 200
    assert len(backend.requests) == count + 2


def test_a_call_that_may_not_be_repeated_is_not(backend: Backend, backends: Backends) -> None:
    send(backend, backends)
    count = len(backend.requests)
    backend.behave = lambda connection, _request: connection.shutdown(socket.SHUT_RDWR)
    assert failure(backend, backends, event("POST", body=b"x")) == "101503"
    assert len(backend.requests) == count + 1


def test_an_interim_answer_is_not_the_answer(backend: Backend, backends: Backends) -> None:
    def hints(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        time.sleep(0.05)
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        connection.sendall(OK.replace(b"ok", b"%02d" % backend.connections))

    backend.behave = hints
    answers = [send(backend, backends) for _ in range(2)]
    # Each caller gets their own answer, over the one connection.
    assert [(answer.status, answer.body) for answer in answers] == [(200, "01"), (200, "01")]
    assert "link" not in answers[0].headers


@pytest.mark.parametrize(
    "head", [b"101 Switching Protocols\r\nUpgrade: x", b"600 Odd", b"999 Odd", b"199 Forever"]
)
def test_a_status_that_is_no_answer_is_101507_and_ends_the_connection(
    backend: Backend, backends: Backends, head: bytes
) -> None:
    backend.behave = lambda connection, _request: connection.sendall(
        b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % head * 20
    )
    assert failure(backend, backends) == "101507"
    backend.behave = plain
    assert send(backend, backends).body == "ok"
    assert backend.connections == 2


def test_a_long_idle_connection_is_not_trusted(backend: Backend) -> None:
    now = [1000.0]
    backends = Backends(("127.0.0.1",), clock=lambda: now[0])
    send(backend, backends, event("POST", body=b"x"))
    now[0] += 31
    send(backend, backends, event("POST", body=b"x"))
    backends.close()
    assert backend.connections == 2


def test_idle_connections_are_bounded(backend: Backend) -> None:
    names = [f"host{number}.example" for number in range(80)]
    backends = Backends(names, resolve=lambda host, port: ["127.0.0.1"])
    for name in names:
        send(backend, backends, endpoint=f"http://{name}:{backend.port}")
    assert backends.idle == 64
    # The longest idle ones went: the newest are still there.
    send(backend, backends, endpoint=f"http://{names[-1]}:{backend.port}")
    assert backend.connections == 80
    backends.close()


# --- guarded addresses ---


@pytest.mark.parametrize(
    ("endpoint", "addresses"),
    [
        ("http://127.0.0.1:1", ["127.0.0.1"]),
        ("http://localhost:1", ["127.0.0.1"]),
        ("http://internal.example", ["10.0.0.5"]),
        ("http://metadata.example", ["169.254.169.254"]),
        ("http://mixed.example", ["93.184.216.34", "192.168.1.1"]),
        ("http://[::1]:1", ["::1"]),
        ("http://[::ffff:127.0.0.1]", ["::ffff:127.0.0.1"]),
        ("http://nowhere.example", []),
        ("ftp://ftp.example", ["93.184.216.34"]),
        ("http://user:pass@pizza.example", ["93.184.216.34"]),
        ("not a url", ["93.184.216.34"]),
    ],
)
def test_internal_addresses_are_not_called(endpoint: str, addresses: list[str]) -> None:
    backends = Backends((), resolve=lambda host, port: addresses)
    assert failure(Backend(), backends, endpoint=endpoint) == "101503"


@pytest.mark.parametrize(
    "path", ["http://evil.example/", "@evil.example/", ":80@evil.example", "evil.example:443", "*"]
)
@pytest.mark.parametrize("base", ["", "/v1"])
def test_no_path_leads_to_another_host(
    backend: Backend, backends: Backends, path: str, base: str
) -> None:
    """Only canonical paths come from the authorizer; this holds whatever comes."""
    send(backend, backends, endpoint=backend.url + base, path=path)
    assert backend.line.split(" ")[1].startswith("/")
    assert backend.headers["host"] == f"127.0.0.1:{backend.port}"


@pytest.mark.parametrize(
    "name", ["X-WSO2-Tenant", "x-wso2-anything", "X_WSO2_Tenant", "x-portico-a"]
)
def test_internal_headers_of_a_client_are_dropped(
    backend: Backend, backends: Backends, name: str
) -> None:
    send(backend, backends, event(headers={name: "forged"}))
    assert "forged" not in backend.last


def test_keys_do_not_reach_a_back_end(backend: Backend, backends: Backends) -> None:
    given = event(
        headers={"ApiKey": "secret", "Internal-Key": "secret", "x-a": "1"},
        query="a=1&%61pikey=secret&b=%2F&apikey=secret",
    )
    send(backend, backends, given, key_name="apikey")
    assert "secret" not in backend.last
    assert backend.line == "GET /menu?a=1&b=%2F HTTP/1.1"
    # An API that takes no such keys leaves them to its back end.
    send(backend, backends, event(headers={"ApiKey": "theirs"}), key_name="")
    assert backend.headers["apikey"] == "theirs"


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX: y", "A B", ""])
def test_a_method_that_is_none_is_not_sent(
    backend: Backend, backends: Backends, method: str
) -> None:
    assert failure(backend, backends, event(method)) == "400"
    assert backend.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "3", "transfer-encoding": "chunked"},
        {"Content-Length": "300"},
        {"transfer-encoding": "gzip, chunked"},
        {"connection": "content-length"},
    ],
)
def test_framing_is_given_anew(
    backend: Backend, backends: Backends, headers: dict[str, str]
) -> None:
    send(backend, backends, event("POST", headers=headers, body=b"GET /admin HTTP/1.1"))
    assert backend.headers["content-length"] == "19"
    assert "transfer-encoding" not in backend.headers
    assert len(backend.requests) == 1


def test_a_name_is_resolved_once_and_pinned(backend: Backend) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    backends = Backends(("pizza.example",), resolve=lambda host, port: answers.pop(0))
    for _ in range(2):
        send(backend, backends, endpoint=f"http://pizza.example:{backend.port}")
    backends.close()
    assert backend.headers["host"] == f"pizza.example:{backend.port}"
    assert len(answers) == 1


def test_a_name_that_does_not_resolve_is_101503() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert failure(Backend(), Backends((), resolve), endpoint="http://x.example") == "101503"
