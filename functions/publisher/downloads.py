"""The Downloads port: fetches a file that a user names, from addresses that the guard lets pass."""

import time
from collections.abc import Collection
from urllib.parse import urljoin

from portico.domain.addresses import AddressRefused
from portico.domain.errors import InvalidInput, TooLarge
from portico.gateway.outbound import NoAnswer, Outbound, Resolve, TooSlow, resolve

MAX_REDIRECTS = 3
PATIENCE = 15.0  # seconds for a whole file: a server that sends drop by drop holds the function
_REDIRECTS = (301, 302, 303, 307, 308)


class GuardedDownloads:
    """Downloads over HTTP(S); every redirect passes the guard like the first address."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolver: Resolve = resolve,
        patience: float = PATIENCE,
    ) -> None:
        self._outbound = Outbound(allowed_hosts, resolver)
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
        except TooSlow as exc:
            raise InvalidInput.of("url", "the server takes too long to send the file") from exc
        except NoAnswer as exc:
            raise InvalidInput.of("url", "the server did not answer") from exc
        except TooLarge as exc:
            raise TooLarge(f"The file at the url has more than {max_bytes} bytes") from exc
        raise InvalidInput.of("url", f"redirects more than {MAX_REDIRECTS} times")

    def _request(self, url: str, max_bytes: int, until: float) -> tuple[bytes, str | None]:
        left = until - time.monotonic()
        if left <= 0:
            raise TooSlow("The server takes too long to answer")
        reply = self._outbound.send("GET", url, max_bytes=max_bytes, seconds=left)
        location = reply.headers.get("location")
        if reply.status in _REDIRECTS and location:
            return b"", _joined(url, location)
        if reply.status != 200:
            raise InvalidInput.of("url", f"the server answered {reply.status}")
        return reply.content, None


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as exc:
        raise InvalidInput.of("url", "redirects to what is no URL") from exc
