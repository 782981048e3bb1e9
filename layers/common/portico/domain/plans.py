"""Transitions that somebody has planned for later."""

from dataclasses import dataclass, field
from enum import StrEnum

from portico.domain.records import Record


class PlanStatus(StrEnum):
    """What has become of a plan."""

    PLANNED = "PLANNED"
    DONE = "DONE"
    REFUSED = "REFUSED"  # at its time the life cycle, or the roles of who planned it, forbade it
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True)
class Plan(Record):
    """A transition to take at a time, in the name of who planned it."""

    api_id: str
    id: str
    at: int  # epoch seconds
    event: str
    checklist: dict[str, bool] = field(default_factory=dict)
    comment: str = ""
    user: str
    created: int  # epoch milliseconds
    status: str = PlanStatus.PLANNED
    reason: str = ""  # why it was refused
    ended: int = 0  # epoch milliseconds


@dataclass(frozen=True, kw_only=True)
class DuePlan(Record):
    """Says by its key when a plan is due; it goes when the plan ends."""

    at: int
    id: str
    api_id: str
