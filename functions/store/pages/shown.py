"""The portal's look and who is looking: shared by its pages."""

from pathlib import Path

from aws_lambda_powertools.event_handler.api_gateway import Router

from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import Caller
from portico.web.pages import Pages

PAGES = Pages(
    "Developer portal",
    Path(__file__).parent.parent / "templates",
    {"APIs": "/", "Applications": "/applications"},
)
ANYBODY = Caller(tenant=SUPER_TENANT, user="")


def guest(router: Router) -> Caller | None:
    """Who is signed in, if anybody: most of the portal is open to all."""
    found: Caller | None = router.context["callers"].of(router.current_event)
    return found


def subscriber(caller: Caller) -> bool:
    """Whether the caller's roles let them subscribe."""
    return "apim:subscribe" in caller.scopes
