"""What the token function fetches from others, behind the address guard."""

from portico.domain.errors import InvalidInput
from portico.gateway.outbound import Outbound

OUTBOUND_SECONDS = 4.0  # of one exchange; a client waits for it


def fetch_keys(outbound: Outbound, url: str, max_bytes: int) -> bytes:
    """The JWKS at an address: by https alone, and where it says, for redirects are not followed.

    Raises AddressRefused, InvalidInput, TooLarge or NoAnswer.
    """
    headers = {"Accept": "application/jwk-set+json, application/json"}
    reply = outbound.send("GET", url, headers, max_bytes=max_bytes, encrypted=True)
    if reply.status != 200:
        raise InvalidInput.of("jwks_uri", f"the server answered {reply.status}")
    return reply.content
