"""One environment of the authorizer under the calls of many applications.

Runs by itself in the environment of a stand; reads {"tokens", "paths", "before", "calls"} as JSON:
an application each, and how often each calls uncounted and counted. Writes {"cpu_seconds": of one
decision on average, "requests", "calls": DynamoDB's by operation, "calls_per_request", "cold": its
calls for the first decision, with nothing cached}.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "common")]

from functions.authorizer import handler as function  # noqa: E402


def main() -> None:
    task = json.load(sys.stdin)
    events = [
        _event(path, token) for path, token in zip(task["paths"], task["tokens"], strict=True)
    ]
    calls: Counter[str] = Counter()
    function.dynamodb().meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.update([model.name])
    )
    _decide(events[:1])
    cold = dict(calls)
    for _ in range(task["before"]):
        _decide(events)
    calls.clear()
    started = time.process_time()
    for _ in range(task["calls"]):
        _decide(events)
    taken = time.process_time() - started
    requests = task["calls"] * len(events)
    told = {
        "cpu_seconds": taken / requests,
        "requests": requests,
        "calls": dict(calls),
        "calls_per_request": calls.total() / requests,
        "cold": cold,
    }
    print(json.dumps(told))


def _decide(events: list[dict[str, Any]]) -> None:
    context: Any = None
    for event in events:
        decided = function.handler(event, context)["context"]
        if "fault" in decided:
            # What was refused would be measured on a shorter way.
            raise RuntimeError(f"Refused: {decided}")


def _event(path: str, token: str) -> dict[str, Any]:
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "bench.example", "authorization": f"Bearer {token}"},
        "requestContext": {
            "http": {"method": "GET", "path": path, "sourceIp": "203.0.113.7"},
            "domainName": "bench.example",
            "requestId": "bench",
            "stage": "$default",
        },
    }


if __name__ == "__main__":
    main()
