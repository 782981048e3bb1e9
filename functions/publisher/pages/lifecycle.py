"""The Life Cycle tab of an API, made from the life cycle's document alone: what may be done, what
it would do, and what was done. For publishers only.
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.asking import ask
from functions.publisher.pages import PAGES
from functions.publisher.pages.living import (
    Ways,
    diagram_of,
    labels_for,
    moment,
    state_labels,
    ways_of,
)
from functions.publisher.wiring import Wiring
from portico.domain.errors import NotFound, PorticoError, TransitionRefused
from portico.domain.user import Caller
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()
PUBLISH = "apim:api_publish"
PAGE = 10  # entries of the history


@router.get("/apis/<api_id>/lifecycle")
def show(api_id: str) -> Response[str]:
    return _tab(visitor(router, PUBLISH), api_id)


@router.post("/apis/<api_id>/lifecycle/preview")
def preview(api_id: str) -> Response[str]:
    """The page between: what the event would do, to be confirmed."""
    caller, fields = visitor(router, PUBLISH), form(router)
    try:
        return _preview(caller, api_id, fields)
    except NotFound:
        raise
    except PorticoError as exc:
        return _tab(caller, api_id, exc)


@router.post("/apis/<api_id>/lifecycle")
def change(api_id: str) -> Response[str]:
    caller, fields = visitor(router, PUBLISH), form(router)
    services, event = wired(router, Wiring), fields.get("event", "")
    try:
        ticked = _ways(caller, api_id).ticked(event, fields)
        ask(services, caller, api_id, event, ticked, _seen(fields))
    except NotFound:
        raise
    except PorticoError as exc:
        return _tab(caller, api_id, exc)
    return redirect(f"/apis/{api_id}/lifecycle")


def _preview(caller: Caller, api_id: str, fields: dict[str, str]) -> Response[str]:
    services, event = wired(router, Wiring), fields.get("event", "")
    ways = _ways(caller, api_id)
    way, ticked = ways.way(event), ways.ticked(event, fields)
    found = services.previewing.preview(caller, api_id, event, ticked)
    if found.refusal:
        raise found.refusal
    api = services.publishing.show(caller, api_id)
    return PAGES.show(
        "lifecycle-preview.html",
        caller,
        here="/",
        api=api,
        way=way,
        items=[(item, ticked[item.name]) for item in ways.items if item.name in ticked],
        preview=found,
        seen=_seen(fields) or api.stamp,
        address=services.settings.gateway_url,
        state_name=state_labels(
            services.transitions.lifecycle_of(caller.tenant), labels_for(router)
        ),
    )


def _tab(caller: Caller, api_id: str, problem: PorticoError | None = None) -> Response[str]:
    services, labels = wired(router, Wiring), labels_for(router)
    api = services.publishing.show(caller, api_id)
    lifecycle = services.transitions.lifecycle_of(caller.tenant)
    history = services.transitions.history(caller, api_id)[::-1]
    first = (_number("page") - 1) * PAGE
    return PAGES.show(
        "lifecycle.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/",
        api=api,
        problem=problem,
        known=lifecycle.state(api.state),
        ways=_ways(caller, api_id),
        drawing=diagram_of(lifecycle, api.state, caller, labels),
        history=history[first : first + PAGE],
        total=len(history),
        first=first,
        page_size=PAGE,
        labels=labels,
        state_name=state_labels(lifecycle, labels),
        moment=moment,
    )


def _ways(caller: Caller, api_id: str) -> Ways:
    """What the caller may do now; nothing when the document does not have the API's state."""
    services = wired(router, Wiring)
    try:
        offered = services.transitions.state(caller, api_id)
    except TransitionRefused:
        return Ways((), ())
    lifecycle = services.transitions.lifecycle_of(caller.tenant)
    return ways_of(lifecycle, offered, caller, labels_for(router))


def _seen(fields: dict[str, str]) -> int | None:
    stamp = fields.get("stamp", "")
    return int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 16 else None


def _number(name: str) -> int:
    text = query(router, name)
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1
