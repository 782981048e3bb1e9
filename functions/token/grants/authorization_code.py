"""The authorization code grant at the token endpoint (RFC 6749 section 4.1.3)."""

from collections.abc import Mapping, Sequence

from functions.token.errors import OAuthError
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.authorization import Code
from portico.domain.records import Wanted
from portico.services.clients import digest
from portico.services.issuing import Issued


def foresee(parameters: Mapping[str, str], tenant: str) -> Sequence[Wanted]:
    """What it reads in any case."""
    return [Wanted(Code, {"tenant": tenant, "digest": digest(parameters.get("code", ""))})]


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """Tokens for a code, which is used up; an id_token too if `openid` was granted.

    A parameter `scope` means nothing here: the authorization request has decided.
    """
    code = grant.parameters.get("code")
    if not code:
        raise OAuthError("invalid_request", "The parameter 'code' is missing")
    return wiring.exchanging_codes.exchange(
        grant.client,
        code,
        redirect_uri=grant.parameters.get("redirect_uri", ""),
        verifier=grant.parameters.get("code_verifier", ""),
    )
