"""Transitions that wait for a second person."""

from dataclasses import dataclass, field

from portico.domain.records import Record


@dataclass(frozen=True, kw_only=True)
class PendingTransition(Record):
    """A transition that somebody has asked for and another person must approve; one an API."""

    api_id: str
    id: str
    api_name: str
    api_version: str
    api_provider: str
    event: str
    state: str  # of the API when it was asked for
    target: str
    checklist: dict[str, bool] = field(default_factory=dict)
    comment: str = ""
    user: str
    created: int  # epoch milliseconds
