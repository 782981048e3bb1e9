"""The refresh token grant (RFC 6749 section 6), with rotation (RFC 9700 section 4.14.2)."""

from functions.token.errors import OAuthError
from functions.token.wiring import GrantRequest, Wiring
from portico.services.issuing import Issued


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """New tokens for a refresh token, which is used up."""
    token = grant.parameters.get("refresh_token")
    if not token:
        raise OAuthError("invalid_request", "The parameter 'refresh_token' is missing")
    return wiring.issuing.refreshed(grant.client, token, grant.scopes)
