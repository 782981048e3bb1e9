"""Counts the bytes of delivered calls for limits of bandwidth, in the counters that the authorizer
looks at.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import Unavailable
from portico.domain.windows import KEPT, counter_key, window_start

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MOST = 64 * 1024  # bytes that wait to be counted, for each counter; and
PART = 100  # never more than this part of its limit
SECONDS = 1.0  # that they wait while calls come
PAUSE = 5.0  # seconds without asking counters that did not answer: callers wait meanwhile
MAX_COUNTERS = 1_000  # with bytes that wait


class Counters(Protocol):
    """Where bytes are counted."""

    def add(self, name: str, window: int, start: int, amount: int) -> None:
        """Raise the counter of a window. Raises Unavailable."""


class TrafficBytes:
    """The Counters on DynamoDB."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, name: str, window: int, start: int, amount: int) -> None:
        key = counter_key(name, window, start)
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
                UpdateExpression="ADD granted :amount SET expires = :expires",
                ExpressionAttributeValues={
                    ":amount": {"N": str(amount)},
                    ":expires": {"N": str(start + window + KEPT)},
                },
            )
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("The counters did not answer") from exc


@dataclass
class _Waiting:
    amount: int
    since: float


class Usage:
    """Bytes of this environment's calls; small amounts are counted together.

    An environment that ends takes with it what waits: of each counter at most MOST bytes, or a
    hundredth of the limit where that is less.
    """

    def __init__(self, counters: Counters, clock: Callable[[], float]) -> None:
        self._counters = counters
        self._clock = clock
        self._waiting: dict[tuple[str, int, int], _Waiting] = {}
        self._down_until = 0.0

    def count(self, usage: str, amount: int) -> None:
        """Count a call's bytes for the authorizer's `usage`, a JSON list of [counter, limit in
        bytes, window in seconds]. Raises Unavailable; the bytes then wait for the next call.
        """
        now = self._clock()
        limits = json.loads(usage)
        most: dict[tuple[str, int, int], int] = {}
        for name, limit, window in limits:
            at = (str(name), int(window), window_start(now, int(window)))
            self._waiting.setdefault(at, _Waiting(0, now)).amount += amount
            most[at] = min(MOST, int(limit) // PART)
        if now < self._down_until:
            return
        for at, waiting in list(self._waiting.items()):
            if at[1] + at[2] + KEPT < now:
                del self._waiting[at]  # a window that nobody asks for any more
            elif waiting.amount >= most.get(at, MOST) or now - waiting.since >= SECONDS:
                self._flush(at, waiting)
        while len(self._waiting) > MAX_COUNTERS:
            at = next(iter(self._waiting))
            self._flush(at, self._waiting[at])

    def _flush(self, at: tuple[str, int, int], waiting: _Waiting) -> None:
        try:
            self._counters.add(*at, waiting.amount)
        except Unavailable:
            self._down_until = self._clock() + PAUSE
            raise
        del self._waiting[at]


def size_of(event: Mapping[str, Any], answer: Mapping[str, Any]) -> int:
    """Bytes of a request's and its answer's content, without headers (payload format 2.0)."""
    return _size(event) + _size(answer)


def _size(message: Mapping[str, Any]) -> int:
    body = message.get("body") or ""
    if message.get("isBase64Encoded"):
        return len(body) // 4 * 3 - body[-2:].count("=")
    return len(body) if body.isascii() else len(body.encode())
