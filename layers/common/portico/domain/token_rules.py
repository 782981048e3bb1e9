"""What a tenant's administrator decides about tokens; every rule has a safe default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portico.domain.records import Record

# Every grant type of ours, in the words that people know it by.
GRANT_WORDS: Mapping[str, str] = {
    "authorization_code": "Authorization code",
    "refresh_token": "Refresh token",
    "client_credentials": "Client credentials",
    "password": "Password",
    "urn:ietf:params:oauth:grant-type:device_code": "Device code",
    "urn:ietf:params:oauth:grant-type:token-exchange": "Token exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "JWT bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer": "SAML 2.0 bearer",
}
JWT, SAML = "jwt", "saml"  # kinds of trusted issuers
CODE_VALIDITY = 300  # seconds, as WSO2's; RFC 6749 section 4.1.2 recommends at most 600


@dataclass(frozen=True)
class TrustedIssuer:
    """Who may issue assertions (RFC 7523, RFC 7522) or tokens to exchange (RFC 8693)."""

    issuer: str  # `iss` of JWTs, the entity id of SAML
    kind: str = JWT  # or SAML
    jwks: list[dict[str, Any]] = field(default_factory=list)
    jwks_uri: str = ""
    certificates: tuple[str, ...] = ()  # PEM, of SAML
    audiences: tuple[str, ...] = ()  # accepted besides the token endpoint's own address
    user_claim: str = "sub"  # or a SAML attribute: names our user
    create_users: bool = False  # make a user who is not there yet
    roles: dict[str, str] = field(default_factory=dict)  # their role -> ours
    role_claim: str = ""


@dataclass(frozen=True)
class LoginProvider:
    """A company's own OpenID provider, offered on the sign-in page."""

    id: str  # in our callback's path
    name: str  # on the button
    issuer: str  # discovery begins here
    client_id: str
    sealed_secret: str = ""  # encrypted; '' for a public client with PKCE
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    user_claim: str = "email"
    role_claim: str = ""
    roles: dict[str, str] = field(default_factory=dict)  # their role -> ours
    default_roles: tuple[str, ...] = ()


def sealed_for(tenant: str, provider: str) -> str:
    """The context that the client secret of a login provider is sealed for."""
    return f"{tenant}:login-provider:{provider}"


@dataclass(frozen=True, kw_only=True)
class TokenRules(Record):
    """The rules of one tenant."""

    grants: tuple[str, ...] | None = None  # the grant types that may be used; None: all there are
    # Grant type -> class of the plug-in layer.
    plugins: dict[str, str] = field(default_factory=dict)
    reissue: bool = False  # give the same still valid token again, as WSO2 does
    max_tokens: int = 0  # live access tokens of one client; 0: as many as it likes
    claim_headers: tuple[str, ...] = ()  # claim URIs that token responses of users carry as headers
    # Token-issue extension: a class of the plug-in layer, or a function's name or ARN.
    extension: str = ""
    # Those of single applications, by application id, or consumer key of a client without one.
    extensions: dict[str, str] = field(default_factory=dict)
    extension_seconds: float = 2.0  # how long it may take
    extension_open: bool = False  # issue without it when it fails
    code_validity: int = CODE_VALIDITY
    issuers: tuple[TrustedIssuer, ...] = ()
    providers: tuple[LoginProvider, ...] = ()
    open_registration: bool = False  # whether clients may register without any account (RFC 7591)
    sign_up: bool = False  # whether people may make accounts for themselves
    sign_up_roles: tuple[str, ...] = ("Internal/subscriber",)
