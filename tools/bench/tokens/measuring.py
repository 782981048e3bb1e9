"""Processor time per token over HTTP, side by side: rounds that take turns, medians."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tools.bench.stand import Stand
from tools.bench.tokens.sides import HERE, check, running, sides

ROUNDS = 5
WARM_UP = 500
REQUESTS = 1000  # of each side in each round


def over_http(
    stand: Stand,
    modules: Path,
    *,
    rounds: int = ROUNDS,
    warm_up: int = WARM_UP,
    requests: int = REQUESTS,
) -> dict[str, float]:
    """Processor seconds of one token, from the request's first byte to the answer's last, by side.

    Each side's answers are checked first.
    """
    taken: dict[str, list[float]] = {}
    with ExitStack() as stack:
        servers = {side.name: stack.enter_context(running(side)) for side in sides(stand, modules)}
        for server in servers.values():
            for answer in server.tokens(warm_up):
                check(stand, answer)
        for _ in range(rounds):
            for name, server in servers.items():
                before = server.cpu()
                server.tokens(requests)
                taken.setdefault(name, []).append((server.cpu() - before) / requests)
    return {name: median(each) for name, each in taken.items()}


def database_calls(stand: Stand) -> dict[str, dict[str, int]]:
    """Reads and writes of DynamoDB for one token of a warm function, by grant."""
    done = subprocess.run(
        [sys.executable, str(HERE / "calls.py")],
        env=stand.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The calls could not be counted:\n{done.stderr[-2000:]}")
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found
