"""What Portico has beside the contract's life-cycle operations: dry run and undo."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask_to_undo
from functions.publisher.bodies.answers import history_row
from functions.publisher.bodies.planning import preview_body
from functions.publisher.routes.lifecycle import checklist
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, caller, if_match, operations, query, wired

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


@operation("GET", "/apis/{apiId}/lifecycle-undo", PUBLISH)
def show_undo(api_id: str) -> Response[str]:
    """What an undo would take back, or why there is none now."""
    entry, reason = wired(router, Wiring).undoing.last(caller(router), api_id)
    last = history_row(entry) if entry else None
    return answer({"possible": not reason, "reason": reason, "transition": last})


@operation("POST", "/apis/{apiId}/lifecycle-undo", PUBLISH)
def undo(api_id: str) -> Response[str]:
    services, comment = wired(router, Wiring), query(router, "comment")
    state = ask_to_undo(services, caller(router), api_id, if_match(router), comment)
    shown = {name: state[name] for name in ("state", "checkItems", "availableTransitions")}
    return answer({"undone": state["undone"], "lifecycleState": shown}, etag=state["stamp"])
