"""The schema API as a request. Fields without behaviour here are kept and given back."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from functions.publisher.bodies.model import Body, ReadOnly
from functions.publisher.bodies.parts import (
    ApiScopeBody,
    CorsBody,
    EndpointConfigBody,
    OperationBody,
    PoliciesBody,
    PropertyBody,
    Text,
    Texts,
    Values,
)
from portico.domain.api import Delivery
from portico.domain.errors import InvalidInput
from portico.services.drafts import Changes, Draft

# Properties by which the contract's API carries what only Portico has; never stored as properties.
DELIVERY = "portico_delivery"
PASS_AUTHORIZATION = "portico_pass_authorization"  # noqa: S105 - a property's name


class ApiFields(Body):
    """The schema API with nothing required: what comes beside an OpenAPI file."""

    name: Text = None
    version: Text = None
    context: Text = None
    provider: Text = None
    description: Text = Field(default=None, max_length=32766)
    type: Literal["HTTP"] | None = None
    operations: list[OperationBody] | None = None
    scopes: list[ApiScopeBody] | None = None
    endpoint_config: EndpointConfigBody | None = None
    policies: Texts = None
    api_throttling_policy: Text = None
    tags: Texts = None
    visibility: Literal["PUBLIC", "PRIVATE", "RESTRICTED"] | None = None
    visible_roles: Texts = None
    transport: Texts = None
    cors_configuration: CorsBody | None = None
    authorization_header: Text = None
    is_default_version: bool | None = None
    additional_properties: list[PropertyBody] | None = None
    additional_properties_map: dict[str, PropertyBody] | None = None

    id: ReadOnly = None
    life_cycle_status: ReadOnly = None
    has_thumbnail: ReadOnly = None
    is_revision: ReadOnly = None
    revisioned_api_id: ReadOnly = None
    revision_id: ReadOnly = None
    workflow_status: ReadOnly = None
    created_time: ReadOnly = None
    last_updated_timestamp: ReadOnly = None
    last_updated_time: ReadOnly = None
    wsdl_url: ReadOnly = None
    initiated_from_gateway: ReadOnly = None

    # Kept.
    display_name: Text = Field(default=None, max_length=255)
    wsdl_info: Values = None
    response_caching_enabled: bool | None = None
    cache_timeout: int | None = Field(default=None, ge=0, le=2**31 - 1)
    enable_schema_validation: bool | None = None
    enable_subscriber_verification: bool | None = None
    audience: Literal["PUBLIC", "SINGLE"] | None = None
    audiences: Texts = None
    organization_policies: list[Any] | None = None
    api_key_header: Text = None
    security_scheme: Texts = None
    max_tps: Values = None
    visible_tenants: Texts = None
    visible_organizations: Texts = None
    mediation_policies: list[Any] | None = None
    api_policies: PoliciesBody | None = None
    api_hub_policies: list[Any] | None = None
    subscription_availability: (
        Literal["CURRENT_TENANT", "ALL_TENANTS", "SPECIFIC_TENANTS"] | None
    ) = None
    subscription_available_tenants: Texts = None
    monetization: Values = None
    access_control: Literal["NONE", "RESTRICTED"] | None = None
    access_control_roles: Texts = None
    business_information: Values = None
    websub_subscription_configuration: Values = None
    primary_production_endpoint_id: Text = None
    primary_sandbox_endpoint_id: Text = None
    endpoint_implementation_type: Literal["INLINE", "ENDPOINT", "MOCKED_OAS"] | None = None
    subtype_configuration: Values = None
    threat_protection_policies: Values = None
    categories: Texts = None
    key_managers: list[Any] | dict[str, Any] | None = None
    service_info: Values = None
    advertise_info: Values = None
    gateway_vendor: Text = None
    gateway_type: Text = None
    async_transport_protocols: Texts = None
    egress: bool | None = None

    def draft(self) -> Draft:
        """A new API; '' where nothing is said."""
        return Draft(
            name=self.name or "",
            version=self.version or "",
            context=self.context or "",
            provider=self.provider or "",
            changes=self.changes(),
        )

    def changes(self) -> Changes:
        """What the body says: an absent field stays as it is, null clears it."""
        said = self.model_fields_set
        changes = Changes()
        if "description" in said:
            changes["description"] = self.description or ""
        if self.operations is not None:
            changes["resources"] = tuple(one.resource() for one in self.operations)
        if "scopes" in said:
            changes["scopes"] = tuple(one.value() for one in self.scopes or ())
        if "policies" in said:
            changes["policies"] = _some(self.policies)
        if "api_throttling_policy" in said:
            changes["api_throttling_policy"] = self.api_throttling_policy or ""
        if "tags" in said:
            changes["tags"] = _some(self.tags)
        if "visibility" in said:
            changes["visibility"] = self.visibility or "PUBLIC"
        if "visible_roles" in said:
            changes["visible_roles"] = _some(self.visible_roles)
        if self.transport is not None:
            changes["transports"] = tuple(self.transport)
        if "cors_configuration" in said:
            cors = self.cors_configuration
            changes["cors"] = cors.value() if cors else None
        if "authorization_header" in said:
            changes["authorization_header"] = self.authorization_header or "Authorization"
        if "is_default_version" in said:
            changes["is_default_version"] = bool(self.is_default_version)
        self._endpoints(changes)
        self._properties(changes)
        changes["extra"] = self._extra()
        return changes

    def _endpoints(self, changes: Changes) -> None:
        if "endpoint_config" not in self.model_fields_set:
            return
        config = self.endpoint_config
        changes["production_endpoint"] = config.first("production") if config else ""
        changes["sandbox_endpoint"] = config.first("sandbox") if config else ""

    def _properties(self, changes: Changes) -> None:
        if self._given_properties() is None:
            return
        own = {one.name: one.value for one in self._given_properties() or ()}
        delivery = own.get(DELIVERY, Delivery.MEDIATED)
        if delivery not in set(Delivery):
            choices = " or ".join(Delivery)
            raise InvalidInput.of(f"additionalProperties.{DELIVERY}", f"must be {choices}")
        passed = own.get(PASS_AUTHORIZATION, "false")
        if passed not in ("true", "false"):
            field = f"additionalProperties.{PASS_AUTHORIZATION}"
            raise InvalidInput.of(field, "must be true or false")
        changes["delivery"] = delivery
        changes["pass_authorization"] = passed == "true"

    def _given_properties(self) -> Sequence[PropertyBody] | None:
        if self.additional_properties is not None or self.additional_properties_map is None:
            return self.additional_properties
        return list(self.additional_properties_map.values())

    def _extra(self) -> dict[str, Any]:
        """The kept fields under the contract's names; None for one to take away."""
        extra = self.model_dump(by_alias=True, include=self.model_fields_set & KEPT)
        properties = self._given_properties()
        if properties is not None:
            extra["additionalProperties"] = [
                {"name": one.name, "value": one.value, "display": bool(one.display)}
                for one in properties
                if one.name not in (DELIVERY, PASS_AUTHORIZATION)
            ]
        if self.endpoint_config:
            extra["endpointConfig"] = self.endpoint_config.model_dump(
                exclude_none=True, by_alias=True
            )
        elif "endpoint_config" in self.model_fields_set:
            extra["endpointConfig"] = None
        if self.operations is not None:
            extra["operationPolicies"] = {
                f"{one.verb.upper()} {one.target}": policies
                for one in self.operations
                if (policies := one.policies())
            } or None
        if "api_policies" in self.model_fields_set:
            extra["apiPolicies"] = self.api_policies.value() if self.api_policies else None
        return extra


class ApiBody(ApiFields):
    """The schema API with the fields that it requires."""

    name: str
    version: str
    context: str


_FIELDS = list(ApiFields.model_fields)
KEPT = frozenset(_FIELDS[_FIELDS.index("display_name") :])


def _some(values: Texts) -> tuple[str, ...]:
    return tuple(values or ())
