"""The public keys of the deployment as a JWK set (RFC 7517)."""

from typing import Any

from functions.token.answers import answer
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.errors import Unavailable
from portico.domain.gateway import PublicKeys

CACHED = {"Cache-Control": "public, max-age=300", "Pragma": ""}


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The keys of access tokens and backend JWTs, by `kid`."""
    found = wiring.records.get(PublicKeys, tenant="*")
    if found is None:
        raise Unavailable("The deployment has no keys yet")
    return answer(200, {"keys": found.keys}, CACHED)
