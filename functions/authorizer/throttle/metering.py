"""How many bytes have gone through a window: counted by the gateway function as it delivers, known
here from a look at the counters now and then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functions.authorizer.leases import MAX_LEASES, Counters
from portico.domain.bounded import Bounded
from portico.domain.windows import Limit, window_start

FRESH = 2.0  # seconds between two looks at one counter


@dataclass(slots=True)
class Reading:
    """A counter at its last look."""

    start: int
    used: int
    looked: float  # epoch seconds


class Meters:
    """The readings of one environment.

    A limit of bytes is reached some seconds late: the calls under way, and those between two looks,
    are over it. A full counter is not looked at again.
    """

    def __init__(self, counters: Counters, clock: Callable[[], float]) -> None:
        self._counters = counters
        self._clock = clock
        self._readings: Bounded[tuple[str, int], Reading] = Bounded(MAX_LEASES, clock)

    def used(self, wanted: Sequence[tuple[str, Limit]]) -> list[tuple[int, int]]:
        """Bytes of the current windows, and when these end. Raises Unavailable."""
        now = self._clock()
        found: list[Reading] = []
        old: list[tuple[str, Limit, Reading]] = []
        for name, limit in wanted:
            start = window_start(now, limit.window)
            reading = self._readings.get((name, limit.window))
            if reading is None or reading.start != start:
                reading = Reading(start, 0, 0)
                self._readings.put((name, limit.window), reading, start + 2 * limit.window)
            if reading.used < limit.amount and now - reading.looked >= FRESH:
                old.append((name, limit, reading))
            found.append(reading)
        if old:
            counts = self._counters.look(
                [(name, limit.window, at.start) for name, limit, at in old]
            )
            for (_, _, reading), count in zip(old, counts, strict=True):
                reading.used, reading.looked = count.granted, now
        return [
            (reading.used, reading.start + limit.window)
            for reading, (_, limit) in zip(found, wanted, strict=True)
        ]
