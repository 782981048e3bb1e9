"""The token endpoint (RFC 6749 section 3.2)."""

import re
from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client
from functions.token.errors import OAuthError
from functions.token.grants import GRANTS, grant
from functions.token.requests import Request
from functions.token.wiring import GrantRequest, Wiring

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token, RFC 6749 section 3.3


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Tokens for a grant."""
    parameters = request.parameters()
    client = authenticated_client(request, parameters, wiring)
    grant_type = parameters.get("grant_type")
    if not grant_type:
        raise OAuthError("invalid_request", "The parameter 'grant_type' is missing")
    if grant_type not in GRANTS:
        raise OAuthError("unsupported_grant_type", "This grant type is not supported")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", f"The client may not use {grant_type}")
    issued = grant(grant_type)(
        GrantRequest(
            client=client,
            parameters=parameters,
            scopes=_scopes(parameters.get("scope", "")),
            tenant=request.tenant,
            address=request.address,
        ),
        wiring,
    )
    body = {
        "access_token": issued.access_token,
        "scope": " ".join(issued.scopes),
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    }
    if issued.refresh_token:
        body["refresh_token"] = issued.refresh_token
    if issued.id_token:
        body["id_token"] = issued.id_token
    return answer(200, {**issued.fields, **body}, issued.headers)


def _scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(text.split())
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise OAuthError("invalid_scope", "The scope has characters that no scope may have")
    return scopes
