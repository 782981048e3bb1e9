"""What this SCIM service can do (RFC 7644 section 4); anyone may ask."""

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from scim2_models import (
    Context,
    EnterpriseUser,
    Group,
    Meta,
    ResourceType,
    ScimProvider,
    ServiceProviderConfig,
)
from scim2_models import User as ScimUser

from functions.admin.scim.requests import LIST, MAX_COUNT, base, scim_answer
from functions.admin.scim.resources import UserResource
from portico.domain.errors import NotFound
from portico.web.contract import Contract
from portico.web.rest import operations

router = Router()
operation = operations(router, Contract("scim", "/scim2", ()))


@cache
def provider() -> ScimProvider:
    """The resources and capabilities of this service."""
    config = ServiceProviderConfig.model_validate(
        {
            "schemas": [str(ServiceProviderConfig.__schema__)],
            "patch": {"supported": True},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": MAX_COUNT},
            "changePassword": {"supported": True},
            "sort": {"supported": True},
            "etag": {"supported": True},
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "OAuth Bearer Token",
                    "description": "An access token with the scope apim:admin (RFC 6750)",
                    "specUri": "https://www.rfc-editor.org/info/rfc6750",
                    "primary": True,
                },
                {
                    "type": "httpbasic",
                    "name": "HTTP Basic",
                    "description": "Name and password of an administrator (RFC 7617)",
                    "specUri": "https://www.rfc-editor.org/info/rfc7617",
                },
            ],
        }
    )
    return ScimProvider(
        models=[ScimUser, EnterpriseUser, Group],
        resource_types=[
            ResourceType.from_resource(UserResource),
            ResourceType.from_resource(Group),
        ],
        config=config,
    )


@operation("GET", "/ServiceProviderConfig", ())
def show_config() -> Response[str]:
    return scim_answer(_told(provider().config, "ServiceProviderConfig", ""))


@operation("GET", "/ResourceTypes", ())
def show_types() -> Response[str]:
    return _list([_type(one) for one in provider().resource_types])


@operation("GET", "/ResourceTypes/{name}", ())
def show_type(name: str) -> Response[str]:
    for one in provider().resource_types:
        if one.name == name:
            return scim_answer(_type(one))
    raise NotFound("Resource type", name)


@operation("GET", "/Schemas", ())
def show_schemas() -> Response[str]:
    return _list([_schema(one) for one in provider().schemas])


@operation("GET", "/Schemas/{name}", ())
def show_schema(name: str) -> Response[str]:
    for one in provider().schemas:
        if str(one.id).lower() == name.lower():
            return scim_answer(_schema(one))
    raise NotFound("Schema", name)


def _type(one: Any) -> dict[str, Any]:
    return _told(one, "ResourceType", f"/{one.name}")


def _schema(one: Any) -> dict[str, Any]:
    return _told(one, "Schema", f"/{one.id}")


def _told(resource: Any, kind: str, name: str) -> dict[str, Any]:
    folder = kind if kind == "ServiceProviderConfig" else f"{kind}s"
    meta = Meta(resource_type=kind, location=f"{base(router)}/{folder}{name}")
    found = resource.model_copy(update={"meta": meta})
    body: dict[str, Any] = found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return body


def _list(resources: list[dict[str, Any]]) -> Response[str]:
    return scim_answer(
        {
            "schemas": [LIST],
            "totalResults": len(resources),
            "startIndex": 1,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )
