"""Sign-up: a form, a mail, and the page behind its link that makes the account."""

import time
from collections.abc import Mapping
from typing import Any

from functions.token.endpoints.problem import paged
from functions.token.pages import check_own_form, page
from functions.token.requests import Request
from functions.token.self_service import (
    chosen,
    no_mail,
    problems_of,
    signing_up,
    slowed,
    steady,
    waiting_flow,
)
from functions.token.wiring import Wiring
from portico.domain.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    Problem,
    TooManyAttempts,
    Unavailable,
)
from portico.services.signing_up import Wish

FIELDS = ("username", "email", "given_name", "family_name")
# What the service calls the fields -> what the form does.
_NAMES = {"userName": "username", "givenName": "given_name", "familyName": "family_name"}
LOCKED = "There were too many requests. Try again later."
UNSENT = "The mail could not be sent. Try again in some minutes."


@paged
def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The form, where the tenant offers it."""
    flow, tenant = waiting_flow(request, wiring)
    return _closed(wiring, tenant) or no_mail(wiring) or _form(flow, {})


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The same answer whether user name and address are known or not; the mail tells."""
    began = time.monotonic()
    check_own_form(request)
    flow, tenant = waiting_flow(request, wiring)
    refused = _closed(wiring, tenant) or no_mail(wiring)
    if refused:
        return refused
    fields = request.parameters()
    given = {name: fields.get(name, "") for name in FIELDS}
    try:
        wish = Wish(
            given["username"],
            given["email"],
            chosen(fields),
            given["given_name"],
            given["family_name"],
        )
        signing_up(wiring).ask(tenant, wish, request.address, flow)
    except InvalidInput as exc:
        problems = exc.problems or (Problem("email", "is not an address that mails can go to"),)
        return _form(flow, given, problems_of(InvalidInput(str(exc), problems)), status=400)
    except TooManyAttempts as exc:
        return slowed(_form(flow, given, note=LOCKED, status=429), exc)
    except Unavailable:
        return _form(flow, given, note=UNSENT, status=503)
    steady(began)
    return page("sign-up-sent.html", email=given["email"].strip())


@paged
def confirm(request: Request, wiring: Wiring) -> dict[str, Any]:
    """What the mailed link opens. It changes nothing: programs that look for viruses in mails
    follow links too.
    """
    link = request.query().get("link", "")
    try:
        asked = signing_up(wiring).waiting(link)
    except NotFound:
        return _over()
    return _closed(wiring, asked.tenant) or page("sign-up-confirm.html", asked=asked)


@paged
def confirmed(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The account is made."""
    check_own_form(request)
    flow, _ = waiting_flow(request, wiring)
    link = request.query().get("link", "")
    service = signing_up(wiring)
    try:
        tenant = service.waiting(link).tenant
        closed = _closed(wiring, tenant)
        if closed:
            return closed
        user = service.confirm(link, wiring.rules(tenant).sign_up_roles)
    except NotFound:
        return _over()
    except AlreadyExists:
        return page(
            "problem.html",
            409,
            heading="The account was not made",
            problem="The user name or the e-mail address has been taken meanwhile.",
            advice="Sign up again with another one, or sign in if the account is yours.",
        )
    return page("sign-up-done.html", name=user.name, flow=flow, store=wiring.settings.store_url)


def _closed(wiring: Wiring, tenant: str) -> dict[str, Any] | None:
    if wiring.rules(tenant).sign_up:
        return None
    return page(
        "problem.html",
        404,
        heading="There is no sign-up here",
        problem="Accounts are made by an administrator.",
        advice="Ask yours for one.",
    )


def _over() -> dict[str, Any]:
    return page(
        "problem.html",
        400,
        heading="This link is over",
        problem="It was used already, is older than 24 hours, or is not complete.",
        advice="If you have no account yet, sign up again: you get another link.",
    )


def _form(
    flow: str,
    given: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    *,
    note: str = "",
    status: int = 200,
) -> dict[str, Any]:
    named = {_NAMES.get(field, field): text for field, text in (problems or {}).items()}
    values = {name: given.get(name, "") for name in FIELDS}
    return page("sign-up.html", status, flow=flow, given=values, problems=named, note=note)
