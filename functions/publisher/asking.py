"""How the publisher asks the lifecycle function for a transition: for route and page."""

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
) -> dict[str, Any]:
    """The state after the transition; `stamp` is the state of the API that the caller has seen."""
    return services.lifecycle.transition(
        {
            "tenant": who.tenant,
            "api_id": api_id,
            "event": event,
            "checklist": dict(checklist),
            "user": who.user,
            "roles": list(who.roles),
            "stamp": stamp,
        }
    )
