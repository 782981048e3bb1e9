"""HTTP to addresses that others name: one exchange, with the very address that the guard checked.

Back ends, downloads, webhooks and keys of others go through here. Redirects are the caller's
business; proxies of the environment are not used.
"""

import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from portico.domain.addresses import AddressRefused, Target, host_allowed, pin, target_of
from portico.domain.errors import TooLarge, Unavailable

SECONDS = 10.0  # for a whole exchange: a server that sends drop by drop holds the function
_CHUNK = 65_536
_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Sequence[str]]


class NoAnswer(Unavailable):
    """The server did not answer, or not in HTTP."""

    error = "no_answer"


class TooSlow(NoAnswer):
    """The answer was not there in time."""

    error = "too_slow"


@dataclass(frozen=True)
class Reply:
    """What a server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, by the system's resolver; none when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Outbound:
    """Sends requests. `allowed_hosts` are those that may have internal addresses; `seconds` is for
    one exchange.
    """

    allowed_hosts: Collection[str] = ()
    resolver: Resolve = resolve
    seconds: float = SECONDS

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        max_bytes: int = 0,
        seconds: float | None = None,
        encrypted: bool = False,
    ) -> Reply:
        """One request and its answer.

        The content is read up to `max_bytes`: a longer one of a 2xx is TooLarge, of another status
        it is cut. `encrypted` takes only https, but for allowed hosts. Raises AddressRefused,
        NoAnswer or TooSlow.
        """
        target = target_of(url)
        if encrypted and target.scheme != "https" and not host_allowed(target, self.allowed_hosts):
            raise AddressRefused("must start with https://")
        address = pin(target, self.resolver(target.host, target.port), self.allowed_hosts)
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {
            "Accept-Encoding": "identity",
            **(headers or {}),
            "Host": _host(target),
            "User-Agent": "Portico",
        }
        limit = self.seconds if seconds is None else seconds
        return _exchange(_connection(target, address, limit), method, path, sent, body, max_bytes)


def _connection(target: Target, address: str, seconds: float) -> HTTPConnection:
    """A connection to the pinned address that still proves to be the named host."""
    if target.scheme == "https":
        return HTTPSConnection(
            address,
            target.port,
            timeout=seconds,
            server_hostname=target.host,
            assert_hostname=target.host,
        )
    return HTTPConnection(address, target.port, timeout=seconds)


def _exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    max_bytes: int,
) -> Reply:
    seconds = float(connection.timeout or SECONDS)
    late = threading.Event()
    # A timeout of the socket begins anew with each byte; this one does not.
    alarm = threading.Timer(seconds, _cut, (connection, late))
    alarm.daemon = True
    alarm.start()
    until = time.monotonic() + seconds
    try:
        connection.connect()
        if late.is_set():
            raise TooSlow("The server takes too long to connect")
        connection.request(method, path, body=body, headers=headers, preload_content=False)
        answer = connection.getresponse()
        try:
            named = {name.lower(): value for name, value in answer.headers.items()}
            content = _bounded(answer, max_bytes, until)
        finally:
            answer.close()
    except (HTTPError, HTTPException, OSError, ValueError) as exc:
        if late.is_set():
            raise TooSlow("The server takes too long to answer") from exc
        raise NoAnswer(f"The server did not answer: {type(exc).__name__}") from exc
    finally:
        alarm.cancel()
        connection.close()
    # A connection that was cut looks like the end of an answer without a length.
    if late.is_set():
        raise TooSlow("The server takes too long to answer")
    return Reply(answer.status, named, content)


def _cut(connection: HTTPConnection, late: threading.Event) -> None:
    late.set()
    # While it connects there may be no socket yet; who connects looks at `late` afterwards.
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _bounded(answer: BaseHTTPResponse, max_bytes: int, until: float) -> bytes:
    content = bytearray()
    # Not decoded: a small compressed answer could become a large one. One look at the connection
    # at a time, for a whole chunk may take for ever to fill.
    while max_bytes and (chunk := answer.read1(_CHUNK, decode_content=False)):
        content += chunk
        if time.monotonic() > until:
            raise TooSlow("The server takes too long to answer")
        if len(content) > max_bytes:
            if 200 <= answer.status < 300:
                raise TooLarge(f"The answer has more than {max_bytes} bytes")
            return bytes(content[:max_bytes])
    return bytes(content)


def _host(target: Target) -> str:
    """The `Host` header: an international name in the form that was resolved."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == _PORTS[target.scheme] else f"{host}:{target.port}"
