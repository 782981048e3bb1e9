"""The page of a tenant's deny policies: whose calls are refused, since when and by whom."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.wiring import Wiring
from portico.domain.errors import PorticoError
from portico.domain.policy import DenyKind
from portico.domain.user import Caller
from portico.services.denying import Denial
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()
HERE = "/deny-policies"
KINDS = {
    DenyKind.API.value: "API",
    DenyKind.APPLICATION.value: "Application",
    DenyKind.USER.value: "User",
    DenyKind.IP.value: "IP address",
    DenyKind.IP_RANGE.value: "IP range",
}
SAID = {
    "made": "The policy is in force within seconds.",
    "on": "Switched on: in force within seconds.",
    "off": "Switched off: calls pass again within seconds.",
    "deleted": "The policy is deleted: calls pass again within seconds.",
}


@router.get("/deny-policies")
def show() -> Response[str]:
    return _page(visitor(router, ADMIN_SCOPE), {})


@router.post("/deny-policies")
def create() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    kind, value = fields.get("kind", ""), fields.get("value", "").strip()
    ranged = kind == DenyKind.IP_RANGE
    denial = Denial(
        kind=kind,
        value="" if ranged else value,
        start=value if ranged else "",
        end=fields.get("end", "").strip() if ranged else "",
        invert="invert" in fields,
    )
    try:
        wired(router, Wiring).denying.create(caller, denial)
    except PorticoError as exc:
        return _page(caller, fields, exc)
    return redirect(f"{HERE}?said=made")


@router.post("/deny-policies/<policy_id>/switch")
def switch(policy_id: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    active = fields.get("active") == "on"
    wired(router, Wiring).denying.switch(caller, policy_id, active)
    return redirect(f"{HERE}?said={'on' if active else 'off'}")


@router.post("/deny-policies/<policy_id>/delete")
def delete(policy_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    wired(router, Wiring).denying.delete(caller, policy_id)
    return redirect(f"{HERE}?said=deleted")


def _page(
    caller: Caller, given: Mapping[str, str], problem: PorticoError | None = None
) -> Response[str]:
    found = wired(router, Wiring).denying.list(caller.tenant)
    rows = [(one, datetime.fromtimestamp(one.created, UTC)) for one in reversed(found)]
    return PAGES.show(
        "deny-policies.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/policies",
        kinds=KINDS,
        rows=rows,
        given={"kind": "", "value": "", "end": "", **given},
        said=SAID.get(query(router, "said"), ""),
        problem=problem,
    )
