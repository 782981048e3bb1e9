"""The sign-in page: by password, with an account elsewhere, or as whom the browser knows."""

from dataclasses import replace
from typing import Any

from functions.token.endpoints.problem import paged
from functions.token.pages import check_own_form, page, redirect
from functions.token.requests import Request
from functions.token.signing_in import (
    LOGIN,
    NEXT,
    address,
    current,
    flow_of,
    forms_to,
    signed_in,
    signed_in_for,
)
from functions.token.wiring import Wiring
from portico.domain.authorization import BrowserSession, Flow
from portico.domain.errors import NotFound, TooManyAttempts, Unauthenticated
from portico.domain.user import User
from portico.services.flows import Flows

PASSWORD = ("pwd",)  # RFC 8176
WRONG = "The user name or password is wrong, or the user is not active."
LOCKED = "There were too many failed attempts. Try again in some minutes."


@paged
def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The page for a flow; without one, who is signed in."""
    text = request.query().get("flow", "")
    session = current(request, wiring)
    if not text:
        return page("signed-in.html", user=session.user if session else "")
    flow = _flow(request, wiring, text)
    if signed_in_for(flow, session):
        return redirect(address(NEXT[flow.kind], text))
    return _form(wiring, flow, text, _expected(wiring, flow, session), session=session)


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """A name and password, or the wish to go on as whom the browser knows, or as somebody else."""
    check_own_form(request)
    fields = request.parameters()
    text = fields.get("flow", "")
    flow = _flow(request, wiring, text)
    match fields.get("as"):
        case "known":
            return _go_on(request, wiring, flow, text)
        case "other":
            Flows(wiring.records, wiring.clock).save(replace(flow, session=""))
            return redirect(address(LOGIN, text))
    name = fields.get("username", "")
    try:
        user = _authenticated(request, wiring, flow, name, fields.get("password", ""))
    except Unauthenticated:
        return _form(wiring, flow, text, name, WRONG, 401)
    except TooManyAttempts as exc:
        answered = _form(wiring, flow, text, name, LOCKED, 429)
        answered["headers"]["Retry-After"] = str(exc.retry_after)
        return answered
    return signed_in(request, wiring, text, user, PASSWORD)


def _flow(request: Request, wiring: Wiring, text: str) -> Flow:
    flow = flow_of(request, wiring, text)
    if flow.kind not in NEXT:
        raise NotFound("Flow", text[:20])
    return flow


def _authenticated(request: Request, wiring: Wiring, flow: Flow, name: str, password: str) -> User:
    tenant, user_name = wiring.accounts.resolve(name, flow.tenant)
    user = wiring.accounts.authenticate(tenant, user_name, password, request.address)
    if user.tenant != flow.tenant:
        raise Unauthenticated(WRONG)
    return user


def _go_on(request: Request, wiring: Wiring, flow: Flow, text: str) -> dict[str, Any]:
    session = current(request, wiring)
    if session is None or not _offers(wiring, flow, session):
        return redirect(address(LOGIN, text))
    Flows(wiring.records, wiring.clock).save(replace(flow, session=session.digest))
    return redirect(address(NEXT[flow.kind], text))


def _offers(wiring: Wiring, flow: Flow, session: BrowserSession | None) -> bool:
    """Whether the session will do for the flow, if the user chooses it."""
    if session is None or session.tenant != flow.tenant:
        return False
    if flow.kind != "authorize":
        return True
    client = wiring.authorizing.client(flow.client_id, flow.tenant)
    asked = wiring.authorizing.read(client, flow.parameters, pushed=True)
    return wiring.authorizing.will_do(asked, session)


def _expected(wiring: Wiring, flow: Flow, session: BrowserSession | None) -> str:
    """The user name to begin with: whom the client expects, or who was here before."""
    hint = flow.parameters.get("login_hint", "")
    if hint or session is None or session.tenant != flow.tenant:
        return hint
    return session.user


def _form(
    wiring: Wiring,
    flow: Flow,
    text: str,
    name: str,
    problem: str = "",
    status: int = 200,
    session: BrowserSession | None = None,
) -> dict[str, Any]:
    rules = wiring.rules(flow.tenant)
    client = wiring.clients.find(flow.client_id, flow.tenant) if flow.client_id else None
    known = session.user if session and _offers(wiring, flow, session) else ""
    return page(
        "login.html",
        status,
        forms_to=forms_to(flow),
        flow=text,
        name=name,
        problem=problem,
        known=known,
        application=client.name if client else "",
        providers=rules.providers,
        sign_up=rules.sign_up,
    )
