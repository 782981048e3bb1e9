"""The lifecycle function's process is ended by SIGKILL before, during and after each execution that
leaves Portico by another way than mail or webhook: EventBridge, SNS, Lambda and a plug-in class.
The schedule brings each to its end, and only the one that was in flight may arrive twice.
"""

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from portico.clock import SystemClock
from portico.domain.api import Api
from portico.domain.records import Replace
from portico.domain.user import Caller
from portico.lifecycle import scxml
from portico.services.activating import Activating
from portico.services.executing import allowing
from portico.services.lifecycles import Lifecycles
from portico.services.outbox import LEASE_SECONDS
from tests.faults.boundary import BEFORE, SENT, Faults
from tests.faults.outside import EXECUTORS, PLUGIN, Outside, outside
from tests.faults.running import SCHEDULE
from tests.faults.scenes import standing
from tests.faults.world import TENANT, Kept, World, world

PACKAGES = ("tests",)
PAUSE = LEASE_SECONDS + 60  # seconds
READS = ("GetItem", "BatchGetItem", "Query", "GET ")
# The call by which each leaves; the plug-in is given the subscribers just before.
LEAVES = {
    "EventBridge": re.compile("PutEvents$"),
    "SNS": re.compile("POST /$"),
    "Lambda": re.compile("POST .*/invocations$"),
    PLUGIN: re.compile("GET .*/recipients/"),
}
EXECUTIONS = """
              <execution forEvent="Publish" class="EventBridge">
                <parameter name="bus" value="{outside.bus}"/>
              </execution>
              <execution forEvent="Publish" class="SNS">
                <parameter name="topic" value="{outside.topic}"/>
              </execution>
              <execution forEvent="Publish" class="Lambda">
                <parameter name="function" value="{outside.function}"/>
              </execution>
              <execution forEvent="Publish" class="{plugin}">
                <parameter name="path" value="{outside.file}"/>
              </execution>
            </data>"""


@dataclass(frozen=True)
class Point:
    """Where the process dies; `in_flight` has left by then, its record may not be there, and it
    arrives so many `times` in the end.
    """

    name: str
    call: int
    moment: str
    in_flight: str = ""
    times: tuple[int, ...] = (1,)


@pytest.fixture
def arrived(_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(tmp_path_factory.mktemp("outside")) as made:
        yield made


@pytest.fixture
def there(
    _environment: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world whose function may load the tests' plug-in."""
    monkeypatch.setenv("PORTICO_PLUGIN_PACKAGES", ",".join(PACKAGES))
    with world(tmp_path_factory.mktemp("faults")) as made:
        yield made


def test_each_execution_arrives_and_only_the_one_in_flight_may_do_so_twice(
    there: World, arrived: Outside
) -> None:
    live_by(there, document(arrived))
    api = there.api("pizza")
    start = there.kept()
    undisturbed = there.ask(api, "Publish")
    assert undisturbed.ok["pending"] == 0
    settled(there, api, arrived, Point("never", 0, BEFORE))

    broken = []
    for point in points(undisturbed.calls):
        try:
            killed(there, start, api, arrived, point)
        except AssertionError:
            broken.append(f"killed {point}\n{traceback.format_exc(limit=-1)}")
    assert not broken, "\n".join(broken)


def killed(there: World, start: Kept, api: Api, arrived: Outside, point: Point) -> None:
    there.restore(start)
    arrived.take()
    ended = there.ask(api, "Publish", Faults(kill_at=point.call, moment=point.moment))
    assert ended.killed
    if point.name.startswith("during"):
        those_behind_wait(there)
    there.schedule()
    if not there.history(api):
        assert point.name == "before the first write"
        assert arrived.take() == []
        assert there.ask(api, "Publish").ok["pending"] == 0
    settled(there, api, arrived, point)


def those_behind_wait(there: World) -> None:
    """Nobody overtakes one whose pause, as after many deaths, is longer than the dead's lease."""
    first = min(there.pending(), key=lambda entry: entry.turn)
    there.records.commit(Replace(replace(first, not_before=first.not_before + PAUSE)))
    assert len(there.pending()) > 1
    assert there.ask_function(SCHEDULE, Faults(later=PAUSE)).ok == {"done": 0, "failed": 0}


def settled(there: World, api: Api, arrived: Outside, point: Point) -> None:
    """Everything is done once in the records and, but for what was in flight, outside."""
    standing(there, api, "PUBLISHED", ["Publish"])
    results = sorted(there.results(api), key=lambda one: one.number)
    assert [(one.executor, one.standing) for one in results] == [
        (executor, "done") for executor in EXECUTORS
    ]
    effects = arrived.take()
    assert {(one.executor, one.execution) for one in effects} == {
        (one.executor, one.id) for one in results
    }
    for executor in EXECUTORS:
        times = sum(one.executor == executor for one in effects)
        expected = point.times if executor == point.in_flight else (1,)
        assert times in expected, f"{executor}: {times} times"
    # They are listed in the order of the document; so did they arrive.
    assert [one.at for one in effects] == sorted(one.at for one in effects), effects


def points(calls: list[str]) -> list[Point]:
    """Before the first write; and of each execution when its attempt has been counted, when it has
    left, and when its end is on its way to the records.
    """
    changing = [n for n, call in enumerate(calls, 1) if not call.startswith(READS)]
    found = [Point("before the first write", changing[0], BEFORE)]
    for executor, call in LEAVES.items():
        left = next(n for n, each in enumerate(calls, 1) if call.match(each))
        counted = max(n for n in changing if n < left)
        recorded = min(n for n in changing if n > left)
        found.append(Point(f"before {executor}", counted, SENT))
        if executor == PLUGIN:  # it makes no call; when its end is to be recorded, it has run
            found.append(Point(f"after {executor}", recorded, BEFORE, executor, (2,)))
        else:
            found.append(Point(f"during {executor}", left, SENT, executor, (1, 2)))
        found.append(Point(f"recording {executor}", recorded, SENT, executor, (1, 2)))
    return found


def document(arrived: Outside) -> bytes:
    """The default life cycle, with all of them when an API is published."""
    before, mark, rest = scxml.default_text().decode().partition('<state id="Created">')
    assert mark
    executions = EXECUTIONS.format(outside=arrived, plugin=PLUGIN)
    first, rest = rest.split('<data name="transitionExecution">', 1)
    own, rest = rest.split("</data>", 1)
    return (
        f'{before}{mark}{first}<data name="transitionExecution">{own}{executions}{rest}'
    ).encode()


def live_by(there: World, text: bytes) -> None:
    """Put a life cycle with a plug-in in force."""
    lifecycles = Lifecycles(there.records, SystemClock(), allowing(PACKAGES))
    admin = Caller(TENANT, "admin", ("admin",))
    Activating(lifecycles).activate(admin, lifecycles.save(admin, text).number)
    there.schedule()
