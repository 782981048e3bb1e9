"""Shares of a limit, taken from DynamoDB many calls at a time and spent here one by one.

All environments of the function draw on the same counter, so together they never grant more than
the limit. What one holds unused is bounded (LARGEST), shrinks as the limit comes near, and ends
with the window.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.bounded import Bounded
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

LARGEST = 50  # calls in one lease
SHARE = 20  # a lease is at most this part of what the window has left
MAX_LEASES = 10_000
KEPT = 3600  # seconds that a counter outlives its window, for those who look at it


class Limit(NamedTuple):
    """So many calls in each window of so many seconds."""

    calls: int
    window: int


class Counters(Protocol):
    """Where the windows of all environments are counted."""

    def draw(self, name: str, start: int, limit: Limit, wanted: int) -> tuple[int, int]:
        """Take up to `wanted` calls of a window: (taken, left in the window). Never more than the
        limit.
        """


@dataclass
class Lease:
    """What this environment holds of one window."""

    start: int
    size: int  # of the last draw
    held: int = 0
    left: int | None = None  # in the window when we last drew; None before the first draw

    def spend(self) -> None:
        """One call is made."""
        self.held -= 1


class Leases:
    """The leases of one environment, by the name of what they limit."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.time) -> None:
        self._counters = counters
        self._clock = clock
        self._leases: Bounded[str, Lease] = Bounded(MAX_LEASES, clock)

    def hold(self, name: str, limit: Limit) -> Lease | None:
        """A lease with at least one call left, drawn if need be; None when the limit is reached.

        Nothing is spent yet: whoever makes the call spends it on the lease itself, so that a window
        that ends in between does no harm.
        """
        lease = self._lease(name, limit)
        if lease.held or lease.left == 0:
            return lease if lease.held else None
        wanted = next_size(lease.size, limit.calls if lease.left is None else lease.left)
        taken, lease.left = self._counters.draw(name, lease.start, limit, wanted)
        lease.held, lease.size = taken, max(taken, 1)
        return lease if taken else None

    def window_end(self, limit: Limit) -> int:
        """When the current window ends, in epoch seconds."""
        return window_start(self._clock(), limit) + limit.window

    def _lease(self, name: str, limit: Limit) -> Lease:
        start = window_start(self._clock(), limit)
        # The limit is part of the name: after a change of policy what was drawn before counts no
        # more.
        name = f"{name}#{limit.calls}/{limit.window}"
        lease = self._leases.get(name)
        if lease is None or lease.start != start:
            lease = Lease(start, size=lease.size // 2 if lease else 0)
            self._leases.put(name, lease, start + 2 * limit.window)
        return lease


def window_start(now: float, limit: Limit) -> int:
    """Windows are the same for everybody: multiples of their length since 1970."""
    return math.floor(now / limit.window) * limit.window


def next_size(last: int, left: int) -> int:
    """How many calls to draw: twice the last time, so that an idle environment holds little."""
    return max(1, min(2 * last, LARGEST, left // SHARE))


class TrafficCounters:
    """Counters in the Traffic table: one item a window, raised by one conditional update."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def draw(self, name: str, start: int, limit: Limit, wanted: int) -> tuple[int, int]:
        while wanted:
            granted, done = self._raise(name, start, limit, wanted)
            left = max(0, limit.calls - granted)
            if done:
                return wanted, left
            # The counter is nearer to the limit than we knew.
            wanted = min(wanted // 2, left) if wanted > 1 else 0
        return 0, 0

    def _raise(self, name: str, start: int, limit: Limit, wanted: int) -> tuple[int, bool]:
        """The counter, and whether `wanted` was added; it is not if that would pass the limit.

        Lost answers are safe: botocore's retry counts twice, which grants less, never more.
        """
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": name}, "sk": {"S": f"{limit.window}#{start}"}},
                UpdateExpression="ADD granted :wanted SET expires = :expires",
                ConditionExpression="attribute_not_exists(granted) OR granted <= :most",
                ExpressionAttributeValues={
                    ":wanted": {"N": str(wanted)},
                    ":most": {"N": str(limit.calls - wanted)},
                    ":expires": {"N": str(start + limit.window + KEPT)},
                },
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as exc:
            there: Any = exc.response.get("Item", {})
            return int(there["granted"]["N"]) if "granted" in there else limit.calls - 1, False
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("The counters did not answer") from exc
        return int(answer["Attributes"]["granted"]["N"]), True
