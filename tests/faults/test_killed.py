"""The lifecycle function's process is ended by SIGKILL at the calls by which it changes something,
when they have left and nobody is there for the answer. Afterwards the schedule's runs, or the
person who asks again, make everything agree, and nothing is there twice.
"""

import traceback
from typing import Any

import pytest

from portico.domain.api import Api
from tests.faults.boundary import BEFORE, SENT, Faults
from tests.faults.scenes import SCENES, Scene
from tests.faults.world import Kept, World

READS = ("GetItem", "BatchGetItem", "Query", "GET ")


@pytest.mark.parametrize("name", SCENES)
def test_whenever_the_process_dies_all_is_whole_in_the_end(there: World, name: str) -> None:
    scene = SCENES[name]
    api = scene.set_up(there)
    start = there.kept()
    asked: dict[str, Any] = {"checklist": scene.checklist, "request": scene.request}
    undisturbed = there.ask(api, scene.event, **asked)
    assert undisturbed.ok["pending"] == 0
    scene.after(there, api)
    # A process that dies before a call leaves the same as one that dies after the call before it;
    # and reading leaves nothing. One scene is played with every call all the same.
    calls = list(enumerate(undisturbed.calls, 1))
    changing = [n for n, call in calls if not call.startswith(READS)]
    if name == "publish":
        points = [(n, BEFORE) for n, _ in calls]
    else:
        points = [(changing[0], BEFORE), *((n, SENT) for n in changing)]
    assert len(points) > 5

    broken = []
    for n, moment in points:
        try:
            _kill(there, start, scene, api, Faults(kill_at=n, moment=moment))
        except AssertionError:
            where = f"killed {moment} call {n}, {undisturbed.calls[n - 1]}"
            broken.append(f"{where}\n{traceback.format_exc(limit=-1)}")
    assert not broken, "\n".join(broken)


def _kill(world: World, start: Kept, scene: Scene, api: Api, faults: Faults) -> None:
    world.restore(start)
    asked: dict[str, Any] = {"checklist": scene.checklist, "request": scene.request}
    ended = world.ask(api, scene.event, faults, **asked)
    assert ended.killed
    world.schedule()
    if len(world.history(api)) == _transitions(start, api):
        scene.before(world, api)
        assert world.ask(api, scene.event, **asked).ok["pending"] == 0
    scene.after(world, api)


def _transitions(start: Kept, api: Api) -> int:
    """How many there had been."""
    return sum(
        item["kind"] == "HistoryEntry" and f"#{api.id}" in item["pk"]
        for item in start.items["catalog"]
    )
