"""The revocation endpoint (RFC 7009)."""

from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client
from functions.token.errors import OAuthError
from functions.token.requests import Request
from functions.token.wiring import Wiring


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """End a token of the client; 200 also for one that has ended or never was (section 2.2)."""
    parameters = request.parameters()
    client = authenticated_client(request, parameters, wiring)
    token = parameters.get("token")
    if not token:
        raise OAuthError("invalid_request", "The parameter 'token' is missing")
    # token_type_hint may be wrong or unknown (section 2.1): what the token is shows in the token.
    wiring.revoking.revoke(client, token)
    return answer(200, None)
