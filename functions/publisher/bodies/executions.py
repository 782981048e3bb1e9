"""Executions of life-cycle transitions, and an API's end, as our own REST operations show them."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from portico.domain.api import Api
from portico.domain.errors import InvalidInput
from portico.domain.executions import ExecutionResult

WRONG = "must be like 2027-03-01T00:00:00Z"


class Sunset(BaseModel):
    """The body of `PUT /apis/{apiId}/sunset`; null takes the date away."""

    model_config = ConfigDict(extra="forbid", strict=True)

    date: str | None

    def at(self) -> int:
        """Epoch seconds; 0: none. InvalidInput unless it is a date with its time zone."""
        if self.date is None:
            return 0
        try:
            moment = datetime.fromisoformat(self.date)
            at = int(moment.timestamp())
        except (ValueError, OverflowError) as exc:
            raise InvalidInput.of("date", WRONG) from exc
        # Without its zone a time means something else on every machine.
        if moment.tzinfo is None or at <= 0:
            raise InvalidInput.of("date", WRONG)
        return at


def sunset_body(api: Api) -> dict[str, Any]:
    """When the API may be gone and since when it is deprecated; null: nobody said, it is not."""
    return {"date": _iso(api.sunset), "deprecatedSince": _iso(api.deprecated)}


def execution_body(result: ExecutionResult) -> dict[str, Any]:
    """One execution; `transition` is the id of its history entry."""
    return {
        "id": result.id,
        "transition": result.order,
        "executor": result.executor,
        "status": result.standing.upper(),
        "reason": result.reason,
        "attempts": result.attempts,
        "updatedTime": _iso(result.updated // 1000),
    }


def _iso(seconds: int) -> str | None:
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
