"""Processor time of a call through each gateway: rounds that take turns, medians.

Each side has answered right before it is measured: the back end's 1 KB for a good token, 401 or 403
for none and for one that another key has signed.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from tools.bench.backend import BODY
from tools.bench.peers.processes import PROC, Gateway, running
from tools.bench.peers.sides import sides
from tools.bench.stand import Stand
from tools.bench.starts import PATH

ROUNDS = 7
WARM_UP = 500
CALLS = 1000  # through each gateway in each round
REFUSED = (401, 403)


def through_gateways(
    stand: Stand, *, rounds: int = ROUNDS, warm_up: int = WARM_UP, calls: int = CALLS
) -> dict[str, Any]:
    """`cpu_seconds` of one call by gateway, `ratio` of ours to each other's, and what is `missing`.

    The back end's time is in none of them, nor the database's.
    """
    if not Path(f"{PROC}/self/schedstat").exists():
        return {"cpu_seconds": {}, "ratio": {}, "missing": {"all": "Linux: /proc has the times"}}
    taken: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found, missing = sides(stand, urlsplit(stand.backend).port or 80, folder)
        gateways = [stack.enter_context(running(side)) for side in found]
        token = stand.token()
        for gateway in gateways:
            check(gateway, token)
            gateway.call(PATH, token, warm_up)
        for _ in range(rounds):
            for gateway in gateways:
                before = gateway.cpu()
                answers = gateway.call(PATH, token, calls)
                seconds = (gateway.cpu() - before) / calls
                _all_right(gateway, answers)
                taken.setdefault(gateway.name, []).append(seconds)
    means = {name: median(each) for name, each in taken.items()}
    ratio = {name: means["portico"] / each for name, each in means.items() if name != "portico"}
    return {"cpu_seconds": means, "ratio": ratio, "missing": missing}


def check(gateway: Gateway, token: str) -> None:
    """That a good token is answered with the back end's answer, and nothing else is."""
    _all_right(gateway, gateway.call(PATH, token))
    # As long as a good signature, and not one.
    head, _, signature = token.rpartition(".")
    for wrong in ("", f"{head}.{signature[::-1]}"):
        if gateway.call(PATH, wrong)[0][0] not in REFUSED:
            raise RuntimeError(f"{gateway.name} lets a call pass without a good token")


def _all_right(gateway: Gateway, answers: list[tuple[int, bytes]]) -> None:
    for status, body in answers:
        if status != 200 or body != BODY:
            raise RuntimeError(f"{gateway.name} answered {status}: {body[:300]!r}")
