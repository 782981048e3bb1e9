"""The schemas APIInfo and API: what the store says of an API, and nothing of its back end."""

from collections.abc import Mapping, Sequence
from typing import Any

from portico.domain.api import Api, ApiCard, full_context
from portico.domain.behaviour import behaviour_of
from portico.domain.policy import Policy
from portico.domain.tenant import shown_user


def api_info(api: Api | ApiCard) -> dict[str, Any]:
    """The schema APIInfo; the context is the full one, with the version."""
    return {
        "id": api.id,
        "name": api.name,
        "description": api.description,
        "context": full_context(api.context, api.version),
        "version": api.version,
        "type": "HTTP",
        "createdTime": str(api.created),
        "provider": shown_user(api.provider, api.tenant),
        "lifeCycleStatus": api.state,
        "avgRating": "0.0",
        "throttlingPolicies": list(api.policies),
        "advertiseInfo": {"advertised": False},
        "businessInformation": {},
        "isSubscriptionAvailable": behaviour_of(api).subscribable,
        "monetizationLabel": "FREE",
        "gatewayVendor": "wso2",
        "additionalProperties": [],
        "monetizedInfo": False,
        "egress": False,
        "subtype": "DEFAULT",
    }


def api_body(api: Api, policies: Sequence[Policy], gateway_url: str) -> dict[str, Any]:
    """The schema API; `policies` are those that it offers."""
    info = api_info(api)
    for name in ("throttlingPolicies", "monetizationLabel", "monetizedInfo"):
        del info[name]
    return {
        **info,
        "displayName": _text(api.extra.get("displayName")) or api.name,
        "isDefaultVersion": api.is_default_version,
        "transport": list(api.transports),
        "operations": [
            {"id": f"{one.verb} {one.target}", "target": one.target, "verb": one.verb}
            for one in api.resources
        ],
        "authorizationHeader": api.authorization_header,
        "apiKeyHeader": _text(api.extra.get("apiKeyHeader")) or "ApiKey",
        "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
        "tags": list(api.tags),
        "tiers": [{"tierName": one.name, "tierPlan": one.billing_plan} for one in policies],
        "hasThumbnail": False,
        "additionalProperties": _shown(api.extra.get("additionalProperties")),
        "monetization": {"enabled": False},
        "endpointURLs": [_endpoint(api, gateway_url)],
        "businessInformation": _strings(api.extra.get("businessInformation")),
        "environmentList": [
            name
            for name, endpoint in (
                ("PRODUCTION", api.production_endpoint),
                ("SANDBOX", api.sandbox_endpoint),
            )
            if endpoint
        ],
        "scopes": [
            {
                "key": scope.name,
                "name": scope.display_name or scope.name,
                "roles": list(scope.roles),
                "description": scope.description,
            }
            for scope in api.scopes
        ],
        "initiatedFromGateway": False,
        "categories": [],
        "lastUpdatedTime": str(api.updated),
    }


def _endpoint(api: Api, gateway_url: str) -> dict[str, Any]:
    scheme = gateway_url.partition(":")[0]
    urls = {scheme: f"{gateway_url}{api.full_context}"}
    bare = api.context.replace("/{version}", "")
    defaults = {scheme: f"{gateway_url}{bare}"} if api.is_default_version else {}
    return {
        "environmentName": "Default",
        "environmentDisplayName": "Default",
        "environmentType": "hybrid",
        "URLs": urls,
        "defaultVersionURLs": defaults,
    }


def _shown(properties: Any) -> list[dict[str, Any]]:
    """The custom properties that the publisher meant for the store."""
    if not isinstance(properties, list):
        return []
    return [one for one in properties if isinstance(one, dict) and one.get("display")]


def _strings(values: Any) -> dict[str, str]:
    if not isinstance(values, Mapping):
        return {}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
