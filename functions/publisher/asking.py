"""How the publisher asks the lifecycle function for changes of state: for route and page."""

from collections.abc import Mapping
from typing import Any

from functions.publisher.wiring import Wiring
from portico.domain.user import Caller


def ask(
    services: Wiring,
    who: Caller,
    api_id: str,
    event: str,
    checklist: Mapping[str, bool],
    stamp: int | None = None,
    comment: str = "",
) -> dict[str, Any]:
    """The state after the transition; `stamp` is the state of the API that the caller has seen."""
    wanted = {"event": event, "checklist": dict(checklist), "comment": comment}
    return services.lifecycle.transition({**_asked(who, api_id, stamp), **wanted})


def ask_to_undo(
    services: Wiring, who: Caller, api_id: str, stamp: int | None = None, comment: str = ""
) -> dict[str, Any]:
    """The state after the last transition was taken back, with the event that was `undone`."""
    asked = _asked(who, api_id, stamp)
    return services.lifecycle.ask({"request": "undo", **asked, "comment": comment})


def ask_to_decide(
    services: Wiring, who: Caller, pending_id: str, decision: str, comment: str = ""
) -> dict[str, Any]:
    """Approve (`APPROVED`) or reject (`REJECTED`) a transition that waits for a second person."""
    return services.lifecycle.ask(
        {
            "request": "decide",
            "tenant": who.tenant,
            "user": who.user,
            "roles": list(who.roles),
            "pending": pending_id,
            "decision": decision,
            "comment": comment,
        }
    )


def _asked(who: Caller, api_id: str, stamp: int | None) -> dict[str, Any]:
    return {
        "tenant": who.tenant,
        "api_id": api_id,
        "user": who.user,
        "roles": list(who.roles),
        "stamp": stamp,
    }
