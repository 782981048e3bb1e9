"""The grant types that keys of applications and registered clients may have.

How each is answered is the token function's business (`functions.token.grants`).
"""

from collections.abc import Iterable

from portico.domain.token_rules import TokenRules

CLIENT_CREDENTIALS = "client_credentials"
PASSWORD = "password"  # noqa: S105 - a grant type
REFRESH = "refresh_token"
CODE = "authorization_code"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523
SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"  # RFC 7522
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693
GRANT_TYPES = (
    CLIENT_CREDENTIALS,
    PASSWORD,
    REFRESH,
    CODE,
    DEVICE,
    JWT_BEARER,
    SAML_BEARER,
    EXCHANGE,
)
REDIRECTING = (CODE,)  # send a browser back to a callback URL


def offered(rules: TokenRules) -> tuple[str, ...]:
    """What a tenant offers: all of ours and its own plug-ins, but for what its rules leave out."""
    known = (*GRANT_TYPES, *rules.plugins)
    return tuple(one for one in known if rules.grants is None or one in rules.grants)


def redirects(grant_types: Iterable[str]) -> bool:
    """Whether one of them needs a callback URL."""
    return any(one in REDIRECTING for one in grant_types)
