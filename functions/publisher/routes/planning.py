"""What Portico has beside the contract's life-cycle operations: the dry run of a transition."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.planning import preview_body
from functions.publisher.routes.lifecycle import checklist
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, caller, operations, query, wired

router = Router()
operation = operations(router, contract("publisher"))
PUBLISH = ("apim:api_publish", "apim:api_manage")


@operation("GET", "/apis/{apiId}/lifecycle-preview", PUBLISH)
def preview(api_id: str) -> Response[str]:
    event = query(router, "action")
    if not event:
        raise InvalidInput.of("action", "is missing")
    wanted = checklist(query(router, "lifecycleChecklist"))
    found = wired(router, Wiring).previewing.preview(caller(router), api_id, event, wanted)
    return answer(preview_body(found))
