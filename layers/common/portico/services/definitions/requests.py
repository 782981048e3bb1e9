"""What a definition says that requests look like, taken apart by operation: for an API that checks
them at the gateway.
"""

from collections.abc import Mapping
from typing import Any

from portico.services.definitions import rules

MAX_HOPS = 20  # references that lead to references
_PLACES = ("path", "query", "header")  # cookies are not checked


def requests(document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Operations by `VERB path`, what their schemas refer to, and the dialect of the schemas (2.0,
    3.0 or 3.1).

    An operation is `parameters` (`[place, name, required, schema, style and explode]`), `body`
    (media type -> schema) and `body_required`.
    """
    version = str(document.get("openapi") or document.get("swagger") or "3.0")
    dialect = version[:3]
    found: dict[str, Any] = {}
    for path, item in _mapping(document.get("paths")).items():
        for verb in rules.VERBS:
            operation = _mapping(_mapping(item).get(verb))
            if operation:
                shared = _mapping(item).get("parameters")
                found[f"{verb.upper()} {path}"] = _operation(document, operation, shared)
    if "swagger" in document:
        return found, {"definitions": _mapping(document.get("definitions"))}, dialect
    schemas = _mapping(_mapping(document.get("components")).get("schemas"))
    return found, {"components": {"schemas": schemas}}, dialect


def _operation(
    document: Mapping[str, Any], operation: Mapping[str, Any], shared: Any
) -> dict[str, Any]:
    known: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for one in [*_list(shared), *_list(operation.get("parameters"))]:
        parameter = _resolved(document, one)
        known[parameter.get("in"), parameter.get("name")] = parameter
    made: dict[str, Any] = {"parameters": []}
    for (place, name), parameter in known.items():
        if place in _PLACES and isinstance(name, str):
            made["parameters"].append(
                [
                    place,
                    name,
                    bool(parameter.get("required")),
                    _schema(parameter),
                    {
                        key: parameter[key]
                        for key in ("style", "explode", "collectionFormat")
                        if key in parameter
                    },
                ]
            )
        elif place == "body":  # Swagger 2.0
            kinds = _list(operation.get("consumes")) or _list(document.get("consumes"))
            kinds = kinds or ["application/json"]
            made["body"] = {str(kind): parameter.get("schema", {}) for kind in kinds}
            made["body_required"] = bool(parameter.get("required"))
    body = _resolved(document, operation.get("requestBody"))
    if body:
        made["body"] = {
            str(kind): _mapping(media).get("schema", {})
            for kind, media in _mapping(body.get("content")).items()
        }
        made["body_required"] = bool(body.get("required"))
    return made


def _schema(parameter: Mapping[str, Any]) -> Any:
    if "schema" in parameter:
        return parameter["schema"]
    if "content" in parameter:
        return {}  # a text in a format of its own: only that it is there can be checked
    # Swagger 2.0: the parameter is its schema.
    left_out = {"name", "in", "required", "description", "style", "explode", "collectionFormat"}
    return {name: value for name, value in parameter.items() if name not in left_out}


def _resolved(document: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """What a reference inside the document leads to."""
    for _ in range(MAX_HOPS):
        reference = _mapping(value).get("$ref")
        if not isinstance(reference, str):
            return _mapping(value)
        value = document
        for part in reference.removeprefix("#/").split("/"):
            value = _mapping(value).get(part.replace("~1", "/").replace("~0", "~"))
    return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
