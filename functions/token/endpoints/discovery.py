"""The server's metadata (RFC 8414, OpenID Connect Discovery 1.0): what works, and nothing else."""

from typing import Any

from functions.token.answers import answer
from functions.token.grants import GRANTS
from functions.token.requests import Request
from functions.token.wiring import Wiring

METHODS = ["client_secret_basic", "client_secret_post"]


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Endpoints, grant types and authentication methods."""
    base = f"{wiring.url}/oauth2"
    body = {
        "issuer": wiring.issuer,
        "token_endpoint": f"{base}/token",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "jwks_uri": f"{base}/jwks",
        "grant_types_supported": sorted(GRANTS),
        # Required by RFC 8414; empty, for there is no authorization endpoint to send one to.
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_methods_supported": METHODS,
    }
    return answer(200, body, {"Cache-Control": "public, max-age=300", "Pragma": ""})
