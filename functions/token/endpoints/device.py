"""The pages where a user brings the code of a device and decides (RFC 8628 section 3.3)."""

from typing import Any
from urllib.parse import urlencode

from functions.token.endpoints.problem import paged
from functions.token.errors import OAuthError
from functions.token.pages import check_own_form, page, redirect
from functions.token.requests import TENANT, Request
from functions.token.signing_in import (
    LOGIN,
    NEXT,
    address,
    begin,
    current,
    flow_of,
    signed_in_for,
)
from functions.token.wiring import Wiring
from portico.domain.authorization import BrowserSession, Flow
from portico.domain.errors import NotFound
from portico.domain.tenant import SUPER_TENANT, shown_user
from portico.domain.user import User
from portico.services.consenting import permissions
from portico.services.devices import canonical, shown

KIND = "device"
PATH = "/oauth2/device"
_WRONG = "This code is not known, or is over. Look at the device: it shows the one that counts now."


@paged
def enter(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The form for the code; one in the address is filled in, to be compared (section 3.3.1)."""
    given = request.query()
    code = canonical(given.get("user_code", ""))
    if request.tenant != SUPER_TENANT:
        # Our cookies are for one path, whatever the tenant.
        query = {"tenant": request.tenant, **({"user_code": shown(code)} if code else {})}
        return redirect(f"{PATH}?{urlencode(query)}")
    return _form(_tenant(given.get("tenant", "")), shown(code) if code else "")


@paged
def entered(request: Request, wiring: Wiring) -> dict[str, Any]:
    """On to signing in, or to the question when the browser is signed in already."""
    check_own_form(request)
    given = request.parameters()
    tenant = _tenant(given.get("tenant", ""))
    typed = given.get("user_code", "")
    try:
        device = wiring.devices.entered(tenant, typed, request.address)
    except NotFound:
        return _form(tenant, typed[:20], _WRONG, 400)
    session = current(request, wiring)
    mine = session if session and session.tenant == tenant else None
    about = {"device": device.digest, "user_code": device.user_code}
    text, cookies = begin(request, wiring, tenant, KIND, device.client_id, about, session=mine)
    return redirect(address(NEXT[KIND] if mine else LOGIN, text), cookies=cookies)


@paged
def ask(request: Request, wiring: Wiring) -> dict[str, Any]:
    """What the device asks for, and its code once more: somebody may have sent it (section 5.4)."""
    text = request.query().get("flow", "")
    flow, session = _signed_in(request, wiring, text)
    if session is None:
        return redirect(address(LOGIN, text))
    device = wiring.devices.waiting(flow.tenant, flow.parameters["user_code"])
    client = wiring.clients.get(flow.tenant, flow.client_id)
    user = wiring.records.get(User, tenant=session.tenant, name=session.user)
    if user is None:
        raise NotFound("User", session.user)
    scopes = wiring.issuing.grantable(client, user, device.scopes)
    return page(
        "device-confirm.html",
        flow=text,
        application=client.name,
        code=shown(device.user_code),
        permissions=permissions(wiring.records, client, scopes),
        user=shown_user(session.user, session.tenant),
    )


@paged
def decide(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The user's answer, and a page that says how it goes on."""
    check_own_form(request)
    given = request.parameters()
    text, decision = given.get("flow", ""), given.get("decision", "")
    if decision not in ("allow", "deny"):
        raise OAuthError("invalid_request", "The form says neither yes nor no")
    flow, session = _signed_in(request, wiring, text)
    if session is None:
        return redirect(address(LOGIN, text))
    client = wiring.clients.get(flow.tenant, flow.client_id)
    wiring.devices.decide(flow, session, allowed=decision == "allow")
    return page("device-done.html", application=client.name, allowed=decision == "allow")


def _signed_in(request: Request, wiring: Wiring, text: str) -> tuple[Flow, BrowserSession | None]:
    """The flow, and the session that signed in for it."""
    flow, session = flow_of(request, wiring, text, KIND), current(request, wiring)
    return flow, session if signed_in_for(flow, session) else None


def _tenant(text: str) -> str:
    if text and not TENANT.fullmatch(text):
        raise OAuthError("invalid_request", "The tenant cannot be one")
    return text.lower() or SUPER_TENANT


def _form(tenant: str, code: str, problem: str = "", status: int = 200) -> dict[str, Any]:
    return page("device.html", status, tenant=tenant, code=code, problem=problem)
