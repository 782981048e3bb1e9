"""Pushed authorization requests (RFC 9126): the request goes to the server before the browser."""

from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client
from functions.token.errors import OAuthError
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.services.asking import Refused, Untrusted, known
from portico.services.authorizing import PUSHED_SECONDS


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """`{request_uri, expires_in}` for a request that holds (section 2.2); all its errors are told
    here (section 2.3).
    """
    parameters = request.parameters()
    client = authenticated_client(request, parameters, wiring)
    if "request_uri" in parameters:
        raise OAuthError("invalid_request", "'request_uri' may not be pushed (RFC 9126 2.1)")
    kept = {**known(parameters), "client_id": client.client_id}
    try:
        wiring.authorizing.read(client, kept, pushed=True)
    except (Refused, Untrusted) as exc:
        raise OAuthError(exc.error, str(exc)) from exc
    request_uri = wiring.authorizing.push(client, kept)
    return answer(201, {"request_uri": request_uri, "expires_in": PUSHED_SECONDS})
