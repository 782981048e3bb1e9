"""What the Life Cycle tab shows of one API: for every route that ends there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.pages import PAGES
from functions.publisher.pages.living import (
    Ways,
    diagram_of,
    events_of,
    labels_for,
    may_decide,
    moment,
    state_labels,
    ways_of,
)
from functions.publisher.wiring import Wiring
from portico.domain.api import HistoryEntry
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import NotFound, PorticoError, TransitionRefused
from portico.domain.executions import ExecutionResult
from portico.domain.plans import PlanStatus
from portico.domain.user import Caller
from portico.services.effects import CARRY_SUBSCRIPTIONS, CLOSE_SUBSCRIPTIONS, DEPRECATE_OLDER
from portico.services.revisions import ROUTE
from portico.web.errors import status_of
from portico.web.pages import redirect
from portico.web.rest import query, wired

PUBLISH = "apim:api_publish"
PAGE = 10  # entries of the history
SHOWN = (PlanStatus.PLANNED, PlanStatus.REFUSED)  # done ones are in the history
# What Portico itself carries out; others are called by their own name.
WORK = {
    ROUTE: "Route of the gateway",
    CARRY_SUBSCRIPTIONS: "Carry subscriptions over",
    CLOSE_SUBSCRIPTIONS: "Close subscriptions",
    DEPRECATE_OLDER: "Deprecate older versions",
}


@dataclass(frozen=True)
class Told:
    """A line of the history, and what was carried out for it."""

    entry: HistoryEntry
    executions: tuple[ExecutionResult, ...]


def tab(
    router: Router, caller: Caller, api_id: str, problem: PorticoError | None = None
) -> Response[str]:
    """The tab, with what went wrong if anything did."""
    services, labels = wired(router, Wiring), labels_for(router, caller)
    api = services.publishing.show(caller, api_id)
    lifecycle = services.transitions.lifecycle_of(caller.tenant)
    history = services.transitions.history(caller, api_id)[::-1]
    first = (_number(query(router, "page")) - 1) * PAGE
    executions = services.executing.of_api(caller, api_id)
    pending = services.approving.of_api(caller, api_id)
    last, obstacle = services.undoing.last(caller, api_id)
    return PAGES.show(
        "lifecycle.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/",
        api=api,
        problem=problem,
        known=lifecycle.state(api.state),
        ways=ways(router, caller, api_id),
        drawing=diagram_of(lifecycle, api.state, caller, labels),
        history=_told(history[first : first + PAGE], executions),
        total=len(history),
        first=first,
        page_size=PAGE,
        pending=pending,
        may_decide=pending is not None and may_decide(lifecycle, pending, caller),
        plans=[one for one in services.scheduling.list(caller, api_id) if one.status in SHOWN],
        sunset=moment(api.sunset * 1000)[:10] if api.sunset else "",
        ends=behaviour_of(api).keeps_subscriptions,
        events=events_of(lifecycle, caller, labels),
        last=last,
        obstacle=obstacle,
        labels=labels,
        state_name=state_labels(lifecycle, labels),
        moment=moment,
        work=work,
    )


def done(router: Router, caller: Caller, api_id: str, do: Callable[[], object]) -> Response[str]:
    """Does it and goes back to the tab, which says so if it was refused."""
    try:
        do()
    except NotFound:
        raise
    except PorticoError as exc:
        return tab(router, caller, api_id, exc)
    return redirect(f"/apis/{api_id}/lifecycle")


def ways(router: Router, caller: Caller, api_id: str) -> Ways:
    """What the caller may do now; nothing when the document does not have the API's state."""
    services = wired(router, Wiring)
    try:
        offered = services.transitions.state(caller, api_id)
    except TransitionRefused:
        return Ways((), ())
    lifecycle = services.transitions.lifecycle_of(caller.tenant)
    return ways_of(lifecycle, offered, caller, labels_for(router, caller))


def seen(fields: Mapping[str, str]) -> int | None:
    """The stamp of the API that the page of a form showed."""
    stamp = fields.get("stamp", "")
    return int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 16 else None


def work(executor: str) -> str:
    """What an execution is called: without the packages of a plug-in's class."""
    return WORK.get(executor) or executor.rpartition(".")[2] or executor


def _told(
    entries: Iterable[HistoryEntry], executions: Iterable[ExecutionResult]
) -> tuple[Told, ...]:
    found: dict[str, list[ExecutionResult]] = {}
    for one in executions:
        found.setdefault(one.order, []).append(one)
    return tuple(Told(entry, tuple(found.get(entry.order, ()))) for entry in entries)


def _number(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1
