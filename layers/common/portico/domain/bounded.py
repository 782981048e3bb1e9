"""A cache that cannot grow without end, nor keep what is out of date; the standard library only."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A mapping that forgets what has expired, and the least recently used when it is full."""

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._held: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, name: K) -> V | None:
        held = self._held.get(name)
        if held is None:
            return None
        if held[0] <= self._clock():
            del self._held[name]
            return None
        self._held.move_to_end(name)
        return held[1]

    def put(self, name: K, value: V, until: float) -> None:
        """Keep a value until a time (epoch seconds)."""
        self._held[name] = (until, value)
        self._held.move_to_end(name)
        if len(self._held) > self._size:
            self._held.popitem(last=False)

    def __len__(self) -> int:
        return len(self._held)
