"""Bodies about transitions that have not been taken: dry runs and plans."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from functions.publisher.bodies.model import Body, iso
from portico.domain.api import Api
from portico.domain.approvals import PendingTransition
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.plans import Plan
from portico.services.previewing import Preview


class PlanBody(Body):
    """A transition to take at a time; `at` is a date and time with its offset (RFC 3339)."""

    action: str = Field(min_length=1, max_length=200)
    at: str = Field(min_length=1, max_length=50)
    lifecycle_checklist: dict[str, bool] | None = None
    comment: str | None = Field(default=None, max_length=500)


class DecisionBody(Body):
    """What a second person says: the schema Workflow of the admin contract."""

    status: Literal["APPROVED", "REJECTED"]
    attributes: dict[str, str] | None = None
    description: str | None = Field(default=None, max_length=500)


def pending_body(pending: PendingTransition) -> dict[str, Any]:
    """A life-cycle change that waits for a second person."""
    return {
        "id": pending.id,
        "apiId": pending.api_id,
        "action": pending.event,
        "previousState": pending.state,
        "postState": pending.target,
        "lifecycleChecklist": dict(pending.checklist),
        "comment": pending.comment,
        "user": pending.user,
        "createdTime": iso(pending.created),
    }


def moment(text: str) -> int:
    """An RFC 3339 time in epoch seconds. Raises InvalidInput."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return int(found.timestamp())
    except (ValueError, OverflowError):
        pass
    raise InvalidInput.of("at", "is a date and time with its offset, as 2027-03-01T00:00:00+01:00")


def plan_body(plan: Plan) -> dict[str, Any]:
    """A planned transition."""
    return {
        "id": plan.id,
        "action": plan.event,
        "at": iso(plan.at * 1000),
        "lifecycleChecklist": dict(plan.checklist),
        "comment": plan.comment,
        "user": plan.user,
        "createdTime": iso(plan.created),
        "status": plan.status,
        "reason": plan.reason,
        "endedTime": iso(plan.ended) if plan.ended else None,
    }


def preview_body(preview: Preview) -> dict[str, Any]:
    """What a transition would do. `refusal` is null when it would be taken."""
    return {
        "event": preview.event,
        "previousState": preview.previous,
        "postState": preview.state or None,
        "checklist": dict(preview.checklist),
        "needsApproval": preview.approval,
        "refusal": refusal_body(preview.refusal) if preview.refusal else None,
        "gateway": {
            "deployed": list(preview.deployed),
            "undeployed": list(preview.undeployed),
            "changed": list(preview.changed),
            "warning": preview.warning or None,
        },
        "deprecatedVersions": [_version(api) for api in preview.deprecated],
        "refusingVersions": [
            {**_version(api), "reason": reason} for api, reason in preview.not_deprecated
        ],
        "subscriptions": {
            "carried": preview.carried,
            "closed": preview.closed,
            "kept": preview.kept,
        },
        "mails": preview.mails,
        "executions": [str(entry.payload.get("executor") or entry.kind) for entry in preview.later],
    }


def refusal_body(error: PorticoError) -> dict[str, Any]:
    """Why a transition would be refused, with a row for each field that is at fault."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return {
        "reason": error.error,
        "description": str(error),
        "error": [{"code": one.field, "message": one.message} for one in problems],
    }


def _version(api: Api) -> dict[str, str]:
    return {"id": api.id, "name": api.name, "version": api.version}
