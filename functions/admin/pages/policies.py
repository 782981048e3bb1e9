"""The page of a tenant's throttling policies; they are changed by the REST API."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.wiring import Wiring
from portico.domain.policy import Level
from portico.web.pages import visitor
from portico.web.rest import wired

router = Router()
TITLES = {
    Level.SUBSCRIPTION: "Subscription policies",
    Level.APPLICATION: "Application policies",
    Level.API: "Advanced policies",
}


@router.get("/policies")
def show() -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    policies = wired(router, Wiring).policies
    groups = {title: policies.list(caller.tenant, level) for level, title in TITLES.items()}
    return PAGES.show("policies.html", caller, here="/policies", groups=groups)
