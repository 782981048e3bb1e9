"""One environment of the authorizer as a process of its own, for `test_thirty_two_processes`.

`python -m tests.load.drawing TABLE` says "ready" and then, for each line of JSON `[amount, start,
names]`, makes calls that are counted under all these names until they are refused, and answers with
a line of JSON.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import botocore.session

from functions.authorizer.leases import Count, Draw, Drawn, Leases
from functions.authorizer.throttle.counters import TrafficCounters
from portico.domain.windows import Limit

WINDOW = 3600
ENOUGH = 20  # refusals, after which the window is taken for empty


class Counting(TrafficCounters):
    """Counts the requests to the table, but for those that met another one."""

    requests = 0

    def draw(self, draws: Sequence[Draw]) -> Drawn:
        self.requests += 1
        return super().draw(draws)

    def look(self, wanted: Sequence[tuple[str, int, int]]) -> list[Count]:
        self.requests += 1
        return super().look(wanted)


def calls(client: Any, table: str, limit: Limit, start: int, names: list[str]) -> dict[str, int]:
    """Calls that passed before the first was refused and in all, and requests to the table."""
    counters = Counting(client, table)
    # All processes live in the same moment, however long they take.
    leases = Leases(counters, lambda: float(start))
    passed = before = refused = 0
    while refused < ENOUGH:
        held = [leases.lease(name, limit) for name in names]
        if any(lease.empty for lease in held) or not leases.fill(held):
            refused += 1
            continue
        for lease in held:
            lease.spend()
        passed += 1
        before += not refused
    return {"passed": passed, "before": before, "requests": counters.requests}


def main(table: str) -> None:
    client: Any = botocore.session.Session().create_client("dynamodb")
    print("ready", flush=True)  # noqa: T201 - how it talks to the test
    for line in sys.stdin:
        amount, start, names = json.loads(line)
        had = calls(client, table, Limit(amount, WINDOW), start, names)
        print(json.dumps(had), flush=True)  # noqa: T201 - as above
    client.close()


if __name__ == "__main__":
    main(sys.argv[1])
