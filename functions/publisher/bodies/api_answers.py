"""The schemas API, APIInfo and APIOperations as answers."""

from collections.abc import Mapping
from typing import Any

from functions.publisher.bodies.apis import DELIVERY, PASS_AUTHORIZATION
from functions.publisher.bodies.model import spaced
from portico.domain.api import Api, ApiCard, Cors, Delivery, Resource, Scope
from portico.domain.tenant import shown_user
from portico.services.deployments import endpoint_config
from portico.services.endpoint_credentials import shown

# What an API has of the contract's fields before anybody sets them.
USUAL: dict[str, Any] = {
    "responseCachingEnabled": False,
    "cacheTimeout": 300,
    "enableSchemaValidation": False,
    "enableSubscriberVerification": False,
    "audience": "PUBLIC",
    "audiences": [],
    "organizationPolicies": [],
    "apiKeyHeader": "ApiKey",
    "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
    "visibleTenants": [],
    "visibleOrganizations": [],
    "mediationPolicies": [],
    "subscriptionAvailability": "CURRENT_TENANT",
    "subscriptionAvailableTenants": [],
    "accessControl": "NONE",
    "accessControlRoles": [],
    "businessInformation": {},
    "endpointImplementationType": "ENDPOINT",
    "threatProtectionPolicies": {"list": []},
    "categories": [],
    "advertiseInfo": {"advertised": False},
    "gatewayVendor": "wso2",
    "gatewayType": "wso2/synapse",
    "asyncTransportProtocols": [],
    "egress": False,
}


def api_info(card: ApiCard) -> dict[str, Any]:
    """The schema APIInfo."""
    return {
        "id": card.id,
        "name": card.name,
        "displayName": card.name,
        "description": card.description,
        "context": card.context,
        "version": card.version,
        "provider": shown_user(card.provider, card.tenant),
        "type": "HTTP",
        "subtype": "DEFAULT",
        "audience": "PUBLIC",
        "lifeCycleStatus": card.state,
        "workflowStatus": "APPROVED",
        "hasThumbnail": False,
        "securityScheme": USUAL["securityScheme"],
        "createdTime": spaced(card.created),
        "updatedTime": spaced(card.updated),
        "updatedBy": card.updated_by,
        "gatewayVendor": "wso2",
        "gatewayType": "wso2/synapse",
        "advertiseOnly": False,
        "monetizedInfo": False,
        "additionalProperties": own_properties(card.delivery, False),
        "additionalPropertiesMap": {
            one["name"]: one for one in own_properties(card.delivery, False)
        },
        "egress": False,
        "initiatedFromGateway": False,
    }


def api_body(api: Api) -> dict[str, Any]:
    """The schema API."""
    kept = {name: value for name, value in api.extra.items() if name != "endpointConfig"}
    rules = kept.pop("operationPolicies", {})
    properties = [
        *kept.pop("additionalProperties", []),
        *own_properties(api.delivery, api.pass_authorization),
    ]
    return {
        **USUAL,
        "displayName": api.name,
        **kept,
        "id": api.id,
        "name": api.name,
        "description": api.description,
        "context": api.context,
        "version": api.version,
        "provider": shown_user(api.provider, api.tenant),
        "lifeCycleStatus": api.state,
        "type": "HTTP",
        "hasThumbnail": False,
        "isDefaultVersion": api.is_default_version,
        "isRevision": False,
        "transport": list(api.transports),
        "tags": list(api.tags),
        "policies": list(api.policies),
        "apiThrottlingPolicy": api.api_throttling_policy,
        "authorizationHeader": api.authorization_header,
        "visibility": api.visibility,
        "visibleRoles": list(api.visible_roles),
        "corsConfiguration": cors_body(api.cors or Cors()),
        "workflowStatus": "APPROVED",
        "createdTime": str(api.created),
        "lastUpdatedTime": str(api.updated),
        "lastUpdatedTimestamp": str(api.updated),
        **_endpoint_config(api),
        "scopes": [{"scope": scope_body(scope), "shared": False} for scope in api.scopes],
        "operations": [
            operation_body(resource, rules.get(f"{resource.verb} {resource.target}"))
            for resource in api.resources
        ],
        "additionalProperties": properties,
        "additionalPropertiesMap": {one["name"]: one for one in properties},
        "initiatedFromGateway": False,
    }


def operation_body(resource: Resource, policies: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema APIOperations."""
    return {
        "id": f"{resource.verb} {resource.target}",
        "target": resource.target,
        "verb": resource.verb,
        "authType": resource.auth_type,
        "throttlingPolicy": resource.throttling_policy,
        "scopes": list(resource.scopes),
        **({"requireAllScopes": True} if resource.every_scope else {}),
        "usedProductIds": [],
        "operationPolicies": {"request": [], "response": [], "fault": [], **(policies or {})},
    }


def own_properties(delivery: str, pass_authorization: bool) -> list[dict[str, Any]]:
    """Portico's own settings of an API as properties; the usual ones are not shown."""
    values = {}
    if delivery != Delivery.MEDIATED:
        values[DELIVERY] = delivery
    if pass_authorization:
        values[PASS_AUTHORIZATION] = "true"
    return [{"name": name, "value": value, "display": False} for name, value in values.items()]


def scope_body(scope: Scope) -> dict[str, Any]:
    """The schema Scope."""
    return {
        "name": scope.name,
        "displayName": scope.display_name or scope.name,
        "description": scope.description,
        "bindings": list(scope.roles),
    }


def cors_body(cors: Cors) -> dict[str, Any]:
    """The schema APICorsConfiguration."""
    return {
        "corsConfigurationEnabled": cors.enabled,
        "accessControlAllowOrigins": list(cors.allow_origins),
        "accessControlAllowCredentials": cors.allow_credentials,
        "accessControlAllowHeaders": list(cors.allow_headers),
        "accessControlAllowMethods": list(cors.allow_methods),
    }


def _endpoint_config(api: Api) -> dict[str, Any]:
    config = endpoint_config(api)
    return {"endpointConfig": shown(config)} if config else {}
