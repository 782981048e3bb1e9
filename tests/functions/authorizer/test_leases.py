"""Leases never grant more than the limit, whatever the environments do, and keep little back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.authorizer.leases import LARGEST, SHARE, Leases, Limit, next_size, window_start
from tests.fakes import FakeClock
from tests.functions.authorizer.world import FakeCounters


def call(leases: Leases, limit: Limit) -> bool:
    lease = leases.hold("name", limit)
    if lease is None:
        return False
    lease.spend()
    return True


@given(
    st.integers(1, 400),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), max_size=900),
)
@settings(deadline=None, max_examples=60)
def test_no_window_grants_more_than_its_limit(calls: int, steps: list[tuple[int, int]]) -> None:
    clock, counters = FakeClock(), FakeCounters()
    environments = [Leases(counters, clock.now) for _ in range(4)]
    limit = Limit(calls, 60)
    passed: dict[int, int] = {}
    for environment, seconds in steps:
        clock.pass_by(seconds)
        if call(environments[environment], limit):
            window = window_start(clock.now(), limit)
            passed[window] = passed.get(window, 0) + 1
    assert all(count <= calls for count in passed.values())


@given(st.integers(1, 3000))
@settings(deadline=None, max_examples=50)
def test_a_single_environment_gets_exactly_the_limit(calls: int) -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    passed = sum(call(leases, Limit(calls, 60)) for _ in range(calls + 10))
    assert passed == calls


@given(st.integers(0, 200), st.integers(1, 100_000))
def test_a_lease_is_bounded_by_size_and_share(last: int, left: int) -> None:
    size = next_size(last, left)
    assert 1 <= size <= LARGEST
    assert size == 1 or size <= left / SHARE


def test_a_busy_environment_draws_once_in_fifty_calls() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    limit = Limit(1_000_000, 60)
    for _ in range(200):
        call(leases, limit)
    before = counters.draws
    for _ in range(1000):
        call(leases, limit)
    assert counters.draws - before == 20


def test_an_exhausted_window_is_not_asked_again() -> None:
    clock, counters = FakeClock(), FakeCounters()
    leases = Leases(counters, clock.now)
    limit = Limit(10, 60)
    assert sum(call(leases, limit) for _ in range(30)) == 10
    assert counters.draws <= 11


def test_an_idle_environment_holds_one_call_only() -> None:
    clock, counters = FakeClock(), FakeCounters()
    idle, busy = Leases(counters, clock.now), Leases(counters, clock.now)
    limit = Limit(1000, 60)
    assert call(idle, limit)
    assert sum(call(busy, limit) for _ in range(1100)) == 999


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
    lease = leases.hold("name", limit)
    assert lease
    clock.pass_by(60)
    lease.spend()
    assert sum(call(leases, limit) for _ in range(20)) == 3
