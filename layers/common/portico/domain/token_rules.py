"""What a tenant's administrator decides about tokens; every rule has a safe default."""

from dataclasses import dataclass, field
from typing import Any

from portico.domain.records import Record

CODE_VALIDITY = 300  # seconds, as WSO2's; RFC 6749 section 4.1.2 recommends at most 600


@dataclass(frozen=True)
class TrustedIssuer:
    """Who may issue assertions (RFC 7523, RFC 7522) or tokens to exchange (RFC 8693)."""

    issuer: str  # `iss` of JWTs, the entity id of SAML
    kind: str = "jwt"  # or `saml`
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
    plugins: dict[str, str] = field(
        default_factory=dict
    )  # grant type -> class of the plug-in layer
    reissue: bool = False  # give the same still valid token again, as WSO2 does
    max_tokens: int = 0  # live access tokens of one client; 0: as many as it likes
    claim_headers: tuple[str, ...] = ()  # claim URIs that token responses of users carry as headers
    extension: str = ""  # token-issue extension: a class of the plug-in layer or a function's ARN
    extension_seconds: float = 2.0  # how long it may take
    extension_open: bool = False  # issue without it when it fails
    code_validity: int = CODE_VALIDITY
    issuers: tuple[TrustedIssuer, ...] = ()
    providers: tuple[LoginProvider, ...] = ()
    sign_up: bool = False  # whether people may make accounts for themselves
    sign_up_roles: tuple[str, ...] = ("Internal/subscriber",)
