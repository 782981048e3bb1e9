"""`/scim2/Users`: create, get, list and delete (RFC 7644 sections 3.3, 3.4 and 3.6)."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.scim.bodies import LIST, NewUser, user_body
from functions.admin.scim.errors import CONTENT_TYPE
from functions.admin.scim.filters import filter_of
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import Contract
from portico.web.rest import body, caller, operations, query, wired

SCOPES = ("apim:admin",)
MAX_COUNT = 200
ALWAYS = ("schemas", "id")  # RFC 7643 section 7: returned whatever a client asks for

router = Router()
operation = operations(router, Contract("scim", "/scim2", ()))


@operation("POST", "/Users", SCOPES)
def create() -> Response[str]:
    new = body(router, NewUser).checked()
    name = new.name
    user = wired(router, Wiring).accounts.create(
        caller(router),
        new.user_name,
        new.password,
        new.all_roles,
        email=new.email,
        given_name=name.given_name or "" if name else "",
        family_name=name.family_name or "" if name else "",
        active=new.active is not False,
    )
    resource = user_body(user, _base())
    return scim_answer(_chosen(resource), 201, Location=resource["meta"]["location"])


@operation("GET", "/Users", SCOPES)
def show_all() -> Response[str]:
    start = max(1, _number("startIndex", 1))
    count = min(MAX_COUNT, max(0, _number("count", 100)))
    tenant = caller(router).tenant
    fits = filter_of(query(router, "filter"), tenant)
    found = [user for user in wired(router, Wiring).accounts.list(tenant) if fits(user)]
    page = found[start - 1 : start - 1 + count]
    return scim_answer(
        {
            "schemas": [LIST],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": [_chosen(user_body(user, _base())) for user in page],
        }
    )


@operation("GET", "/Users/{userId}", SCOPES)
def show(user_id: str) -> Response[str]:
    user = wired(router, Wiring).accounts.get_by_id(caller(router).tenant, user_id)
    resource = user_body(user, _base())
    return scim_answer(_chosen(resource), Location=resource["meta"]["location"])


@operation("DELETE", "/Users/{userId}", SCOPES)
def delete(user_id: str) -> Response[str]:
    accounts = wired(router, Wiring).accounts
    accounts.delete(caller(router), accounts.get_by_id(caller(router).tenant, user_id))
    return Response(204, body="")


def scim_answer(content: Any, status: int = 200, **headers: str) -> Response[str]:
    """A SCIM answer."""
    text = json.dumps(content, ensure_ascii=False)
    return Response(status, content_type=CONTENT_TYPE, body=text, headers=dict(headers))


def _base() -> str:
    """The address of `/scim2`; a function learns its own from its calls, not at deploy time."""
    known = wired(router, Wiring).settings.admin_url
    host = router.current_event.raw_event["requestContext"].get("domainName", "")
    return f"{known or f'https://{host}'}/scim2"


def _number(name: str, default: int) -> int:
    text = query(router, name)
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise InvalidInput.of(name, "must be a whole number")
    return int(text)


def _chosen(resource: dict[str, Any]) -> dict[str, Any]:
    """Only the top-level attributes that the request asks for (RFC 7644 section 3.9)."""
    wanted, unwanted = _names("attributes"), _names("excludedAttributes")
    return {
        key: value
        for key, value in resource.items()
        if key in ALWAYS or ((not wanted or key.lower() in wanted) and key.lower() not in unwanted)
    }


def _names(parameter: str) -> set[str]:
    names = query(router, parameter).split(",")
    return {name.strip().partition(".")[0].lower() for name in names if name.strip()}
