"""The page of a tenant's users: who there is, with which roles; make and remove them."""

from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.wiring import Wiring
from portico.domain.errors import NotFound, PorticoError
from portico.domain.user import ROLES, Caller
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import wired

router = Router()
FIELDS = ("name", "email")


@router.get("/")
def show() -> Response[str]:
    return _page(visitor(router, ADMIN_SCOPE))


@router.post("/users")
def create() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    roles = [role for role in ROLES if f"role:{role}" in fields]
    accounts = wired(router, Wiring).accounts
    try:
        accounts.create(
            caller,
            fields.get("name", ""),
            fields.get("password", ""),
            roles,
            email=fields.get("email", ""),
        )
    except PorticoError as exc:
        return _page(caller, fields, exc)
    return redirect("/")


@router.post("/users/<user_id>/delete")
def delete(user_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    accounts = wired(router, Wiring).accounts
    try:
        accounts.delete(caller, accounts.get_by_id(caller.tenant, user_id))
    except NotFound:
        raise
    except PorticoError as exc:
        return _page(caller, {}, exc)
    return redirect("/")


def _page(
    caller: Caller, given: Mapping[str, str] | None = None, problem: PorticoError | None = None
) -> Response[str]:
    return PAGES.show(
        "users.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/",
        users=wired(router, Wiring).accounts.list(caller.tenant),
        roles=ROLES,
        given={**dict.fromkeys(FIELDS, ""), **(given or {})},
        problem=problem,
    )
