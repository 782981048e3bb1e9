"""A forgotten password: whose it is, a mail, and the page behind its link that takes a new one."""

import logging
import time
from typing import Any

from functions.token.endpoints.problem import paged
from functions.token.pages import check_own_form, page
from functions.token.requests import Request
from functions.token.self_service import (
    chosen,
    no_mail,
    password_resets,
    problems_of,
    slowed,
    steady,
    waiting_flow,
)
from functions.token.wiring import Wiring
from portico.domain.errors import InvalidInput, NotFound, TooManyAttempts

logger = logging.getLogger("token")
LOCKED = "There were too many requests. Try again later."


@paged
def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The question who."""
    flow, _ = waiting_flow(request, wiring)
    return no_mail(wiring) or page("reset.html", flow=flow, name="", problem="")


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The same answer, in the same time, whether there is such a user or not."""
    began = time.monotonic()
    check_own_form(request)
    refused = no_mail(wiring)
    if refused:
        return refused
    flow, tenant = waiting_flow(request, wiring)
    name = request.parameters().get("username", "")
    try:
        failures = password_resets(wiring).ask(tenant, name, request.address, flow)
    except InvalidInput:
        problem = "Give a user name or an e-mail address."
        return page("reset.html", 400, flow=flow, name=name, problem=problem)
    except TooManyAttempts as exc:
        return slowed(page("reset.html", 429, flow=flow, name=name, problem=LOCKED), exc)
    for failure in failures:
        logger.warning("a mail was not sent", extra={"reason": failure})
    steady(began)
    return page("reset-sent.html", flow=flow)


@paged
def new(request: Request, wiring: Wiring) -> dict[str, Any]:
    """What the mailed link opens."""
    try:
        user = password_resets(wiring).waiting(request.query().get("link", ""))
    except NotFound:
        return _over()
    return page("reset-new.html", name=user.name, problems={})


@paged
def chosen_new(request: Request, wiring: Wiring) -> dict[str, Any]:
    """A new password; whoever was signed in with the old one no longer is."""
    check_own_form(request)
    flow, _ = waiting_flow(request, wiring)
    link, service = request.query().get("link", ""), password_resets(wiring)
    try:
        user = service.waiting(link)
        try:
            service.choose(link, chosen(request.parameters()))
        except InvalidInput as exc:
            return page("reset-new.html", 400, name=user.name, problems=problems_of(exc))
    except NotFound:
        return _over()
    return page("password-done.html", flow=flow, everywhere=True)


def _over() -> dict[str, Any]:
    return page(
        "problem.html",
        400,
        heading="This link is over",
        problem="It was used already, is older than one hour, or is not complete.",
        advice="Ask for another one on the sign-in page.",
    )
