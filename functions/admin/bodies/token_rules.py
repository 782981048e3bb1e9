"""The member `Tokens` of the tenant configuration; WSO2 has these settings in server files."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from portico.domain.token_rules import JWT, SAML, LoginProvider, TokenRules, TrustedIssuer
from portico.services.token_rules import Draft

_RULES = TokenRules(tenant="")
_ISSUER = TrustedIssuer("")
_PROVIDER = LoginProvider("", "", "", "")
Text = Annotated[str, Field(max_length=2048)]
Texts = Annotated[list[Text], Field(max_length=100)]
Mapped = Annotated[dict[Text, Text], Field(max_length=100)]


class Body(BaseModel):
    """No unknown fields, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=True
    )


class ExtensionBody(Body):
    """The token-issue extension: a class of the plug-in layer, or a function's name or ARN.

    `applications` has others for single applications, by id, or by the consumer key of a client
    that belongs to none.
    """

    name: Text = ""
    applications: Mapped = {}
    seconds: float = _RULES.extension_seconds
    fail_open: bool = False


class IssuerBody(Body):
    """An issuer of assertions or of tokens to exchange."""

    issuer: Text
    kind: Literal["jwt", "saml"] = JWT  # type: ignore[assignment] # JWT is "jwt"
    jwks: Annotated[list[dict[str, Any]], Field(max_length=100)] = []
    jwks_uri: Text = ""
    certificates: Annotated[
        list[Annotated[str, Field(max_length=16_384)]], Field(max_length=20)
    ] = []
    audiences: Texts = []
    user_claim: Text = _ISSUER.user_claim
    create_users: bool = False
    role_claim: Text = ""
    roles: Mapped = {}

    def issuer_of(self) -> TrustedIssuer:
        """As the domain has it."""
        return TrustedIssuer(
            issuer=self.issuer,
            kind=self.kind,
            jwks=self.jwks,
            jwks_uri=self.jwks_uri,
            certificates=tuple(self.certificates),
            audiences=tuple(self.audiences),
            user_claim=self.user_claim,
            create_users=self.create_users,
            roles=self.roles,
            role_claim=self.role_claim,
        )


class ProviderBody(Body):
    """A company's own OpenID provider. `clientSecret` is never given back: `hasClientSecret` tells
    whether there is one, and is ignored when sent.
    """

    id: Text
    name: Text
    issuer: Text
    client_id: Text
    client_secret: Annotated[str, Field(max_length=4096)] | None = None
    has_client_secret: bool | None = None
    scopes: Texts = list(_PROVIDER.scopes)
    user_claim: Text = _PROVIDER.user_claim
    role_claim: Text = ""
    roles: Mapped = {}
    default_roles: Texts = []

    def provider_of(self) -> LoginProvider:
        """As the domain has it, without a secret."""
        return LoginProvider(
            id=self.id,
            name=self.name,
            issuer=self.issuer,
            client_id=self.client_id,
            scopes=tuple(self.scopes),
            user_claim=self.user_claim,
            role_claim=self.role_claim,
            roles=self.roles,
            default_roles=tuple(self.default_roles),
        )


class SignUpBody(Body):
    """Whether people may make accounts for themselves, and with which roles."""

    enabled: bool = False
    roles: Texts = list(_RULES.sign_up_roles)


class TokensBody(Body):
    """A tenant's rules about tokens; what is left out has its default."""

    grant_types: Texts | None = None
    plugin_grants: Mapped = {}
    reissue: bool = False
    max_live_tokens: int = _RULES.max_tokens
    code_validity: int = _RULES.code_validity
    claim_headers: Texts = []
    extension: ExtensionBody = ExtensionBody()
    trusted_issuers: Annotated[list[IssuerBody], Field(max_length=100)] = []
    login_providers: Annotated[list[ProviderBody], Field(max_length=100)] = []
    sign_up: SignUpBody = SignUpBody()
    open_registration: bool = False  # whether clients may register without an account (RFC 7591)


class ConfigBody(BaseModel):
    """The part of the tenant configuration that is about tokens."""

    model_config = ConfigDict(extra="ignore", strict=True)

    Tokens: TokensBody


def draft_of(body: TokensBody, tenant: str) -> Draft:
    """The rules that are asked for, with the secrets that came along."""
    rules = TokenRules(
        tenant=tenant,
        grants=None if body.grant_types is None else tuple(body.grant_types),
        plugins=body.plugin_grants,
        reissue=body.reissue,
        max_tokens=body.max_live_tokens,
        claim_headers=tuple(body.claim_headers),
        extension=body.extension.name,
        extensions=body.extension.applications,
        extension_seconds=body.extension.seconds,
        extension_open=body.extension.fail_open,
        code_validity=body.code_validity,
        issuers=tuple(one.issuer_of() for one in body.trusted_issuers),
        providers=tuple(one.provider_of() for one in body.login_providers),
        sign_up=body.sign_up.enabled,
        sign_up_roles=tuple(body.sign_up.roles),
        open_registration=body.open_registration,
    )
    secrets = {
        one.id: one.client_secret for one in body.login_providers if one.client_secret is not None
    }
    return Draft(rules, secrets)


def tokens_body(rules: TokenRules) -> dict[str, Any]:
    """The rules as JSON, without any secret; sent back, they change nothing."""
    body = TokensBody(
        grant_types=None if rules.grants is None else list(rules.grants),
        plugin_grants=rules.plugins,
        reissue=rules.reissue,
        max_live_tokens=rules.max_tokens,
        code_validity=rules.code_validity,
        claim_headers=list(rules.claim_headers),
        extension=ExtensionBody(
            name=rules.extension,
            applications=rules.extensions,
            seconds=rules.extension_seconds,
            fail_open=rules.extension_open,
        ),
        trusted_issuers=[_issuer_body(one) for one in rules.issuers],
        login_providers=[_provider_body(one) for one in rules.providers],
        sign_up=SignUpBody(enabled=rules.sign_up, roles=list(rules.sign_up_roles)),
        open_registration=rules.open_registration,
    )
    return body.model_dump(
        by_alias=True, exclude={"login_providers": {"__all__": {"client_secret"}}}
    )


def _issuer_body(one: TrustedIssuer) -> IssuerBody:
    return IssuerBody(
        issuer=one.issuer,
        kind="saml" if one.kind == SAML else "jwt",
        jwks=one.jwks,
        jwks_uri=one.jwks_uri,
        certificates=list(one.certificates),
        audiences=list(one.audiences),
        user_claim=one.user_claim,
        create_users=one.create_users,
        role_claim=one.role_claim,
        roles=one.roles,
    )


def _provider_body(one: LoginProvider) -> ProviderBody:
    return ProviderBody(
        id=one.id,
        name=one.name,
        issuer=one.issuer,
        client_id=one.client_id,
        has_client_secret=bool(one.sealed_secret),
        scopes=list(one.scopes),
        user_claim=one.user_claim,
        role_claim=one.role_claim,
        roles=one.roles,
        default_roles=list(one.default_roles),
    )
