"""Which endpoint takes a call: the one, the next of several, or the first that works; and how long
one that failed is left alone.

What is known of an endpoint is known to this environment only.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portico.domain.endpoints import LOAD_BALANCE

# Faults that say something of the endpoint; others are the request's or the answer's.
FAILURES = frozenset({"101503", "101504", "101507"})
# WSO2's codes of the same kind: a publisher may have named any of them.
_KIN = {
    "101503": frozenset({"101500", "101503", "101505", "101507", "101509", "101000"}),
    "101504": frozenset({"101504", "101508"}),
    "101507": frozenset({"101501", "101506", "101510", "101001"}),
}


class Endpoint:
    """An address with its standing. `seconds`: the time for one answer, 0: what the call has."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.url = str(given["url"])
        self.seconds = float(given.get("seconds") or 0)
        self.authorities = str(given.get("authorities") or "")
        self._rule: Mapping[str, Any] = given.get("suspension") or {}
        self._until = 0.0
        self._suspensions = 0
        self._retries = 0

    def available(self, now: float) -> bool:
        """Whether it may be tried; one whose time is up is probed by the next call."""
        return now >= self._until

    def worked(self) -> None:
        """It gave an answer, whatever its status."""
        self._until, self._suspensions, self._retries = 0.0, 0, 0

    def failed(self, code: str, now: float) -> None:
        """Leave it alone for a while: for a pause as often as it may be retried, then suspended,
        each time longer by its factor.
        """
        rule = self._rule
        if not rule or code not in FAILURES:
            return
        if _named(code, rule["retried"]) and self._retries < rule["retries"]:
            self._retries += 1
            self._until = now + rule["pause"]
            return
        # Nothing said means every failure (WSO2's default).
        if rule["codes"] and not _named(code, rule["codes"]):
            return
        # The exponent is bounded: a float is not.
        seconds = rule["seconds"] * rule["factor"] ** min(self._suspensions, 50)
        self._until = now + min(seconds, rule["longest"] or 3600.0)
        self._suspensions += 1


class Group:
    """The endpoints of one side of an API, in the order in which a call may try them."""

    def __init__(
        self,
        kind: str,
        endpoints: Sequence[Endpoint],
        clock: Callable[[], float] = time.monotonic,
        first: int | None = None,
    ) -> None:
        self._balanced = kind == LOAD_BALANCE
        self._endpoints = endpoints
        self._clock = clock
        # Environments that start together should not all begin with the same one.
        self._next = random.randrange(len(endpoints)) if first is None else first  # noqa: S311

    def candidates(self) -> list[Endpoint]:
        """Those that are not suspended; [] when all are."""
        now = self._clock()
        ordered = list(self._endpoints)
        if self._balanced:
            start, self._next = self._next, (self._next + 1) % len(ordered)
            ordered = ordered[start:] + ordered[:start]
        return [one for one in ordered if one.available(now)]

    def failed(self, endpoint: Endpoint, code: str) -> None:
        endpoint.failed(code, self._clock())


def _named(code: str, codes: Sequence[str]) -> bool:
    return not _KIN[code].isdisjoint(codes)
