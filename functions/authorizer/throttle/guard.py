"""Keeps a table that hangs from taking the time of every call: after a failure nobody asks it for a
while.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from functions.authorizer.leases import Count, Counters, Draw, Drawn
from portico.domain.errors import Unavailable

T = TypeVar("T")
PAUSE = 5.0  # seconds


class Guarded:
    """Counters that are left alone for PAUSE seconds after they did not answer."""

    def __init__(self, counters: Counters, clock: Callable[[], float]) -> None:
        self._counters = counters
        self._clock = clock
        self._until = 0.0

    def draw(self, draws: Sequence[Draw]) -> Drawn:
        return self._asked(lambda: self._counters.draw(draws))

    def look(self, wanted: Sequence[tuple[str, int, int]]) -> list[Count]:
        return self._asked(lambda: self._counters.look(wanted))

    def _asked(self, ask: Callable[[], T]) -> T:
        if self._clock() < self._until:
            raise Unavailable("The counters did not answer a moment ago")
        try:
            return ask()
        except Unavailable:
            self._until = self._clock() + PAUSE
            raise
