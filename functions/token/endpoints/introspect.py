"""The introspection endpoint (RFC 7662).

Clients learn about their own tokens, administrators about all of their tenant. Both may also come
with an access token of theirs (section 2.1).
"""

from collections.abc import Mapping
from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client, basic
from functions.token.errors import InvalidClient, OAuthError
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.errors import Unauthenticated
from portico.domain.tenant import split_user
from portico.domain.user import ADMIN, User
from portico.tokens.access import APPLICATION_USER

INACTIVE = {"active": False}
ADMIN_SCOPE = "apim:admin"
# RFC 6750 section 3.1, as RFC 7662 section 2.3 has it.
CHALLENGE = 'Bearer error="invalid_token"'
INVALID = {"error": "invalid_token", "error_description": "The bearer token does not allow this"}


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Whether a token is active and what it allows; nothing about others' tokens (section 4)."""
    parameters = request.parameters()
    scheme, _, given = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        known = _bearer(given.strip(), request, wiring)
        if known is None:
            return answer(401, INVALID, {"WWW-Authenticate": CHALLENGE})
        tenant, client_id = known
    else:
        tenant, client_id = _authenticated(request, parameters, wiring)
    token = parameters.get("token")
    if not token:
        raise OAuthError("invalid_request", "The parameter 'token' is missing")
    told = wiring.revoking.inspect(token, tenant)
    mine = told.get("tenant") == tenant and client_id in ("", told.get("client_id"))
    told.pop("tenant", None)
    return answer(200, told if mine else INACTIVE)


def _authenticated(
    request: Request, parameters: Mapping[str, str], wiring: Wiring
) -> tuple[str, str]:
    """Tenant and client id of the caller; no client id for administrators."""
    try:
        client = authenticated_client(request, parameters, wiring, confidential=True)
    except InvalidClient:
        return _administrator(request, wiring).tenant, ""
    return client.tenant, client.client_id


def _bearer(token: str, request: Request, wiring: Wiring) -> tuple[str, str] | None:
    """The same for a bearer token: a client's own, or an administrator's with the scope for it.

    Not one that a client has from another user: it may be in anybody's hands.
    """
    claims = wiring.revoking.claims(token, request.tenant)
    if claims is None:
        return None
    tenant = str(claims["tenant"])
    if claims.get("aut") != APPLICATION_USER:
        return tenant, str(claims["client_id"])
    user = wiring.records.get(User, tenant=tenant, name=split_user(str(claims["sub"]))[0].lower())
    allowed = ADMIN_SCOPE in str(claims.get("scope", "")).split()
    return (tenant, "") if user and ADMIN in user.roles and allowed else None


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
