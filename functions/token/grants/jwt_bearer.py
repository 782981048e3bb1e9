"""The JWT bearer grant (RFC 7523 section 2.1): tokens for whom a trusted issuer speaks of."""

from functions.token.errors import OAuthError
from functions.token.grants.foreign_jwt import read
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.errors import AlreadyExists
from portico.domain.grant_types import JWT_BEARER
from portico.services.issuing import InvalidGrant, Issued
from portico.tokens.foreign import ASSERTION_TYPES, signed_part, text_of

KIND = "jwt"  # of what may come once only


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """Tokens for the user; `invalid_grant` with the reason when the assertion does not hold or has
    been used before (section 3).
    """
    assertion = grant.parameters.get("assertion")
    if not assertion:
        raise OAuthError("invalid_request", "The parameter 'assertion' is missing")
    tenant = grant.client.tenant
    token = read(wiring, tenant, assertion, wiring.names(tenant), ASSERTION_TYPES)
    # Without a name of its own it is known by what was signed; signatures can be written in more
    # than one way.
    jti = text_of(token.claims, "jti")
    name = f"jti:{jti}" if jti else f"jws:{signed_part(assertion)}"
    once = wiring.replays.first(tenant, KIND, token.issuer.issuer, name, token.expires)
    user, also = wiring.assertions.user(tenant, token.issuer, token.person, once)
    try:
        return wiring.issuing.to_user(
            grant.client, user, grant.scopes, grant_type=JWT_BEARER, also=also
        )
    except AlreadyExists as exc:
        raise InvalidGrant("The assertion has been used before") from exc
