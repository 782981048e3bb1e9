"""The Downloads port: fetches a file that a user names, from addresses that the guard lets pass."""

import socket
import time
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from portico.domain.addresses import AddressRefused, Target, pin, target_of
from portico.domain.errors import InvalidInput, TooLarge

MAX_REDIRECTS = 3
TIMEOUT = urllib3.Timeout(connect=5, read=10)
PATIENCE = 15.0  # seconds for a whole file: a server that sends drop by drop holds the function
_CHUNK = 65_536
_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, by the system's resolver; none when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedDownloads:
    """Downloads over HTTP(S); every redirect passes the guard like the first address."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolver: Resolve = resolve,
        patience: float = PATIENCE,
    ) -> None:
        self._allowed = allowed_hosts
        self._resolve = resolver
        self._patience = patience

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """The file. Raises AddressRefused, InvalidInput naming `url`, or TooLarge."""
        until = time.monotonic() + self._patience
        try:
            for _ in range(MAX_REDIRECTS + 1):
                content, following = self._request(url, max_bytes, until)
                if following is None:
                    return content
                url = following
        except AddressRefused as exc:
            raise AddressRefused.of("url", str(exc)) from exc
        except HTTPError as exc:
            raise InvalidInput.of("url", "the server did not answer") from exc
        raise InvalidInput.of("url", f"redirects more than {MAX_REDIRECTS} times")

    def _request(self, url: str, max_bytes: int, until: float) -> tuple[bytes, str | None]:
        target = target_of(url)
        address = pin(target, self._resolve(target.host, target.port), self._allowed)
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _pool(target, address) as pool:
            answer = pool.urlopen(
                "GET",
                path,
                headers={
                    "Host": _host(target),
                    "Accept-Encoding": "identity",
                    "User-Agent": "Portico",
                },
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=TIMEOUT,
            )
            try:
                location = answer.headers.get("Location")
                if answer.status in (301, 302, 303, 307, 308) and location:
                    return b"", _joined(url, location)
                if answer.status != 200:
                    raise InvalidInput.of("url", f"the server answered {answer.status}")
                return _bounded(answer, max_bytes, until), None
            finally:
                answer.close()


def _pool(target: Target, address: str) -> urllib3.HTTPConnectionPool:
    """A connection to the pinned address that still proves to be the named host."""
    if target.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            address, target.port, server_hostname=target.host, assert_hostname=target.host
        )
    return urllib3.HTTPConnectionPool(address, target.port)


def _host(target: Target) -> str:
    """The `Host` header: an international name in the form that was resolved."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == _PORTS[target.scheme] else f"{host}:{target.port}"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as exc:
        raise InvalidInput.of("url", "redirects to what is no URL") from exc


def _bounded(answer: urllib3.BaseHTTPResponse, max_bytes: int, until: float) -> bytes:
    content = bytearray()
    # Not decoded: a small compressed answer could become a large one. One look at the connection
    # at a time, for a whole chunk may take for ever to fill.
    while chunk := answer.read1(_CHUNK, decode_content=False):
        content += chunk
        if time.monotonic() > until:
            raise InvalidInput.of("url", "the server takes too long to send the file")
        if len(content) > max_bytes:
            raise TooLarge(f"The file at the url has more than {max_bytes} bytes")
    return bytes(content)
