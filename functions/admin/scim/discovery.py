"""What this SCIM service can do (RFC 7644 section 4); anyone may ask."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.scim.bodies import LIST, USER
from functions.admin.scim.users import MAX_COUNT, scim_answer
from portico.domain.errors import NotFound
from portico.web.contract import Contract
from portico.web.rest import operations

CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
OFF = {"supported": False}

router = Router()
operation = operations(router, Contract("scim", "/scim2", ()))


@operation("GET", "/ServiceProviderConfig", ())
def show_config() -> Response[str]:
    return scim_answer(
        {
            "schemas": [CONFIG],
            "patch": OFF,
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": MAX_COUNT},
            "changePassword": OFF,
            "sort": OFF,
            "etag": OFF,
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
            "meta": {"resourceType": "ServiceProviderConfig"},
        }
    )


@operation("GET", "/ResourceTypes", ())
def show_types() -> Response[str]:
    return scim_answer(_list([_user_type()]))


@operation("GET", "/ResourceTypes/{name}", ())
def show_type(name: str) -> Response[str]:
    if name != "User":
        raise NotFound("Resource type", name)
    return scim_answer(_user_type())


@operation("GET", "/Schemas", ())
def show_schemas() -> Response[str]:
    return scim_answer(_list([_user_schema()]))


@operation("GET", "/Schemas/{name}", ())
def show_schema(name: str) -> Response[str]:
    if name != USER:
        raise NotFound("Schema", name)
    return scim_answer(_user_schema())


def _list(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [LIST],
        "totalResults": len(resources),
        "startIndex": 1,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _user_type() -> dict[str, Any]:
    return {
        "schemas": [RESOURCE_TYPE],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "A person or machine with a password",
        "schema": USER,
        "schemaExtensions": [],
        "meta": {"resourceType": "ResourceType"},
    }


def _user_schema() -> dict[str, Any]:
    text = _attribute("value", returned="default")
    return {
        "schemas": [SCHEMA],
        "id": USER,
        "name": "User",
        "description": "A person or machine with a password",
        "attributes": [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("password", required=True, mutability="writeOnly", returned="never"),
            _attribute(
                "name",
                type="complex",
                subAttributes=[_attribute("givenName"), _attribute("familyName")],
            ),
            _attribute("active", type="boolean"),
            _attribute("emails", type="complex", multiValued=True, subAttributes=[text]),
            _attribute("roles", type="complex", multiValued=True, subAttributes=[text]),
            _attribute("groups", type="complex", multiValued=True, subAttributes=[text]),
        ],
        "meta": {"resourceType": "Schema"},
    }


def _attribute(name: str, **more: Any) -> dict[str, Any]:
    """An attribute's definition (RFC 7643 section 7); like its defaults where nothing is said."""
    return {
        "name": name,
        "type": "string",
        "multiValued": False,
        "description": name,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        **more,
    }
