"""What a SCIM request says: its payload, its filter and its page (RFC 7644 sections 3.3 to 3.5)."""

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import ValidationError
from scim2_models import (
    Context,
    ListResponse,
    PatchOp,
    Resource,
    ResponseParameters,
    ScimPolicy,
    SearchRequest,
)

from functions.admin.scim.errors import CONTENT_TYPE, Invalid, Precondition, invalid_filter
from functions.admin.scim.resources import shown
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput, TooLarge
from portico.web.rest import caller, if_match, query, wired

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MAX_COUNT = 200
MAX_BODY = 1_000_000  # bytes; a group may list many members
MAX_FILTER = 1000
# What Microsoft's and others' clients send, beside what the RFC says.
POLICY = ScimPolicy(
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
PASSWORD = re.compile(r"\bpassword\b", re.IGNORECASE)
BARE = re.compile(
    r"(\b(?:eq|ne|co|sw|ew)\s+)(?!(?:true|false|null)\b|-?[0-9])([^\s\"()\[\]]+)", re.IGNORECASE
)
TENANTED = re.compile(r'(\buserName\s+eq\s+"[^"\\]+)@([^"\\@]+)"', re.IGNORECASE)
R = TypeVar("R", bound=Resource[Any])


def payload(router: Router, model: type[R], context: Context) -> R:
    """The request's resource. Raises Invalid, with the SCIM keyword of what is wrong."""
    content = _normal(_json(router))
    if content.get("schemas") == []:
        # As the examples in WSO2's documentation have it.
        content = {**content, "schemas": [model.__schema__]}
    if not content.get("schemas"):
        raise InvalidInput.of("schemas", f"must name {model.__schema__}")
    try:
        return model.model_validate(content, scim_ctx=context)
    except ValidationError as exc:
        raise Invalid(exc) from exc


def patch(router: Router, resource: R) -> None:
    """Apply the request's operations to the resource, all or none (RFC 7644 section 3.5.2)."""
    content = _json(router)
    for operation in content.get("Operations") or [] if isinstance(content, dict) else []:
        if isinstance(operation, dict):
            _normal_operation(operation)
    try:
        operations = PatchOp[type(resource)].model_validate(  # type: ignore[misc]
            content, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
        )
        operations.patch(resource, scim_policy=POLICY)
    except ValidationError as exc:
        raise Invalid(exc) from exc


def check_version(router: Router, stamp: int) -> None:
    """Precondition when `If-Match` names another version (RFC 7644 section 3.14)."""
    wanted = if_match(router)
    if wanted is not None and wanted != stamp:
        raise Precondition("The resource has another version than If-Match names")


def listed(router: Router, model: type[R], resources: Sequence[R]) -> Response[str]:
    """The page of a list that the query asks for (RFC 7644 section 3.4.2)."""
    text = query(router, "filter")
    start = max(1, _number(router, "startIndex", 1))
    count = min(MAX_COUNT, max(0, _number(router, "count", 100)))
    chosen = _chosen(router, model)
    sort_by, tenant = query(router, "sortBy"), caller(router).tenant
    return page(model, resources, text, sort_by, start, count, chosen, tenant)


def searched(router: Router, model: type[R], resources: Sequence[R]) -> Response[str]:
    """The same for a query in a body (RFC 7644 section 3.4.3)."""
    try:
        asked = SearchRequest[model].model_validate(  # type: ignore[valid-type]
            _json(router), scim_ctx=Context.SEARCH_REQUEST
        )
    except ValidationError as exc:
        raise Invalid(exc) from exc
    start, count = max(1, asked.start_index or 1), asked.count
    return page(
        model,
        resources,
        str(asked.filter or ""),
        str(asked.sort_by or ""),
        start,
        100 if count is None else min(MAX_COUNT, max(0, count)),
        asked,
        caller(router).tenant,
    )


def page(
    model: type[R],
    resources: Sequence[R],
    text: str,
    sort_by: str,
    start: int,
    count: int,
    chosen: "ResponseParameters[Any]",
    tenant: str,
) -> Response[str]:
    """A page of those resources that a filter is true of; `start` counts from one."""
    if len(text) > MAX_FILTER:
        raise invalid_filter(f"A filter has at most {MAX_FILTER} characters")
    try:
        wanted = {"filter": readable(text, tenant) or None, "sortBy": sort_by or None}
        schemas = [str(SearchRequest.__schema__)]
        request = SearchRequest[model].model_validate(  # type: ignore[valid-type]
            {"schemas": schemas, **wanted}
        )
        fits = [one for one in resources if not request.filter or request.filter.match(one)]
        found = request.sort(fits) if sort_by else fits
    except ValidationError as exc:
        raise Invalid(exc) from exc
    except (ValueError, RecursionError) as exc:
        raise invalid_filter("The filter cannot be read") from exc
    some = found[start - 1 : start - 1 + count]
    return scim_answer(
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(some),
            "Resources": [shown(one, chosen) for one in some],
        }
    )


def readable(text: str, tenant: str) -> str:
    """A filter as the RFC writes it: WSO2's clients leave out the quotes of a value, and name users
    with their tenant. InvalidFilter when it asks for passwords.
    """
    if PASSWORD.search(QUOTED.sub("", text)):
        raise invalid_filter("Users cannot be filtered by 'password'")
    quoted = BARE.sub(lambda match: match[1] + json.dumps(match[2]), text)
    return TENANTED.sub(
        lambda match: match[1] + '"' if match[2].lower() == tenant else match[0], quoted
    )


def one(router: Router, resource: R, status: int = 200) -> Response[str]:
    """One resource, with its address and version."""
    meta = resource.meta
    headers = {}
    if meta:
        headers = {"Location": str(meta.location), "ETag": str(meta.version)}
    return scim_answer(shown(resource, _chosen(router, type(resource))), status, **headers)


def scim_answer(content: Any, status: int = 200, **headers: str) -> Response[str]:
    """A SCIM answer."""
    text = json.dumps(content, ensure_ascii=False)
    return Response(status, content_type=CONTENT_TYPE, body=text, headers=dict(headers))


def base(router: Router) -> str:
    """The address of `/scim2`; a function learns its own from its calls, not at deploy time."""
    known = wired(router, Wiring).settings.admin_url
    host = router.current_event.raw_event["requestContext"].get("domainName", "")
    return f"{known or f'https://{host}'}/scim2"


def _json(router: Router) -> Any:
    text = router.current_event.decoded_body or ""
    if len(text) > MAX_BODY:
        raise TooLarge(f"The body has more than {MAX_BODY} characters")
    try:
        content = json.loads(text)
        json.dumps(content, ensure_ascii=False).encode()  # no halves of surrogate pairs
    except (ValueError, RecursionError) as exc:
        raise InvalidInput.of("body", "is not well-formed JSON") from exc
    if not isinstance(content, dict):
        raise InvalidInput.of("body", "must be a JSON object")
    return content


def _normal(content: Any) -> Any:
    """The forms that WSO2's clients send: plain texts for values, groups like roles."""
    if not isinstance(content, dict):
        return content
    found = dict(content)
    for name in ("emails", "roles", "groups"):
        if isinstance(found.get(name), list):
            found[name] = [{"value": one} if isinstance(one, str) else one for one in found[name]]
    if isinstance(found.get("groups"), list):
        groups, roles = found.pop("groups"), found.get("roles") or []
        if isinstance(roles, list):
            known = [one for one in groups if isinstance(one, dict)]
            more = [{key: one[key] for key in ("value", "display") if key in one} for one in known]
            found["roles"] = [*roles, *more]
    return found


def _normal_operation(operation: dict[str, Any]) -> None:
    """`groups` of a user is read-only in the RFC; WSO2's clients give roles by it."""
    path = operation.get("path")
    if path in ("groups", "roles"):
        operation["path"] = "roles"
        if isinstance(operation.get("value"), list):
            operation["value"] = _normal({"roles": operation["value"]})["roles"]
    if not path and isinstance(operation.get("value"), dict):
        operation["value"] = _normal(operation["value"])


def _number(router: Router, name: str, default: int) -> int:
    text = query(router, name)
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise InvalidInput.of(name, "must be a whole number")
    return int(text)


def _chosen(router: Router, model: type[R]) -> "ResponseParameters[Any]":
    given = {name: query(router, name) for name in ("attributes", "excludedAttributes")}
    try:
        found: ResponseParameters[Any] = ResponseParameters[model].model_validate(  # type: ignore[valid-type]
            {name: text for name, text in given.items() if text}
        )
    except ValidationError as exc:
        raise Invalid(exc) from exc
    return found
