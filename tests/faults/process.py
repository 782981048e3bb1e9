"""A program: the lifecycle function's real handler, each call of it in a process of its own.

Reads JSON lines of tasks, forks for each task, and writes how those processes ended. The parent
closes its connections before the first fork, so children share none.
"""

import gc
import json
import os
import sys
import time
from typing import Any

from botocore.httpsession import URLLib3Session

from functions.lifecycle import handler as function
from functions.lifecycle.executors.routes import RouteExecutor
from portico.domain.api import Api
from portico.domain.application import Subscription
from portico.domain.gateway import Deployment
from portico.domain.operations import OutboxTenant
from portico.domain.records import Discard
from portico.services.revisions import ROUTE
from tests.events import Context
from tests.faults.boundary import faults_of, install


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the function logs
    _warm()
    for found in gc.get_objects():
        if isinstance(found, URLLib3Session):
            found.close()
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        # All at once; then each is listened to until it has ended.
        running = [_forked(task) for task in json.loads(line)]
        print(json.dumps([_ended(*each) for each in running]), file=out, flush=True)


def _warm() -> None:
    """As in an environment that has answered before: every client is made."""
    wired = function.wiring()
    route = wired.outbox.executors[ROUTE]
    assert isinstance(route, RouteExecutor)
    # It holds `time.sleep` as it was when the module was loaded; let it see what becomes of it.
    object.__setattr__(route.routes, "sleep", lambda seconds: time.sleep(seconds))
    records = wired.outbox.records
    records.get(Api, tenant="nobody", id="none")
    records.get(Subscription, tenant="nobody", application_id="none", api_id="none")
    records.get(Deployment, tenant="nobody", prefix="none")
    records.commit(Discard(OutboxTenant(tenant="nobody", name="none")))
    function.handler({"request": "outbox"}, Context())


def _forked(task: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _run(task, writing)
        finally:
            os._exit(70)  # only when even the report failed
    os.close(writing)
    return child, reading


def _ended(child: int, reading: int) -> dict[str, Any]:
    with os.fdopen(reading) as told:
        lines = [json.loads(line) for line in told]
    _, status = os.waitpid(child, 0)
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "told": lines}


def _run(task: dict[str, Any], writing: int) -> None:
    def tell(kind: str, value: Any) -> None:
        # At once: a process that is killed leaves only what is in the pipe.
        os.write(writing, (json.dumps([kind, value]) + "\n").encode())

    install(faults_of(task["faults"]), lambda call: tell("call", call))
    try:
        tell("answer", function.handler(task["event"], Context()))
    except BaseException as exc:  # reported, not handled
        tell("error", f"{type(exc).__name__}: {exc}")
    os._exit(0)


if __name__ == "__main__":
    main()
