"""The parts of the schema API that are schemas of their own, as requests."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from functions.publisher.bodies.model import Body, ReadOnly
from portico.domain.api import AuthType, Cors, Resource, Scope
from portico.domain.policy import UNLIMITED

Text = str | None
Texts = list[str] | None
Values = dict[str, Any] | None


class PolicyBody(Body):
    """The schema OperationPolicy; what it may do is `portico.domain.mediation`'s to say."""

    policy_name: str = Field(max_length=100)
    policy_version: Text = None
    policy_type: Text = None
    policy_id: Text = None
    parameters: Values = None


class PoliciesBody(Body):
    """The schema APIOperationPolicies."""

    request: list[PolicyBody] | None = None
    response: list[PolicyBody] | None = None
    fault: list[PolicyBody] | None = None

    def value(self) -> dict[str, Any] | None:
        """As it is kept: the contract's words, flows without policies left out."""
        given = self.model_dump(by_alias=True, exclude_none=True)
        return {flow: listed for flow, listed in given.items() if listed} or None


class OperationBody(Body):
    """The schema APIOperations."""

    target: str
    verb: str
    auth_type: Text = None
    throttling_policy: Text = None
    scopes: Texts = None
    require_all_scopes: bool | None = None  # more than the contract has
    operation_policies: PoliciesBody | None = None
    operation_hub_policies: list[Any] | None = None
    id: ReadOnly = None
    used_product_ids: ReadOnly = None
    amzn_resource_name: Text = None
    amzn_resource_timeout: int | None = None
    amzn_resource_content_encode: bool | None = None
    payload_schema: Text = None
    uri_mapping: Text = None

    @field_validator("operation_hub_policies")
    @classmethod
    def _none_yet(cls, value: Any) -> Any:
        # Better refused than taken and never run.
        if value:
            raise ValueError("policies of a hub are not available")
        return value

    def policies(self) -> dict[str, Any] | None:
        """Its rules in the contract's words; None without any."""
        return self.operation_policies.value() if self.operation_policies else None

    def resource(self) -> Resource:
        """What the service takes."""
        auth_type = self.auth_type or AuthType.ANY
        return Resource(
            target=self.target,
            verb=self.verb.upper(),
            auth_type=AuthType.ANY if auth_type == "Any" else auth_type,
            scopes=tuple(self.scopes or ()),
            throttling_policy=self.throttling_policy or UNLIMITED,
            every_scope=bool(self.require_all_scopes),
        )


class ScopeBody(Body):
    """The schema Scope."""

    name: str
    display_name: Text = Field(default=None, max_length=255)
    description: Text = Field(default=None, max_length=512)
    bindings: Texts = None
    id: ReadOnly = None
    usage_count: ReadOnly = None


class ApiScopeBody(Body):
    """The schema APIScope."""

    scope: ScopeBody
    shared: bool | None = None

    def value(self) -> Scope:
        """What the service takes."""
        one = self.scope
        roles = tuple(role for role in one.bindings or () if role)
        return Scope(one.name, one.display_name or one.name, one.description or "", roles)


class CorsBody(Body):
    """The schema APICorsConfiguration."""

    cors_configuration_enabled: bool | None = None
    access_control_allow_origins: Texts = None
    access_control_allow_credentials: bool | None = None
    access_control_allow_headers: Texts = None
    access_control_allow_methods: Texts = None

    def value(self) -> Cors:
        """What the service takes; what is left out is the domain's default."""
        usual = Cors()

        def some(given: Texts, otherwise: tuple[str, ...]) -> tuple[str, ...]:
            return otherwise if given is None else tuple(given)

        return Cors(
            enabled=bool(self.cors_configuration_enabled),
            allow_origins=some(self.access_control_allow_origins, usual.allow_origins),
            allow_credentials=bool(self.access_control_allow_credentials),
            allow_headers=some(self.access_control_allow_headers, usual.allow_headers),
            allow_methods=some(self.access_control_allow_methods, usual.allow_methods),
        )


class EndpointBody(BaseModel):
    """One endpoint of an endpoint configuration; its other settings are kept as given."""

    model_config = ConfigDict(extra="allow", strict=True)
    url: str | None = None


class SecurityBody(BaseModel):
    """The credentials for one side's endpoints; `portico.domain.endpoints` reads them."""

    model_config = ConfigDict(extra="allow", strict=True)
    enabled: bool = False
    type: Text = None
    username: Text = Field(default=None, max_length=2048)
    password: Text = Field(default=None, max_length=1024)
    token_url: Text = Field(default=None, alias="tokenUrl", max_length=2048)
    client_id: Text = Field(default=None, alias="clientId", max_length=2048)
    client_secret: Text = Field(default=None, alias="clientSecret", max_length=1024)
    grant_type: Text = Field(default=None, alias="grantType")
    scopes: Texts = None
    custom_parameters: dict[str, str] | str | None = Field(default=None, alias="customParameters")
    api_key_identifier: Text = Field(default=None, alias="apiKeyIdentifier", max_length=100)
    api_key_identifier_type: Text = Field(default=None, alias="apiKeyIdentifierType")
    api_key_value: Text = Field(default=None, alias="apiKeyValue", max_length=1024)


class EndpointConfigBody(BaseModel):
    """The contract's free-form `endpointConfig`, of the kind that Portico serves."""

    model_config = ConfigDict(extra="allow", strict=True)
    endpoint_type: Literal["http", "load_balance", "failover"]
    production_endpoints: EndpointBody | list[EndpointBody] | None = None
    sandbox_endpoints: EndpointBody | list[EndpointBody] | None = None
    production_failovers: list[EndpointBody] | None = None
    sandbox_failovers: list[EndpointBody] | None = None
    endpoint_security: dict[Literal["production", "sandbox"], SecurityBody | None] | None = None

    @field_validator("production_endpoints", "sandbox_endpoints")
    @classmethod
    def _one_or_balanced(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, list) and info.data.get("endpoint_type") == "http":
            raise ValueError("a list of endpoints is of the type load_balance")
        return value

    def first(self, side: Literal["production", "sandbox"]) -> str:
        """The address that stands for a side; '' without one."""
        given = self.production_endpoints if side == "production" else self.sandbox_endpoints
        one = given[0] if isinstance(given, list) and given else given
        return (one.url if isinstance(one, EndpointBody) else "") or ""


class PropertyBody(Body):
    """An item of `additionalProperties`."""

    name: str = Field(min_length=1, max_length=255)
    value: str = Field(max_length=2048)
    display: bool | None = None
