"""The outbox: done once it is done, tried again when it fails, one worker at a time."""

from dataclasses import dataclass, field

import pytest

from portico.domain.errors import NotFound, Unavailable
from portico.domain.operations import Lease, OutboxEntry
from portico.services.outbox import FIRST_WAIT, LEASE_SECONDS, LONGEST_WAIT, Outbox, enqueue
from tests.fakes import FakeClock, FakeRecords


@dataclass
class Recorder:
    """An executor that notes what it is given and fails as told."""

    failing: list[BaseException] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def __call__(self, entry: OutboxEntry) -> bool:
        self.seen.append(f"{entry.tenant}:{entry.payload['n']}")
        if self.failing:
            raise self.failing.pop(0)
        return self.answers.pop(0) if self.answers else True


class Killed(BaseException):
    """What a test raises where a function would die: no `except Exception` sees it."""


@dataclass
class World:
    records: FakeRecords = field(default_factory=FakeRecords)
    clock: FakeClock = field(default_factory=FakeClock)
    executor: Recorder = field(default_factory=Recorder)

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.records, self.clock, {"test": self.executor})

    def add(self, n: int, tenant: str = "acme.com", kind: str = "test") -> None:
        self.records.commit(enqueue(self.records, self.clock, tenant, kind, {"n": n}))
        self.clock.pass_by(0.001)

    def work(self, tenant: str = "") -> int:
        return len(self.outbox.work(self.clock.now() + 30, tenant).done)


@pytest.fixture
def world() -> World:
    return World()


def test_entries_of_all_tenants_are_done_in_order(world: World) -> None:
    world.add(1)
    world.add(2, tenant="other.org")
    world.add(3)

    assert world.work() == 3
    assert world.executor.seen == ["acme.com:1", "acme.com:3", "other.org:2"]
    assert world.outbox.pending("acme.com") == []
    assert world.work() == 0
    assert world.records.get(Lease, tenant="*", name="outbox") is None


def test_one_tenant_alone(world: World) -> None:
    world.add(1)
    world.add(2, tenant="other.org")

    assert world.work("other.org") == 1
    assert world.executor.seen == ["other.org:2"]


def test_a_failure_waits_longer_each_time_and_holds_up_no_other(world: World) -> None:
    world.add(1)
    world.add(2)
    world.executor.failing = [Unavailable("API Gateway sleeps"), ValueError("a defect")]
    worked = world.outbox.work(world.clock.now() + 30)
    assert (len(worked.done), len(worked.failed)) == (0, 2)

    world.executor.failing = [Unavailable("still asleep")]
    world.clock.pass_by(FIRST_WAIT)
    assert world.work() == 1

    (entry,) = world.outbox.pending("acme.com")
    assert (entry.attempts, entry.error) == (2, "Unavailable: still asleep")
    world.clock.pass_by(FIRST_WAIT)
    assert world.work() == 0  # it waits twice as long now
    world.clock.pass_by(FIRST_WAIT)
    assert world.work() == 1


def test_the_wait_has_an_end(world: World) -> None:
    world.add(1)
    for _ in range(20):
        world.executor.failing = [Unavailable("gone")]
        world.clock.pass_by(LONGEST_WAIT)
        world.work()
    (entry,) = world.outbox.pending("acme.com")
    assert entry.attempts == 20
    assert entry.not_before - world.clock.now() <= LONGEST_WAIT


def test_a_worker_that_dies_leaves_the_entry_for_the_next(world: World) -> None:
    world.add(1)
    world.add(2)
    world.executor.failing = [Killed()]
    with pytest.raises(Killed):
        world.work()
    # A killed process releases nothing: put its lease back as it was.
    world.records.items.update(_held(world))

    assert world.outbox.work(world.clock.now() + 30).busy
    world.clock.pass_by(LEASE_SECONDS + 1)
    assert world.work() == 2
    assert world.executor.seen == ["acme.com:1", "acme.com:1", "acme.com:2"]


def _held(world: World) -> dict[tuple[str, str, str], Lease]:
    until = int(world.clock.now()) + LEASE_SECONDS
    lease = Lease(tenant="*", name="outbox", holder="dead", until=until, stamp=1)
    return {("operations", "*#LEASE#outbox", "LEASE"): lease}


def test_what_is_not_finished_goes_on_at_once(world: World) -> None:
    world.add(1)
    world.executor.answers = [False, False, True]

    assert world.work() == 1
    assert len(world.executor.seen) == 3


def test_work_ends_at_the_deadline(world: World) -> None:
    for n in range(3):
        world.add(n)

    assert world.outbox.work(world.clock.now()).done == []
    assert len(world.outbox.pending("acme.com")) == 3


def test_an_unknown_kind_fails_and_is_kept(world: World) -> None:
    world.add(1, kind="from a later release")
    worked = world.outbox.work(world.clock.now() + 30)

    assert [str(error) for error in worked.failed.values()] == [
        "Executor 'from a later release' was not found"
    ]
    assert world.outbox.pending("acme.com")[0].attempts == 1


def test_a_person_may_have_it_tried_at_once(world: World) -> None:
    world.add(1)
    world.executor.failing = [Unavailable("asleep")]
    world.work()
    (entry,) = world.outbox.pending("acme.com")
    assert world.work() == 0

    world.outbox.retry("acme.com", entry.id)
    assert world.work() == 1
    with pytest.raises(NotFound):
        world.outbox.retry("acme.com", entry.id)


def test_an_entry_that_appears_meanwhile_is_done_too(world: World) -> None:
    world.add(1)

    def executor(entry: OutboxEntry) -> bool:
        if entry.payload["n"] == 1:
            world.add(2)
        return True

    outbox = Outbox(world.records, world.clock, {"test": executor})
    assert len(outbox.work(world.clock.now() + 30).done) == 2


def test_with_nothing_to_do_nothing_is_written(world: World) -> None:
    world.add(1)
    world.work()
    before = len(world.records.commits)
    assert world.work() == 0
    assert len(world.records.commits) == before
