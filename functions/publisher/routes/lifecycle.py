"""The life cycle of an API: state, history, and asking the lifecycle function for changes."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask
from functions.publisher.bodies.answers import history_body
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, caller, if_match, operations, query, wired

router = Router()
operation = operations(router, contract("publisher"))


@operation("POST", "/apis/change-lifecycle")
def change() -> Response[str]:
    services, who = wired(router, Wiring), caller(router)
    action, api_id = query(router, "action"), query(router, "apiId")
    for field, value in (("action", action), ("apiId", api_id)):
        if not value:
            raise InvalidInput.of(field, "is missing")
    wanted = checklist(query(router, "lifecycleChecklist"))
    state = ask(services, who, api_id, action, wanted, if_match(router), query(router, "comment"))
    shown = {name: state[name] for name in ("state", "checkItems", "availableTransitions")}
    status = "CREATED" if state.get("waits") else "APPROVED"
    return answer({"workflowStatus": status, "lifecycleState": shown}, etag=state.get("stamp"))


@operation("GET", "/apis/{apiId}/lifecycle-state")
def show(api_id: str) -> Response[str]:
    return answer(wired(router, Wiring).transitions.state(caller(router), api_id))


@operation("GET", "/apis/{apiId}/lifecycle-history")
def history(api_id: str) -> Response[str]:
    return answer(history_body(wired(router, Wiring).transitions.history(caller(router), api_id)))


def checklist(text: str) -> dict[str, bool]:
    """`Item one:true,Item two:false` as values; InvalidInput for anything else."""
    items = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, colon, value = part.rpartition(":")
        if not colon or not name.strip() or value.strip().lower() not in ("true", "false"):
            raise InvalidInput.of("lifecycleChecklist", f"'{part[:100]}' is not <item>:true|false")
        items[name.strip()] = value.strip().lower() == "true"
    return items
