"""What the first answer of a fresh environment costs, for each function and for a bare handler."""

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import boto3

from tools.bench.packages import Packages
from tools.bench.stand import CLIENT_ID, CLIENT_SECRET, Stand

HERE = Path(__file__).parent
FRESH = HERE / "fresh.py"
PATH = "/pizza/1.0.0/order/17"


@dataclass(frozen=True)
class Start:
    """One event for one function in a fresh process; `good` is the status of a real answer."""

    function: str
    event: dict[str, Any]
    good: int = 200


def starts(stand: Stand) -> list[Start]:
    """A call that each function answers with success, the database included."""
    rest = {"app": "", "aut": "APPLICATION", "owner": "bench"}
    publisher = stand.token(**rest, scope="apim:api_view")
    admin = stand.token(**rest, scope="apim:admin")
    form = urlencode({"grant_type": "client_credentials"}).encode()
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    return [
        Start("AuthorizerFunction", authorizer_event(stand.token())),
        Start("GatewayFunction", gateway_event(stand)),
        Start(
            "TokenFunction",
            {
                **event("POST", "/oauth2/token", authorization=f"Basic {basic}"),
                "body": base64.b64encode(form).decode(),
                "isBase64Encoded": True,
            },
        ),
        Start(
            "PublisherFunction",
            event("GET", "/api/am/publisher/v4/apis", authorization=f"Bearer {publisher}"),
        ),
        Start("StoreFunction", event("GET", "/api/am/devportal/v3/apis")),
        Start(
            "AdminFunction",
            event(
                "GET",
                "/api/am/admin/v4/throttling/policies/application",
                authorization=f"Bearer {admin}",
            ),
        ),
        Start("LifecycleFunction", {"request": "outbox"}),
    ]


def event(method: str, path: str, **headers: str) -> dict[str, Any]:
    """An event in payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "host": "bench.example",
            "content-type": "application/x-www-form-urlencoded",
            **headers,
        },
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.7"},
            "domainName": "bench.example",
            "requestId": "bench",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


def authorizer_event(token: str, path: str = PATH) -> dict[str, Any]:
    """A call to judge."""
    return {
        **event("GET", path, authorization=f"Bearer {token}"),
        "type": "REQUEST",
        "identitySource": [],
        "routeArn": "arn:aws:execute-api:us-east-1:000000000000:bench/$default/GET/",
    }


def gateway_event(stand: Stand) -> dict[str, Any]:
    """A call that was judged."""
    made = event("GET", PATH)
    decision = {"jwt": "a.b.c", "endpoint": stand.backend, "path": "/menu"}
    made["requestContext"]["authorizer"] = {"lambda": decision}
    return made


def run(
    stand: Stand,
    paths: list[str],
    handler: str,
    given: dict[str, Any],
    further: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """One fresh process: its first answer, what it cost, and what `further` events cost each."""
    task = {"paths": paths, "handler": handler, "event": given, "further": list(further)}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(FRESH)],
        input=json.dumps(task),
        env=stand.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{handler} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(stand: Stand, packages: Packages, rounds: int) -> dict[str, float]:
    """Median processor seconds of a first answer, by function; `Bare` is the yardstick.

    The rounds are interleaved, so that a busy moment of the machine is everybody's.
    """
    wanted = starts(stand)
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, seconds in [
            ("Bare", _bare(stand, packages)),
            *((each.function, _start(stand, packages, each)) for each in wanted),
        ]:
            taken.setdefault(name, []).append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def _bare(stand: Stand, packages: Packages) -> float:
    # With boto3 as Lambda's runtime has it: whole, and compiled.
    paths = [str(HERE), str(Path(boto3.__file__).parents[1])]
    return float(run(stand, paths, "bare.handler", {})["cpu"])


def _start(stand: Stand, packages: Packages, start: Start) -> float:
    name = start.function
    result = run(stand, packages.paths(name), packages.handler(name), start.event)
    answer = result["answer"]
    # What was refused would be measured on a shorter way.
    refused = (answer.get("context") or {}).get("fault") or answer.get("error")
    if refused or answer.get("statusCode", start.good) != start.good:
        raise RuntimeError(f"{name} gave no real answer: {json.dumps(answer)[:400]}")
    return float(result["cpu"])
