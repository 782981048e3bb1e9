"""A version with many subscriptions is succeeded, and the function dies while it carries them
forward. `make bench` shows the same of ten thousand; here it is a tenth, for the time it takes.
"""

import time

from portico.lifecycle.model import DEPRECATE_OLD, RESUBSCRIBE
from tests.faults.boundary import SENT, Faults
from tests.faults.scenes import told
from tests.faults.world import World
from tests.template.reading import template

MANY = 1000
PEOPLE = {
    f"app{n:04d}": ("Gold" if n % 3 else "Silver", "BLOCKED" if n % 7 == 0 else "UNBLOCKED")
    for n in range(MANY)
}
AMIDST = 120  # a call of the first run, by which a few hundred are carried


def test_many_are_carried_forward_by_runs_that_end_in_time(there: World) -> None:
    limit = template()["Resources"]["LifecycleFunction"]["Properties"]["Timeout"]
    old = there.api("pizza")
    assert there.ask(old, "Publish").ok["pending"] == 0
    there.subscribe(old, PEOPLE)
    api = there.api("pizza", "2.0.0")
    checklist = {RESUBSCRIBE: False, DEPRECATE_OLD: True}

    ended = there.ask(api, "Publish", Faults(kill_at=AMIDST, moment=SENT), checklist=checklist)

    assert ended.killed
    carried = len(there.subscriptions(api))
    assert 0 < carried < MANY
    assert there.now(old).state == "PUBLISHED"  # it is deprecated when they are carried
    started = time.monotonic()
    runs = there.schedule()
    assert (time.monotonic() - started) / len(runs) < limit
    assert told(there.subscriptions(api)) == PEOPLE
    assert told(there.subscriptions(old)) == PEOPLE
    assert there.now(old).state == "DEPRECATED"
    assert len(there.audited("carry")) == MANY
    assert {result.standing for result in there.results(api)} == {"done"}
