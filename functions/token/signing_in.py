"""The browser that talks to us: its two cookies, who is signed in with it, and how signing in goes
on to what it was for.

The pages that ask for a password, or send people elsewhere to prove who they are, end here.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from functions.token.pages import redirect
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.authorization import BrowserSession, Flow
from portico.domain.errors import LostRace, NotFound
from portico.domain.records import Create, Replace
from portico.domain.user import User
from portico.services.browser_sessions import LIFETIME, BrowserSessions
from portico.services.flows import Flows

PATH = "/oauth2"  # APIs share the host: a cookie for all of it would be sent to back ends
LOGIN = "/oauth2/login"
FORMS_TO = "forms_to"  # parameter of a flow: where the forms of its pages may lead to in the end
# Kind of flow -> where it goes on once somebody is signed in.
NEXT = {
    "authorize": "/oauth2/consent",
    "device": "/oauth2/device/confirm",
    "password": "/oauth2/password",
}


def current(request: Request, wiring: Wiring) -> BrowserSession | None:
    """The session of the browser, if it is signed in."""
    value = request.cookie(_name("session", wiring))
    return BrowserSessions(wiring.records, wiring.clock).current(value) if value else None


def browser_of(request: Request, wiring: Wiring) -> str:
    """The value of the cookie by which we know the browser; '' when it has none."""
    return request.cookie(_name("browser", wiring))


def browser(request: Request, wiring: Wiring) -> tuple[str, list[str]]:
    """The value of that cookie, made where there is none, and the cookies to set for it."""
    value = browser_of(request, wiring)
    if value:
        return value, []
    value = secrets.token_urlsafe(32)
    return value, [_cookie("browser", value, wiring)]


def flow_of(request: Request, wiring: Wiring, text: str, kind: str = "") -> Flow:
    """The living flow of this browser; NotFound when it is none."""
    return Flows(wiring.records, wiring.clock).get(text, browser_of(request, wiring), kind)


def begin(
    request: Request,
    wiring: Wiring,
    tenant: str,
    kind: str,
    client_id: str,
    parameters: dict[str, str],
    *,
    session: BrowserSession | None = None,
) -> tuple[str, list[str]]:
    """A new flow of this browser: its text, and the cookies to set. `session` is the one that it is
    signed in with already, if that will do.
    """
    value, cookies = browser(request, wiring)
    text = Flows(wiring.records, wiring.clock).begin(
        tenant, kind, client_id, parameters, value, session=session.digest if session else ""
    )
    return text, cookies


def signed_in(
    request: Request, wiring: Wiring, flow_text: str, user: User, methods: Sequence[str]
) -> dict[str, Any]:
    """The user has proved who they are for this flow: a new session in place of the browser's old
    one (no session outlives a sign-in), and on to what the flow is for.

    `methods` are those of RFC 8176. NotFound when the flow is over, another browser's or another
    tenant's.
    """
    flow = flow_of(request, wiring, flow_text)
    if flow.tenant != user.tenant or flow.kind not in NEXT:
        raise NotFound("Flow", flow_text[:20])
    sessions = BrowserSessions(wiring.records, wiring.clock)
    value, session = sessions.prepare(user, methods)
    old = sessions.ending(request.cookie(_name("session", wiring)))
    try:
        wiring.records.commit(Create(session), Replace(replace(flow, session=session.digest)), *old)
    except LostRace as exc:
        raise NotFound("Flow", flow_text[:20]) from exc
    cookie = _cookie("session", value, wiring, LIFETIME)
    return redirect(address(NEXT[flow.kind], flow_text), cookies=[cookie])


def renewed(request: Request, wiring: Wiring, user: User, methods: Sequence[str]) -> list[str]:
    """A session in place of the browser's present one, for a user who has just proved again who
    they are: the cookies to set.
    """
    sessions = BrowserSessions(wiring.records, wiring.clock)
    value, session = sessions.prepare(user, methods)
    old = sessions.ending(request.cookie(_name("session", wiring)))
    wiring.records.commit(Create(session), *old)
    return [_cookie("session", value, wiring, LIFETIME)]


def signed_in_for(flow: Flow, session: BrowserSession | None) -> bool:
    """Whether this very session signed in for the flow, or was found good enough for it."""
    return session is not None and session.tenant == flow.tenant and session.digest == flow.session


def forms_to(flow: Flow) -> str:
    """Where a form of a page about the flow may end up, besides at us; for `page(forms_to=...)`."""
    return flow.parameters.get(FORMS_TO, "")


def ended(request: Request, wiring: Wiring) -> list[str]:
    """Sign the browser out: the cookies to set."""
    value = request.cookie(_name("session", wiring))
    BrowserSessions(wiring.records, wiring.clock).end(value)
    return [_cookie("session", "", wiring, 0)]


def address(path: str, flow_text: str) -> str:
    """The address of a page about a flow."""
    return f"{path}?flow={quote(flow_text, safe='')}"


def _name(which: str, wiring: Wiring) -> str:
    # RFC 6265bis section 4.1.3.1; `__Host-` would need the path "/".
    return f"{'__Secure-' if wiring.settings.secure_cookies else ''}portico-{which}"


def _cookie(which: str, value: str, wiring: Wiring, seconds: int | None = None) -> str:
    parts = [f"{_name(which, wiring)}={value}", f"Path={PATH}", "HttpOnly", "SameSite=Lax"]
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    if wiring.settings.secure_cookies:
        parts.append("Secure")
    return "; ".join(parts)
