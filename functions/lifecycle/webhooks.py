"""The Poster port: sends a body to an address that a document names, behind the address guard."""

from collections.abc import Collection, Mapping

from portico.domain.errors import Unavailable
from portico.gateway.outbound import SECONDS, NoAnswer, Outbound, Resolve, resolve


class GuardedPoster:
    """One exchange for each body, with the address that was checked; redirects are not followed."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolver: Resolve = resolve,
        seconds: float = SECONDS,
    ) -> None:
        self._outbound = Outbound(allowed_hosts, resolver, seconds)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises AddressRefused, or Unavailable unless the answer is a 2xx in time."""
        try:
            status = self._outbound.send("POST", url, headers, body).status
        except NoAnswer as exc:
            raise Unavailable(f"The webhook did not answer: {exc}") from exc
        if not 200 <= status < 300:
            raise Unavailable(f"The webhook answered {status}")
