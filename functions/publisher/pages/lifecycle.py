"""The Life Cycle tab of an API, made from the life cycle's document alone: what may be done, what
it would do, and what was done. For publishers only.
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask, ask_to_undo
from functions.publisher.pages import PAGES
from functions.publisher.pages.lifecycle_tab import PUBLISH, done, seen, tab, ways, work
from functions.publisher.pages.living import labels_for, state_labels
from functions.publisher.pages.meaning import behaviour_in, calls, consequences
from functions.publisher.wiring import Wiring
from portico.domain.errors import NotFound, PorticoError
from portico.domain.user import Caller
from portico.services.executing import EXECUTION
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import wired

router = Router()


@router.get("/apis/<api_id>/lifecycle")
def show(api_id: str) -> Response[str]:
    return tab(router, visitor(router, PUBLISH), api_id)


@router.post("/apis/<api_id>/lifecycle/preview")
def preview(api_id: str) -> Response[str]:
    """The page between: what the event would do, to be confirmed."""
    caller, fields = visitor(router, PUBLISH), form(router)
    try:
        return _preview(caller, api_id, fields)
    except NotFound:
        raise
    except PorticoError as exc:
        return tab(router, caller, api_id, exc)


@router.post("/apis/<api_id>/lifecycle")
def change(api_id: str) -> Response[str]:
    caller, fields = visitor(router, PUBLISH), form(router)
    event, comment = fields.get("event", ""), fields.get("comment", "").strip()

    def do() -> None:
        ticked = ways(router, caller, api_id).ticked(event, fields)
        ask(wired(router, Wiring), caller, api_id, event, ticked, seen(fields), comment)

    return done(router, caller, api_id, do)


@router.post("/apis/<api_id>/lifecycle/undo")
def undo(api_id: str) -> Response[str]:
    caller, fields = visitor(router, PUBLISH), form(router)
    services = wired(router, Wiring)
    return done(router, caller, api_id, lambda: ask_to_undo(services, caller, api_id, seen(fields)))


@router.post("/apis/<api_id>/lifecycle/executions/<execution_id>/retry")
def retry(api_id: str, execution_id: str) -> Response[str]:
    caller, services = visitor(router, PUBLISH), wired(router, Wiring)
    services.executing.retry(caller, api_id, execution_id)
    services.lifecycle.work_outbox()
    return redirect(f"/apis/{api_id}/lifecycle")


@router.post("/apis/<api_id>/lifecycle/executions/<execution_id>/skip")
def skip(api_id: str, execution_id: str) -> Response[str]:
    caller, services = visitor(router, PUBLISH), wired(router, Wiring)
    services.executing.skip(caller, api_id, execution_id)
    services.lifecycle.work_outbox()
    return redirect(f"/apis/{api_id}/lifecycle")


def _preview(caller: Caller, api_id: str, fields: dict[str, str]) -> Response[str]:
    services, labels = wired(router, Wiring), labels_for(router, caller)
    open_ways = ways(router, caller, api_id)
    way = open_ways.way(fields.get("event", ""))
    ticked = open_ways.ticked(way.event, fields)
    found = services.previewing.preview(caller, api_id, way.event, ticked)
    if found.refusal:
        raise found.refusal
    api = services.publishing.show(caller, api_id)
    lifecycle = services.transitions.lifecycle_of(caller.tenant)
    after = behaviour_in(lifecycle, way.target)
    return PAGES.show(
        "lifecycle-preview.html",
        caller,
        here="/",
        api=api,
        way=way,
        items=[(item, ticked[item.name]) for item in open_ways.items if item.name in ticked],
        preview=found,
        calls=calls(after),
        consequences=consequences(api, after),
        outward=[work(str(e.payload["executor"])) for e in found.later if e.kind == EXECUTION],
        seen=seen(fields) or api.stamp,
        address=services.settings.gateway_url,
        state_name=state_labels(lifecycle, labels),
    )
