"""Changing one's own password: for somebody who is signed in and knows the present one."""

from collections.abc import Mapping
from typing import Any

from functions.token.endpoints.problem import paged
from functions.token.pages import check_own_form, page, redirect
from functions.token.requests import Request
from functions.token.self_service import chosen, password_resets, problems_of, slowed
from functions.token.signing_in import LOGIN, address, begin, current, renewed
from functions.token.wiring import Wiring
from portico.domain.authorization import BrowserSession
from portico.domain.errors import InvalidInput, TooManyAttempts, Unauthenticated
from portico.services.accounts import NO_PASSWORD

KIND = "password"  # of the flow that brings somebody here by signing in
METHODS = ("pwd",)  # RFC 8176
WRONG = "is wrong"
LOCKED = "There were too many failed attempts. Try again in some minutes."


@paged
def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The form, after signing in."""
    session = current(request, wiring)
    if session is None:
        return _sign_in(request, wiring)
    user = wiring.accounts.get(session.tenant, session.user)
    if user.password == NO_PASSWORD.text:
        return page(
            "problem.html",
            409,
            heading="You have no password here",
            problem="You sign in with the account of another provider.",
            advice="Its password is changed there.",
        )
    return _form(session, {})


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Another password, and this browser's session alone goes on."""
    check_own_form(request)
    session = current(request, wiring)
    if session is None:
        return _sign_in(request, wiring)
    fields = request.parameters()
    try:
        user = password_resets(wiring).change(
            session.tenant,
            session.user,
            fields.get("present", ""),
            chosen(fields),
            request.address,
        )
    except InvalidInput as exc:
        return _form(session, problems_of(exc), status=400)
    except Unauthenticated:
        return _form(session, {"present": WRONG}, status=401)
    except TooManyAttempts as exc:
        return slowed(_form(session, {}, note=LOCKED, status=429), exc)
    cookies = renewed(request, wiring, user, METHODS)
    return page("password-done.html", cookies=cookies, flow="", everywhere=False)


def _sign_in(request: Request, wiring: Wiring) -> dict[str, Any]:
    flow, cookies = begin(request, wiring, request.tenant, KIND, "", {})
    return redirect(address(LOGIN, flow), cookies=cookies)


def _form(
    session: BrowserSession, problems: Mapping[str, str], *, note: str = "", status: int = 200
) -> dict[str, Any]:
    return page("password.html", status, name=session.user, problems=problems, note=note)
