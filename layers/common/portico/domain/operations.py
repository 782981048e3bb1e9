"""The outbox of side effects on other systems, and the audit trail."""

from dataclasses import dataclass, field
from typing import Any

from portico.domain.records import Record


@dataclass(frozen=True, kw_only=True)
class OutboxEntry(Record):
    """A side effect to carry out: written with the state that asks for it, retried until done,
    idempotent.
    """

    order: str  # sorts by time
    id: str
    kind: str  # "route" ...
    payload: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
    error: str = ""
    not_before: int = 0  # epoch seconds
    queue: str = ""  # entries of one queue are carried out in turn; "": waits for nothing
    turn: str = ""
    # Goes out of Portico, so it waits for everything earlier in its queue; what is done inside
    # waits for no one outside.
    outward: bool = False
    history: str = ""  # `order` of the history entry whose execution this is
    number: int = 0  # and which of its executions


@dataclass(frozen=True, kw_only=True)
class OutboxTenant(Record):
    """Says that a tenant has had outbox entries, so its outbox is looked at; `tenant` is `*`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Lease(Record):
    """One worker at a time: held until `until` (epoch seconds), renewed before. `tenant`: `*`."""

    name: str
    holder: str
    until: int


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Record):
    """One state-changing call: who, what, when, and the state before and after in a few fields.
    Never secrets.
    """

    day: str  # 2026-11-21
    order: str
    user: str
    action: str
    kind: str
    subject: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
