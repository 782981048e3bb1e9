"""Definitions as Portico writes them: made for an API that has none, or an existing one brought in
line with its resources.

Back-end addresses are never written into a definition: developers read it.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from portico.domain.api import Api, AuthType, Resource, Scope
from portico.services.definitions.reading import DEFAULT_SCHEME, SCOPES, path_items
from portico.services.definitions.rules import VERBS

_PARAMETER = re.compile(r"\{([^{}/]+)\}")
# Where an address is required but only the portal knows it.
_AUTHORIZATION_URL = "https://localhost/authorize"


def generate(api: Api) -> dict[str, Any]:
    """An OpenAPI 3.0 definition with the resources of an API and nothing more."""
    bare: dict[str, Any] = {
        "openapi": "3.0.1",
        "info": {"title": api.name, "version": api.version},
        "paths": {},
        "components": {},
    }
    if api.description:
        bare["info"]["description"] = api.description
    return reflect(bare, api)


def reflect(document: dict[str, Any], api: Api) -> dict[str, Any]:
    """The definition with exactly the API's operations; what it says of those that stay is kept."""
    written = deepcopy(document)
    swagger = "swagger" in written
    written.setdefault("info", {}).update(title=api.name, version=api.version)
    existing = dict(path_items(written))
    paths: dict[str, Any] = {}
    for resource in api.resources:
        item = existing.get(resource.target, {})
        path = paths.setdefault(
            resource.target, {k: v for k, v in item.items() if k not in (*VERBS, "$ref")}
        )
        operation = item.get(resource.verb.lower()) or _operation(resource, swagger)
        path[resource.verb.lower()] = _governed(operation, resource)
    written["paths"] = paths
    # An older way to declare scopes, which the scheme replaces.
    written.pop("x-wso2-security", None)
    _set_scheme(written, api.scopes, swagger)
    written["x-wso2-basePath"] = api.full_context
    written["x-wso2-auth-header"] = api.authorization_header
    written["x-wso2-transports"] = list(api.transports)
    return written


def _operation(resource: Resource, swagger: bool) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "string"} if swagger else {"schema": {"type": "string"}}
    operation: dict[str, Any] = {"responses": {"200": {"description": "OK"}}}
    names = list(dict.fromkeys(_PARAMETER.findall(resource.target)))
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, **kind} for name in names
        ]
    return operation


def _governed(operation: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """What the gateway asks of callers replaces what the back end asks of the gateway."""
    governed = {key: value for key, value in operation.items() if key != "x-scope"}
    governed["security"] = (
        [] if resource.auth_type == AuthType.NONE else [{DEFAULT_SCHEME: list(resource.scopes)}]
    )
    governed.pop(SCOPES, None)
    if resource.every_scope:
        governed[SCOPES] = "all"
    governed["x-auth-type"] = str(resource.auth_type)
    governed["x-throttling-tier"] = resource.throttling_policy
    return governed


def _set_scheme(written: dict[str, Any], scopes: Iterable[Scope], swagger: bool) -> None:
    flow = {
        "authorizationUrl": _AUTHORIZATION_URL,
        "scopes": {scope.name: scope.description for scope in scopes},
        "x-scopes-bindings": {scope.name: ",".join(scope.roles) for scope in scopes},
    }
    if swagger:
        scheme = {"type": "oauth2", "flow": "implicit", **flow}
        written.setdefault("securityDefinitions", {})[DEFAULT_SCHEME] = scheme
    else:
        scheme = {"type": "oauth2", "flows": {"implicit": flow}}
        written.setdefault("components", {}).setdefault("securitySchemes", {})[DEFAULT_SCHEME] = (
            scheme
        )
