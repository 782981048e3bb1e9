"""The client credentials grant (RFC 6749 section 4.4): a token for the application itself."""

from functions.token.wiring import GrantRequest, Wiring
from portico.services.issuing import Issued

GRANT_TYPE = "client_credentials"


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """An access token; never a refresh token (section 4.4.3)."""
    return wiring.issuing.to_application(grant.client, grant.scopes)
