"""Leases never grant more than the limit, whatever the environments do, and keep little back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.authorizer.leases import (
    FRESH,
    LARGEST,
    UNSPENT,
    Draw,
    Drawn,
    Lease,
    Leases,
    lease_size,
)
from portico.domain.errors import Unavailable
from portico.domain.windows import Limit, window_start
from tests.fakes import FakeClock
from tests.functions.authorizer.world import FakeCounters


def call(leases: Leases, limit: Limit, *names: str) -> bool:
    """A call that is counted under all the names, or refused."""
    held = [leases.lease(name, limit) for name in names or ("name",)]
    if any(lease.empty for lease in held) or not leases.fill(held):
        return False
    for lease in held:
        lease.spend()
    return True


# --- properties ---


@dataclass
class Fleet:
    """Environments that share counters; `unknown` calls are those whose draw was not answered."""

    limit: Limit
    clock: FakeClock = field(default_factory=FakeClock)
    counters: FakeCounters = field(default_factory=FakeCounters)
    environments: list[Leases] = field(default_factory=list)
    passed: dict[int, int] = field(default_factory=dict)
    unknown: int = 0

    def grow(self, count: int) -> None:
        self.environments += [Leases(self.counters, self.clock.now) for _ in range(count)]

    def crash(self, which: int) -> None:
        self.environments[which] = Leases(self.counters, self.clock.now)

    def call(self, which: int, *names: str) -> bool:
        start = window_start(self.clock.now(), self.limit.window)
        try:
            passes = call(self.environments[which], self.limit, *names)
        except Unavailable:
            self.unknown += 1
            return False
        self.passed[start] = self.passed.get(start, 0) + passes
        return passes

    @property
    def current(self) -> int:
        return self.passed.get(window_start(self.clock.now(), self.limit.window), 0)


CALL, WAIT, CRASH, LOSE = "call", "wait", "crash", "lose"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(CALL), st.integers(0, 7)),
        st.tuples(st.just(CALL), st.integers(0, 7)),
        st.tuples(st.just(CALL), st.integers(0, 7)),
        st.tuples(st.just(WAIT), st.integers(1, 20)),
        st.tuples(st.just(CRASH), st.integers(0, 7)),
        st.tuples(st.just(LOSE), st.just(1)),
    ),
    max_size=400,
)


@given(amount=st.integers(1, 3000), steps=STEPS, burst=st.integers(1, 40), levels=st.integers(1, 3))
@settings(deadline=None, max_examples=150)
def test_no_window_grants_more_than_its_limit(
    amount: int, steps: list[tuple[str, int]], burst: int, levels: int
) -> None:
    fleet = Fleet(Limit(amount, 60))
    fleet.grow(8)
    names = [f"level-{number}" for number in range(levels)]
    for step, number in steps:
        match step:
            case "call":
                for _ in range(burst):
                    fleet.call(number, *names)
            case "wait":
                fleet.clock.pass_by(number)
            case "crash":
                fleet.crash(number)
            case "lose":
                fleet.counters.lost += number
    assert all(count <= amount for count in fleet.passed.values())
    assert all(granted <= amount for granted in fleet.counters.granted.values())


@given(
    amount=st.integers(1, 3000),
    environments=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    crashes=st.integers(0, 30),
    losses=st.integers(0, 5),
)
@settings(deadline=None, max_examples=100)
def test_when_the_first_call_is_refused_95_percent_have_passed(
    amount: int, environments: int, seed: int, crashes: int, losses: int
) -> None:
    """Crashed environments and lost answers included: what they held counts as unspent."""
    fleet = Fleet(Limit(amount, 3600))
    fleet.grow(environments)
    random = Random(seed)  # noqa: S311 - what is done when
    events = sorted(random.randrange(amount) for _ in range(crashes + losses))
    for number in range(amount + losses + 1):
        while events and events[0] <= number:
            events.pop(0)
            if random.random() * (crashes + losses) < losses:
                fleet.counters.lost = 1
            else:
                fleet.crash(random.randrange(environments))
        unknown = fleet.unknown
        if not fleet.call(random.randrange(environments)) and fleet.unknown == unknown:
            break
    assert fleet.current <= amount
    # A call whose draw was not answered is the one that it would have been spent on.
    assert fleet.current + fleet.unknown >= amount - amount // UNSPENT


@given(
    amount=st.integers(1, 3000),
    environments=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    levels=st.integers(2, 3),
)
@settings(deadline=None, max_examples=60)
def test_what_lies_unspent_is_bounded_when_levels_are_drawn_together(
    amount: int, environments: int, seed: int, levels: int
) -> None:
    fleet = Fleet(Limit(amount, 3600))
    fleet.grow(environments)
    random = Random(seed)  # noqa: S311 - what is done when
    names = [f"level-{number}" for number in range(levels)]
    for _ in range(amount + 1):
        # Some calls are counted at one level only, so that the leases fall out of step.
        used = names if random.random() < 0.7 else [random.choice(names)]
        fleet.call(random.randrange(environments), *used)
        for name in names:
            leases = [each.lease(name, fleet.limit) for each in fleet.environments]
            assert sum(lease.held for lease in leases) <= amount // UNSPENT


@given(st.integers(1, 3000))
@settings(deadline=None, max_examples=50)
def test_a_single_environment_gets_exactly_the_limit(calls: int) -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    passed = sum(call(leases, Limit(calls, 60)) for _ in range(calls + 10))
    assert passed == calls


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.integers(0, 10_000))
def test_a_lease_is_bounded_by_size_share_and_what_is_left(
    amount: int, left: int, others: int
) -> None:
    size = lease_size(amount, left, others)
    assert 1 <= size <= LARGEST
    assert size == 1 or (size <= left and size - 1 + others <= amount // UNSPENT)


# --- cost ---


def test_a_busy_environment_draws_once_in_fifty_calls() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    for _ in range(1000):
        call(leases, Limit(1_000_000, 60))
    assert counters.draws <= 21


def test_three_levels_are_drawn_in_one_request() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    for _ in range(1000):
        call(leases, Limit(1_000_000, 60), "one", "two", "three")
    assert counters.draws == 20
    assert counters.looks == 1  # and once in a while one asks what others have drawn


@pytest.mark.parametrize("every", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("limit", [Limit(5000, 60), Limit(5000, 3600), Limit(1_000_000, 86400)])
def test_looks_and_draws_are_few_at_full_lease_use(limit: Limit, every: float) -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    calls = 3000 if limit.window / 50 > every else 0
    for _ in range(calls):
        call(leases, limit, "one", "two", "three")
        clock.pass_by(every)
    assert counters.draws + counters.looks <= 0.05 * calls


def test_levels_out_of_step_are_brought_into_it() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    limit = Limit(1_000_000, 60)
    for _ in range(30):
        call(leases, limit, "one")
    for _ in range(970):
        call(leases, limit, "one", "two")
    assert counters.draws <= 24


def test_an_exhausted_window_is_not_asked_again() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    limit = Limit(10, 60)
    assert sum(call(leases, limit) for _ in range(30)) == 10
    assert counters.draws == 10


def test_a_first_call_takes_one_request_even_where_others_have_drawn() -> None:
    clock, counters = FakeClock(), FakeCounters()
    busy, cold = Leases(counters, clock.now), Leases(counters, clock.now)
    limit = Limit(5000, 60)
    for _ in range(100):
        call(busy, limit, "one", "two")
    before = counters.draws + counters.looks
    assert call(cold, limit, "one", "two")
    assert counters.draws + counters.looks == before + 1


# --- rules ---


def test_environments_share_what_may_lie_unspent() -> None:
    clock, counters = FakeClock(), FakeCounters()
    fleet = [Leases(counters, clock.now) for _ in range(9)]
    limit = Limit(4000, 60)
    for _ in range(250):
        for each in fleet:
            call(each, limit)
    held = [each.lease("name", limit).size for each in fleet]
    assert all(5 <= size <= 40 for size in held)
    assert counters.draws < 300


def test_a_level_that_is_empty_leaves_the_others_untouched() -> None:
    clock, counters = FakeClock(), FakeCounters()
    one, two = Leases(counters, clock.now), Leases(counters, clock.now)
    limit = Limit(10, 60)
    while call(one, limit, "small"):
        pass
    start = window_start(clock.now(), 60)
    assert not call(two, limit, "other", "small")
    assert ("other", start) not in counters.counts


def test_what_is_left_is_known_where_others_draw_too() -> None:
    clock, counters = FakeClock(), FakeCounters()
    one, two = Leases(counters, clock.now), Leases(counters, clock.now)
    limit = Limit(10_000, 60)
    for _ in range(500):
        call(one, limit, "a", "b")
    clock.pass_by(FRESH)
    for _ in range(51):
        call(two, limit, "a", "b")
    used = 500 + 51
    assert abs(two.lease("a", limit).remaining - (10_000 - used)) <= LARGEST


def test_a_new_window_begins_anew_and_forgets_what_was_held() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    limit = Limit(5, 60)
    assert sum(call(leases, limit) for _ in range(9)) == 5
    clock.pass_by(60)
    assert sum(call(leases, limit) for _ in range(9)) == 5


def test_a_changed_limit_counts_at_once_and_what_was_granted_stays_granted() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    assert sum(call(leases, Limit(1, 60)) for _ in range(3)) == 1
    assert sum(call(leases, Limit(4, 60)) for _ in range(9)) == 3


def test_a_window_that_ends_in_the_middle_of_a_call_gives_nothing_away() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    limit = Limit(3, 60)
    lease = leases.lease("name", limit)
    assert leases.fill([lease])
    clock.pass_by(60)
    lease.spend()
    assert sum(call(leases, limit) for _ in range(20)) == 3


def test_counters_that_are_down_are_unavailable_and_work_again_afterwards() -> None:
    clock, counters = FakeClock(), FakeCounters(failing=Unavailable("down"))
    leases = Leases(counters, clock.now)
    with pytest.raises(Unavailable):
        call(leases, Limit(100, 60))
    counters.failing = None
    assert call(leases, Limit(100, 60))


@dataclass
class Crowded(FakeCounters):
    """Counters where no transaction gets through."""

    def draw(self, draws: Sequence[Draw]) -> Drawn:
        return super().draw(draws) if len(draws) == 1 else Drawn(False, [None] * len(draws))


def test_where_no_transaction_gets_through_levels_are_drawn_one_by_one() -> None:
    clock, counters = FakeClock(), Crowded()
    leases = Leases(counters, clock.now)
    limit = Limit(10, 60)
    assert sum(call(leases, limit, "one", "two") for _ in range(15)) == 10


@pytest.mark.parametrize("window", [1, 60, 3600, 86400, 604800, 30 * 86400, 365 * 86400])
def test_windows_are_multiples_of_their_length_since_1970(window: int) -> None:
    now = 1_800_000_000.7
    start = window_start(now, window)
    assert start % window == 0
    assert start <= now < start + window
    lease = Lease("name", start, Limit(1, window))
    assert lease.end == start + window
