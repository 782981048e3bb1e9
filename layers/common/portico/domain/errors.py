"""Everything that can go wrong, each named in the words of the domain; `portico.web.errors` turns
them into HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field of an input."""

    field: str
    message: str


class PorticoError(Exception):
    """The base of all errors that a caller may be told about; `str()` of it is text for people."""

    error = "portico_error"


class InvalidInput(PorticoError):
    """The input breaks a rule; `problems` names each field and what is wrong with it."""

    error = "invalid_input"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidInput":
        """The error for a single field."""
        return cls(f"{field}: {message}", [Problem(field, message)])


class TooLarge(PorticoError):
    """The input exceeds a stated size."""

    error = "too_large"


class Unauthenticated(PorticoError):
    """No credential, or one that does not hold."""

    error = "unauthenticated"


class MissingScope(Unauthenticated):
    """The token is valid but lacks the scope of the operation; WSO2's REST APIs answer 401, not
    403.
    """

    error = "missing_scope"


class Forbidden(PorticoError):
    """The caller is known and may not do this."""

    error = "forbidden"


class NotFound(PorticoError):
    """There is no such thing, or it is not the caller's to see."""

    error = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} '{name}' was not found")
        self.kind = kind
        self.name = name


class Conflict(PorticoError):
    """The change contradicts what is stored."""

    error = "conflict"


class AlreadyExists(Conflict):
    """A thing with this identity is there already."""

    error = "already_exists"


class InUse(Conflict):
    """The thing cannot go while others depend on it."""

    error = "in_use"


class LostRace(Conflict):
    """Another writer was faster; the caller may read again and retry."""

    error = "lost_race"


class Stale(PorticoError):
    """The caller's `If-Match` names a state that is no longer the current one."""

    error = "stale"


class TransitionRefused(PorticoError):
    """The life cycle does not allow this event now; the text says why."""

    error = "transition_refused"


class LimitReached(PorticoError):
    """A stated number of things is reached, such as five revisions of an API."""

    error = "limit_reached"


class TooManyAttempts(PorticoError):
    """Too many tries; `retry_after` is in seconds."""

    error = "too_many_attempts"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotImplementedHere(PorticoError):
    """An operation of the contract that Portico does not have (yet)."""

    error = "not_implemented"

    def __init__(self, operation: str) -> None:
        super().__init__(f"The operation '{operation}' is not implemented")
        self.operation = operation


class Unavailable(PorticoError):
    """Something that we depend on did not answer; trying again later is sensible."""

    error = "unavailable"
