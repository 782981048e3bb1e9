"""The client credentials grant (RFC 6749 section 4.4): a token for the application itself."""

import re

from functions.token.errors import OAuthError
from functions.token.wiring import GrantRequest, Wiring
from portico.services.clients import LONGEST_TOKEN
from portico.services.issuing import Issued

DIGITS = re.compile(r"[0-9]{1,9}")


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """An access token; never a refresh token (section 4.4.3)."""
    return wiring.issuing.to_application(grant.client, grant.scopes, _validity(grant))


def _validity(grant: GrantRequest) -> int | None:
    """WSO2's parameter `validity_period`, in seconds."""
    text = grant.parameters.get("validity_period")
    if text is None:
        return None
    if not DIGITS.fullmatch(text) or not 0 < int(text) <= LONGEST_TOKEN:
        raise OAuthError(
            "invalid_request", f"'validity_period' must be 1 to {LONGEST_TOKEN} seconds"
        )
    return int(text)
