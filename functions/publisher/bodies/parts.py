"""The parts of the schema API that are schemas of their own, as requests."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from functions.publisher.bodies.model import Body, ReadOnly
from portico.domain.api import AuthType, Cors, Resource, Scope
from portico.domain.policy import UNLIMITED

Text = str | None
Texts = list[str] | None
Values = dict[str, Any] | None


class OperationBody(Body):
    """The schema APIOperations."""

    target: str
    verb: str
    auth_type: Text = None
    throttling_policy: Text = None
    scopes: Texts = None
    operation_policies: Values = None
    operation_hub_policies: list[Any] | None = None
    id: ReadOnly = None
    used_product_ids: ReadOnly = None
    amzn_resource_name: Text = None
    amzn_resource_timeout: int | None = None
    amzn_resource_content_encode: bool | None = None
    payload_schema: Text = None
    uri_mapping: Text = None

    @field_validator("operation_policies", "operation_hub_policies")
    @classmethod
    def _none_yet(cls, value: Any) -> Any:
        # Better refused than taken and never run.
        flows = value.values() if isinstance(value, dict) else value or ()
        if any(flows):
            raise ValueError("operation policies are not available yet")
        return value

    def resource(self) -> Resource:
        """What the service takes."""
        auth_type = self.auth_type or AuthType.ANY
        return Resource(
            target=self.target,
            verb=self.verb.upper(),
            auth_type=AuthType.ANY if auth_type == "Any" else auth_type,
            scopes=tuple(self.scopes or ()),
            throttling_policy=self.throttling_policy or UNLIMITED,
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


class EndpointConfigBody(BaseModel):
    """The contract's free-form `endpointConfig`, of the kind that Portico serves."""

    model_config = ConfigDict(extra="allow", strict=True)
    endpoint_type: Literal["http"]
    production_endpoints: EndpointBody | None = None
    sandbox_endpoints: EndpointBody | None = None
    endpoint_security: Values = None

    @field_validator("endpoint_security")
    @classmethod
    def _no_credentials(cls, value: Values) -> Values:
        # They would have to be encrypted and sent to the back end; neither exists yet.
        if any(isinstance(one, dict) and one.get("enabled") for one in (value or {}).values()):
            raise ValueError("credentials of endpoints are not available yet")
        return None


class PropertyBody(Body):
    """An item of `additionalProperties`."""

    name: str = Field(min_length=1, max_length=255)
    value: str = Field(max_length=2048)
    display: bool | None = None
