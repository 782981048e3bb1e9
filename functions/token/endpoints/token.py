"""The token endpoint (RFC 6749 section 3.2)."""

from collections.abc import Mapping
from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client, credentials
from functions.token.errors import OAuthError
from functions.token.grants import GRANTS, UNSUPPORTED, foreseen, grant, grant_of_operator
from functions.token.requests import Request
from functions.token.scopes import scopes_of
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.application import Client
from portico.domain.live_tokens import LiveTokens
from portico.domain.records import Wanted
from portico.domain.token_rules import TokenRules

# What an address would show to logs, histories and proxies (RFC 6749 sections 2.3.1 and 10.3).
CREDENTIALS = frozenset(
    (
        *("client_secret", "client_assertion", "password", "code", "code_verifier", "assertion"),
        *("refresh_token", "access_token", "subject_token", "actor_token", "device_code", "token"),
    )
)


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Tokens for a grant."""
    _check_address(request)
    parameters = request.parameters()
    given = credentials(request, parameters)
    _read_ahead(request, parameters, given.client_id, wiring)
    client = authenticated_client(request, parameters, wiring, given=given)
    grant_type = parameters.get("grant_type")
    if not grant_type:
        raise OAuthError("invalid_request", "The parameter 'grant_type' is missing")
    rules = wiring.rules(client.tenant)
    known = grant_type in GRANTS or grant_type in rules.plugins
    if not known or (rules.grants is not None and grant_type not in rules.grants):
        reason = UNSUPPORTED.get(grant_type, "This grant type is not supported")
        raise OAuthError("unsupported_grant_type", reason)
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", f"The client may not use {grant_type}")
    issue = grant(grant_type) if grant_type in GRANTS else grant_of_operator()
    issued = issue(
        GrantRequest(
            client=client,
            parameters=parameters,
            scopes=scopes_of(parameters.get("scope", "")),
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


def _read_ahead(
    request: Request, parameters: Mapping[str, str], client_id: str, wiring: Wiring
) -> None:
    """What is needed in any case and what the grant foresees, in one request; a client of another
    tenant than the path's is read again from there.
    """
    tenant = request.tenant
    wiring.load(
        Wanted(Client, {"tenant": tenant, "client_id": client_id}),
        Wanted(TokenRules, {"tenant": tenant}),
        Wanted(LiveTokens, {"tenant": tenant, "client_id": client_id}),
        *foreseen(parameters, tenant),
    )


def _check_address(request: Request) -> None:
    if request.raw_query and CREDENTIALS & set(request.query()):
        raise OAuthError("invalid_request", "Credentials may not be in the address")
