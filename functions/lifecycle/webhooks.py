"""The Poster port: sends a body to an address that a document names, behind the address guard."""

import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from portico.domain.addresses import Target, pin, target_of
from portico.domain.errors import Unavailable

SECONDS = 10.0  # for the whole exchange: other work waits for it
_PORTS = {"http": 80, "https": 443}
Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host; none when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedPoster:
    """One connection for each body, to the address that was checked; redirects are not followed."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolver: Resolve = resolve,
        seconds: float = SECONDS,
    ) -> None:
        self._allowed = allowed_hosts
        self._resolve = resolver
        self._seconds = seconds

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises AddressRefused, or Unavailable unless the answer is a 2xx in time."""
        target = target_of(url)
        address = pin(target, self._resolve(target.host, target.port), self._allowed)
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = _connection(target, address, self._seconds)
        # A timeout of the socket begins anew with each byte; this one does not.
        alarm = threading.Timer(self._seconds, _cut, (connection,))
        alarm.daemon = True
        alarm.start()
        try:
            sent = {**headers, "Host": _host(target), "User-Agent": "Portico"}
            connection.request("POST", path, body=body, headers=sent, preload_content=False)
            status = connection.getresponse().status
        except (HTTPError, HTTPException, OSError, ValueError) as exc:
            raise Unavailable(f"The webhook did not answer: {type(exc).__name__}") from exc
        finally:
            alarm.cancel()
            connection.close()
        if not 200 <= status < 300:
            raise Unavailable(f"The webhook answered {status}")


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


def _cut(connection: HTTPConnection) -> None:
    # While it connects there is no socket yet; that has its own timeout.
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _host(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == _PORTS[target.scheme] else f"{host}:{target.port}"
