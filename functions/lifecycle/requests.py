"""What the lifecycle function is asked, read strictly, and what it answers, as plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portico.domain.api import Api
from portico.domain.approvals import PendingTransition
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.plans import DuePlan
from portico.domain.user import Caller
from portico.services.transitions import Changed

MAX_COMMENT = 500  # characters


@dataclass(frozen=True)
class TransitionRequest:
    """A transition that somebody asks for; other requests have no event and no checklist."""

    caller: Caller
    api_id: str
    event: str
    checklist: dict[str, bool]
    stamp: int | None
    comment: str = ""


def read_transition(event: Mapping[str, Any]) -> TransitionRequest:
    """The request in an event. Raises InvalidInput naming the field."""
    return read_request({"event": None, **event})


def read_request(event: Mapping[str, Any]) -> TransitionRequest:
    """The request in an event that need not name a transition's event, only must not be wrong."""
    texts = {name: event.get(name) for name in ("tenant", "api_id", "user")}
    if "event" in event:
        texts["event"] = event["event"]
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise InvalidInput.of(name, "is needed, as text")
    roles = event.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise InvalidInput.of("roles", "is needed, as a list of texts")
    comment = event.get("comment") or ""
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT:
        raise InvalidInput.of("comment", f"is a text of at most {MAX_COMMENT} characters")
    checklist = event.get("checklist") or {}
    if not isinstance(checklist, dict) or not all(isinstance(v, bool) for v in checklist.values()):
        raise InvalidInput.of("lifecycleChecklist", "maps names to true or false")
    stamp = event.get("stamp")
    if stamp is not None and (not isinstance(stamp, int) or isinstance(stamp, bool)):
        raise InvalidInput.of("stamp", "is a whole number")
    caller = Caller(str(texts["tenant"]), str(texts["user"]), tuple(roles))
    wanted = str(texts.get("event", ""))
    return TransitionRequest(caller, str(texts["api_id"]), wanted, checklist, stamp, comment)


@dataclass(frozen=True)
class Decision:
    """What a second person says of a transition that waits."""

    caller: Caller
    pending: str
    approved: bool
    comment: str


def read_decision(event: Mapping[str, Any]) -> Decision:
    """The decision in an event. Raises InvalidInput naming the field."""
    # It is about what waits, whichever API that is of.
    asked = read_request({**event, "api_id": event.get("pending")})
    decision = event.get("decision")
    if decision not in ("APPROVED", "REJECTED"):
        raise InvalidInput.of("status", "must be APPROVED or REJECTED")
    return Decision(asked.caller, asked.api_id, decision == "APPROVED", asked.comment)


def read_due(event: Mapping[str, Any]) -> DuePlan:
    """Which plan is due. Raises InvalidInput naming the field."""
    texts = {name: event.get(name) for name in ("tenant", "api_id", "plan")}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise InvalidInput.of(name, "is needed, as text")
    at = event.get("at")
    if not isinstance(at, int) or isinstance(at, bool):
        raise InvalidInput.of("at", "is a whole number")
    tenant, api_id, plan = (str(value) for value in texts.values())
    return DuePlan(tenant=tenant, at=at, id=plan, api_id=api_id)


def changed_body(described: Mapping[str, Any], changed: Changed, pending: int) -> dict[str, Any]:
    """The contract's `LifecycleState` after a transition, what it was, and what is still to do."""
    return {
        **state_body(described, changed.api, pending),
        "event": changed.step.event,
        "previous": changed.step.previous,
    }


def waiting_body(
    described: Mapping[str, Any], api: Api, pending: PendingTransition
) -> dict[str, Any]:
    """The state as it is, with the id of the change that `waits` for a second person."""
    return {
        **state_body(described, api, 0),
        "event": pending.event,
        "previous": pending.state,
        "waits": pending.id,
    }


def state_body(described: Mapping[str, Any], api: Api, pending: int) -> dict[str, Any]:
    """The contract's `LifecycleState` of an API, its stamp, and how much is left to carry out."""
    return {**described, "stamp": api.stamp, "pending": pending}


def error_body(error: PorticoError) -> dict[str, Any]:
    """A domain error by the name of its class, as the publisher raises it again."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return {
        "type": type(error).__name__,
        "message": str(error),
        "problems": [[problem.field, problem.message] for problem in problems],
    }
