"""What the lifecycle function is asked, read strictly, and what it answers, as plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.user import Caller
from portico.lifecycle.engine import describe
from portico.lifecycle.model import LifeCycle
from portico.services.transitions import Changed


@dataclass(frozen=True)
class TransitionRequest:
    """A transition that somebody asks for."""

    caller: Caller
    api_id: str
    event: str
    checklist: dict[str, bool]
    stamp: int | None


def read_transition(event: Mapping[str, Any]) -> TransitionRequest:
    """The request in an event. Raises InvalidInput naming the field."""
    texts = {name: event.get(name) for name in ("tenant", "api_id", "event", "user")}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise InvalidInput.of(name, "is needed, as text")
    roles = event.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise InvalidInput.of("roles", "is needed, as a list of texts")
    checklist = event.get("checklist") or {}
    if not isinstance(checklist, dict) or not all(isinstance(v, bool) for v in checklist.values()):
        raise InvalidInput.of("lifecycleChecklist", "maps names to true or false")
    stamp = event.get("stamp")
    if stamp is not None and (not isinstance(stamp, int) or isinstance(stamp, bool)):
        raise InvalidInput.of("stamp", "is a whole number")
    caller = Caller(str(texts["tenant"]), str(texts["user"]), tuple(roles))
    return TransitionRequest(caller, str(texts["api_id"]), str(texts["event"]), checklist, stamp)


def changed_body(lifecycle: LifeCycle, changed: Changed, pending: int) -> dict[str, Any]:
    """The contract's `LifecycleState` after a transition, what it was, and what is still to do."""
    return {
        **describe(lifecycle, changed.api.state),
        "event": changed.step.event,
        "previous": changed.step.previous,
        "stamp": changed.api.stamp,
        "pending": pending,
    }


def error_body(error: PorticoError) -> dict[str, Any]:
    """A domain error by the name of its class, as the publisher raises it again."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return {
        "type": type(error).__name__,
        "message": str(error),
        "problems": [[problem.field, problem.message] for problem in problems],
    }
