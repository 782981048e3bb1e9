"""The refresh token grant (RFC 6749 section 6), with rotation (RFC 9700 section 4.14.2)."""

from collections.abc import Mapping

from functions.token.errors import OAuthError
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.records import Wanted
from portico.domain.user import RefreshToken
from portico.services.clients import digest
from portico.services.issuing import Issued


def foresee(parameters: Mapping[str, str], tenant: str) -> list[Wanted]:
    """The refresh token's record."""
    text = parameters.get("refresh_token", "")
    return [Wanted(RefreshToken, {"tenant": tenant, "digest": digest(text)})] if text else []


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """New tokens for a refresh token, which is used up."""
    token = grant.parameters.get("refresh_token")
    if not token:
        raise OAuthError("invalid_request", "The parameter 'refresh_token' is missing")
    return wiring.issuing.refreshed(grant.client, token, grant.scopes)
