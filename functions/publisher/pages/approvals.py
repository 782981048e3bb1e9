"""A transition that waits for a second person, on the Life Cycle tab: approved, rejected, or taken
back by who asked for it.
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask_to_decide
from functions.publisher.pages.lifecycle_tab import PUBLISH, done
from functions.publisher.wiring import Wiring
from portico.web.forms import form
from portico.web.pages import visitor
from portico.web.rest import wired

router = Router()


@router.post("/apis/<api_id>/lifecycle/withdraw")
def withdraw(api_id: str) -> Response[str]:
    caller, services = visitor(router, PUBLISH), wired(router, Wiring)
    return done(router, caller, api_id, lambda: services.approving.withdraw(caller, api_id))


@router.post("/apis/<api_id>/lifecycle/approvals/<pending_id>")
def decide(api_id: str, pending_id: str) -> Response[str]:
    caller, fields = visitor(router, PUBLISH), form(router)
    services, decision = wired(router, Wiring), fields.get("decision", "")
    comment = fields.get("comment", "").strip()
    return done(
        router,
        caller,
        api_id,
        lambda: ask_to_decide(services, caller, pending_id, decision, comment),
    )
