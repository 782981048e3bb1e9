"""What a life cycle has carried out after a transition, and how each of it stands."""

from dataclasses import dataclass
from enum import StrEnum

from portico.domain.records import Record


class Standing(StrEnum):
    """How an execution stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"  # it is tried again, at the latest each hour
    SKIPPED = "skipped"  # a person gave it up


@dataclass(frozen=True, kw_only=True)
class ExecutionResult(Record):
    """One execution beside the history entry that it belongs to.

    `id` is handed on to whatever it calls: the same for every attempt, so that a receiver can tell
    a repetition.
    """

    api_id: str
    order: str  # of the history entry
    number: int  # its place among the executions of one transition
    id: str
    executor: str
    standing: str = Standing.PENDING
    reason: str = ""
    attempts: int = 0
    updated: int = 0  # epoch milliseconds


@dataclass(frozen=True)
class Recipient:
    """A subscriber, with the applications by which they use the API."""

    user: str
    applications: tuple[str, ...]


@dataclass(frozen=True)
class Mail:
    """A plain-text mail; `id` is the same for every attempt to send it."""

    id: str
    to: str
    subject: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MailSent(Record):
    """A mail that has left; kept until nobody tries again. `expires` in epoch seconds."""

    execution: str
    digest: str  # SHA-256 of the user's name
    expires: int
