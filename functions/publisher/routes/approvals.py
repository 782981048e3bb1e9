"""Life-cycle changes of an API that wait for a second person: shown, decided, withdrawn."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask_to_decide
from functions.publisher.bodies.planning import DecisionBody, pending_body
from functions.publisher.wiring import Wiring
from portico.domain.errors import NotFound
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, operations, wired

router = Router()
operation = operations(router, contract("publisher"))
VIEW = ("apim:api_view", "apim:api_publish", "apim:api_manage")
PUBLISH = ("apim:api_publish", "apim:api_manage")
PATH = "/apis/{apiId}/lifecycle-state/pending-tasks"


@operation("GET", PATH, VIEW)
def show(api_id: str) -> Response[str]:
    found = wired(router, Wiring).approving.of_api(caller(router), api_id)
    rows = [pending_body(found)] if found else []
    return answer({"count": len(rows), "list": rows})


@operation("POST", PATH, PUBLISH)
def decide(api_id: str) -> Response[str]:
    """The answer is the contract's `WorkflowResponse`."""
    services, who, asked = wired(router, Wiring), caller(router), body(router, DecisionBody)
    found = services.approving.of_api(who, api_id)
    if found is None:
        raise NotFound("Pending life-cycle change of API", api_id)
    ask_to_decide(services, who, found.id, asked.status, asked.description or "")
    state = services.transitions.state(who, api_id)
    return answer({"workflowStatus": asked.status, "lifecycleState": state})


@operation("DELETE", PATH)
def withdraw(api_id: str) -> Response[str]:
    wired(router, Wiring).approving.withdraw(caller(router), api_id)
    return answer()
