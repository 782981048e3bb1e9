"""The life cycle of an API: state, history, and asking the lifecycle function for changes."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask
from functions.publisher.bodies.answers import history_body
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, caller, if_match, listed, operations, paging, query, wired

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
    """Oldest first, with the result of every execution; paged when asked for a page."""
    services, who = wired(router, Wiring), caller(router)
    entries = services.transitions.history(who, api_id)
    results = services.executing.of_api(who, api_id)
    if not (query(router, "limit") or query(router, "offset")):
        return answer(history_body(entries, results))
    page = paging(router)
    shown = entries[page.offset : page.offset + page.limit]
    rows = history_body(shown, results)["list"]
    return answer(listed(rows, page, len(entries), f"/apis/{api_id}/lifecycle-history"))


def checklist(text: str) -> dict[str, bool]:
    """`Item one:true,Item two:false` as values; InvalidInput for anything else."""
    items = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, colon, value = part.rpartition(":")
        if not colon or not name.strip() or value.strip().lower() not in ("true", "false"):
            raise InvalidInput.of("lifecycleChecklist", f"'{part[:100]}' is not <item>:true|false")
        items[name.strip()] = value.strip().lower() == "true"
    return items
