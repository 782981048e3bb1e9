"""Shares of a limit, taken from DynamoDB many calls at a time and spent here one by one.

All environments of the function draw on the same counter, so together they never grant more than
the limit. The counter also knows how many calls lie unspent in environments: never more than a
twentieth of the limit, so that what an idle or crashed one keeps is bounded for all of them
together. What is left of a lease ends with its window.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from portico.domain.bounded import Bounded
from portico.domain.errors import Unavailable
from portico.domain.windows import Limit, window_start

LARGEST = 50  # calls in one lease
UNSPENT = 20  # all environments together hold at most this part of the limit
NEAR = 4  # a lease is at most this part of what the window has left
MAX_LEASES = 10_000
ATTEMPTS = 4  # to draw for several levels at once
FRESH = 5.0  # seconds that hearsay about a counter is good enough


class Count(NamedTuple):
    """A counter: what has been granted in its window, and of this what may lie unspent."""

    granted: int
    lent: int


@dataclass(slots=True)
class Lease:
    """What this environment holds of one window."""

    name: str
    start: int
    limit: Limit
    held: int = 0  # calls
    size: int = 0  # held after the last draw
    lent: int = 0  # of `held`, what the counter puts down to us
    left: int | None = None  # in the window when we last heard of it; None for a stranger
    others: int = 0  # lent to other environments when we last heard
    heard: float = 0.0  # when that was, epoch seconds

    @property
    def end(self) -> int:
        """When its window ends, in epoch seconds."""
        return self.start + self.limit.window

    @property
    def empty(self) -> bool:
        """Whether the limit is reached: nothing held, nothing left to draw."""
        return self.left == 0 and not self.held

    @property
    def runs_low(self) -> bool:
        """Whether it is worth drawing along with others."""
        return 0 < 2 * self.held <= self.size and self.left != 0

    @property
    def remaining(self) -> int:
        """Calls left in the window, as far as is known here."""
        return self.held + (self.limit.amount - self.held if self.left is None else self.left)

    def following(self, start: int) -> "Lease":
        """The lease of a new window: others probably want as much as in this one."""
        amount = self.limit.amount
        return Lease(self.name, start, self.limit, left=amount, others=self.others, heard=start)

    def spend(self) -> None:
        """One call is made."""
        self.held -= 1

    def learn(self, count: Count, now: float) -> None:
        """Take note of the counter."""
        self.left = max(0, self.limit.amount - count.granted)
        self.others = max(0, count.lent - self.lent)
        self.heard = now

    def draw(self) -> "Draw":
        """What to ask the counter for, as far as we know it."""
        amount, left, others = self.limit.amount, self.left, self.others
        if left is None:
            # A stranger takes little: others may be there.
            left, others = amount, amount // UNSPENT * 3 // 4
        return self.asking(max(1, lease_size(amount, left, others) - self.held))

    def asking(self, wanted: int) -> "Draw":
        """A draw of exactly so many calls; one of them is spent at once, so it is not lent."""
        return Draw(self.name, self.start, self.limit, wanted, self.held + wanted - 1 - self.lent)

    def take(self, draw: "Draw") -> None:
        """The counter has granted it."""
        self.held += draw.wanted
        self.size = self.held
        self.lent += draw.lending
        self.left = max(0, (self.limit.amount if self.left is None else self.left) - draw.wanted)


class Draw(NamedTuple):
    """Calls wanted of one window, and by how many this changes what the drawer may hold unspent."""

    name: str
    start: int
    limit: Limit
    wanted: int
    lending: int

    @property
    def most(self) -> int:
        """What the counter may have granted before, so that this fits into the limit."""
        return self.limit.amount - self.wanted

    @property
    def room(self) -> int | None:
        """What may be lent before; None when this lends no more than is lent already."""
        return self.limit.amount // UNSPENT - self.lending if self.lending > 0 else None

    def fits(self, count: Count) -> bool:
        """Whether a counter grants this: the condition of its update."""
        return count.granted <= self.most and (self.room is None or count.lent <= self.room)


class Drawn(NamedTuple):
    """Whether all was granted, or else nothing; and the counters as far as they were told."""

    done: bool
    counts: Sequence[Count | None]


class Counters(Protocol):
    """Where the windows of all environments are counted."""

    def draw(self, draws: Sequence[Draw]) -> Drawn:
        """Grant all of them or none. Raises Unavailable."""

    def look(self, wanted: Sequence[tuple[str, int, int]]) -> list[Count]:
        """The counters of (name, window, start). Raises Unavailable."""


class Leases:
    """The leases of one environment, by the name of what they limit."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.time) -> None:
        self._counters = counters
        self._clock = clock
        self._leases: Bounded[tuple[str, Limit], Lease] = Bounded(MAX_LEASES, clock)

    def lease(self, name: str, limit: Limit) -> Lease:
        """What is held of the current window; perhaps nothing, see `fill`."""
        start = window_start(self._clock(), limit.window)
        # The limit is part of the name: after a change of policy what was drawn before counts no
        # more.
        lease = self._leases.get((name, limit))
        if lease is None or lease.start != start:
            lease = Lease(name, start, limit) if lease is None else lease.following(start)
            self._leases.put((name, limit), lease, start + 2 * limit.window)
        return lease

    def fill(self, leases: Sequence[Lease]) -> bool:
        """Draw until each holds a call. False when one of them is `empty`: then nothing was drawn.

        Nothing is spent: whoever makes the call spends it on the leases themselves, so that a
        window that ends in between does no harm. Raises Unavailable.
        """
        needy = [lease for lease in leases if not lease.held]
        if not needy:
            return True
        try:
            return self._fill(needy, [each for each in leases if each.runs_low])
        except Unavailable:
            for lease in needy:
                # Perhaps it was granted and only the answer is lost: the counter keeps that.
                lease.lent = 0
            raise

    def _fill(self, needy: Sequence[Lease], low: Sequence[Lease]) -> bool:
        # Those that run low are drawn along, so that the levels of a call stay in step.
        drawing = [*needy, *low]
        if len(drawing) > 1:
            self._look(drawing)
        for attempt in range(ATTEMPTS):
            if any(lease.left == 0 for lease in needy):
                return False
            draws = [
                lease.draw() if attempt < ATTEMPTS // 2 else lease.asking(1) for lease in drawing
            ]
            drawn = self._counters.draw(draws)
            self._note(drawing, draws, drawn)
            if drawn.done:
                return True
            # What was drawn along must not keep the call from what it needs.
            drawing = list(needy)
        # So many draw on these counters that no transaction gets through. What is drawn one by one
        # is held, not spent, should a later one be empty.
        return all(lease.held or self._single(lease) for lease in needy)

    def _single(self, lease: Lease) -> bool:
        draw = lease.asking(1)
        drawn = self._counters.draw([draw])
        self._note([lease], [draw], drawn)
        return drawn.done

    def _note(self, leases: Sequence[Lease], draws: Sequence[Draw], drawn: Drawn) -> None:
        now = self._clock()
        for lease, draw, count in zip(leases, draws, drawn.counts, strict=True):
            if drawn.done:
                lease.take(draw)
            if count is not None:
                lease.learn(count, now)

    def _look(self, leases: Sequence[Lease]) -> None:
        """A transaction tells nothing about its items: ask, when what we know is too old."""
        now = self._clock()
        old = [lease for lease in leases if lease.heard and now - lease.heard > FRESH]
        if old:
            wanted = [(lease.name, lease.limit.window, lease.start) for lease in old]
            for lease, count in zip(old, self._counters.look(wanted), strict=True):
                lease.learn(count, now)
        for lease in leases:
            lease.heard = lease.heard or 1.0


def lease_size(amount: int, left: int, others: int) -> int:
    """How many calls to hold: half of what is free to hold unspent, for others want some too.

    So an environment alone holds a fortieth of the limit, and n of them an (n+1)th each of a
    twentieth.
    """
    free = amount // UNSPENT - others
    return max(1, min(LARGEST, left // NEAR, 1 + max(0, free) // 2))
