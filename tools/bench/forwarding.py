"""What the forwarder adds to a 1 KB call: its processor time beside a bare keep-alive `http.client`
round trip to the same back end, in this process and in turns.
"""

import time
from collections.abc import Callable
from http.client import HTTPConnection
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from functions.gateway.backends import Backends
from functions.gateway.delivering import Delivering
from functions.gateway.forward import Forwarder
from tools.bench.backend import running

GOAL = 0.0004  # seconds of processor time that may be added
CALLS = 500
ROUNDS = 15
HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "content-type": "application/json",
    "user-agent": "bench/1.0",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


def forwarding() -> dict[str, float]:
    """Processor seconds of one call: `bare`, `forwarded`, and `added` to the one by the other."""
    with running() as address:
        return _measured(address)


def _measured(address: str) -> dict[str, float]:
    connection = HTTPConnection(urlsplit(address).netloc)
    backends = Backends(("127.0.0.1",))
    delivering = Delivering(Forwarder(backends), _no_plans)
    assertion = "j" * 800
    event: dict[str, Any] = {
        "rawQueryString": "size=large",
        "headers": {**HEADERS, "host": "gateway.example", "authorization": "Bearer " + "t" * 700},
        "requestContext": {"http": {"method": "GET", "sourceIp": "203.0.113.7"}},
    }
    decision = {
        "jwt": assertion,
        "endpoint": f"{address}/v1",
        "path": "/menu",
        "header": "Authorization",
        "pass_authorization": "false",
    }
    same = {**HEADERS, "x-jwt-assertion": assertion}

    def bare() -> None:
        connection.request("GET", "/v1/menu?size=large", headers=same)
        connection.getresponse().read()

    def forwarded() -> None:
        delivering.deliver(event, decision)

    try:
        rounds = [(_each(bare), _each(forwarded)) for _ in range(ROUNDS + 1)][1:]
    finally:
        connection.close()
        backends.close()
    return {
        "bare": median(first for first, _ in rounds),
        "forwarded": median(second for _, second in rounds),
        "added": median(second - first for first, second in rounds),
    }


def _each(call: Callable[[], None]) -> float:
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS


def _no_plans() -> Any:
    raise AssertionError("a call to one address needs no plan")
