"""The introspection endpoint (RFC 7662).

Clients learn about their own tokens, administrators about all of their tenant.
"""

from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client, basic
from functions.token.errors import InvalidClient, OAuthError
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.errors import Unauthenticated
from portico.domain.user import ADMIN, User

INACTIVE = {"active": False}


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Whether a token is active and what it allows; nothing about others' tokens (section 4)."""
    parameters = request.parameters()
    try:
        client = authenticated_client(request, parameters, wiring, confidential=True)
        tenant, client_id = client.tenant, client.client_id
    except InvalidClient:
        tenant, client_id = _administrator(request, wiring).tenant, ""
    token = parameters.get("token")
    if not token:
        raise OAuthError("invalid_request", "The parameter 'token' is missing")
    told = wiring.revoking.inspect(token, tenant)
    mine = told.get("tenant") == tenant and client_id in ("", told.get("client_id"))
    told.pop("tenant", None)
    return answer(200, told if mine else INACTIVE)


def _administrator(request: Request, wiring: Wiring) -> User:
    """WSO2's way: HTTP Basic with the name and password of an administrator."""
    found = basic(request.headers.get("authorization", ""))
    if found is None:
        raise InvalidClient("The client did not authenticate")
    tenant, name = wiring.accounts.resolve(found[0], request.tenant)
    try:
        user = wiring.accounts.authenticate(tenant, name, found[1], request.address)
    except Unauthenticated as exc:
        raise InvalidClient("Neither a client nor an administrator") from exc
    if ADMIN not in user.roles:
        raise InvalidClient("Neither a client nor an administrator")
    return user
