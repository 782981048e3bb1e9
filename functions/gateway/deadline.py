"""The moment by which something must be over, for whoever waits in between."""

import time
from collections.abc import Callable


class Deadline:
    """A moment on a clock that only goes forward."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def left(self) -> float:
        """The seconds that are left; TimeoutError when none are."""
        left = self._at - self._clock()
        if left <= 0:
            raise TimeoutError("The time is up")
        return left

    @property
    def remaining(self) -> float:
        """The seconds that are left; none or less when it is over."""
        return self._at - self._clock()

    @property
    def over(self) -> bool:
        return self._clock() >= self._at

    def within(self, seconds: float) -> "Deadline":
        """An earlier one, or this one where it is no later."""
        return Deadline(min(seconds, self._at - self._clock()), self._clock)
