"""The token function behind HTTP: a request becomes the event that an HTTP API makes of it.

Runs by itself: `python portico_server.py TASK` (see `sides.py`). With `"storage": "memory"` in the
task its records and its key are in this process; otherwise where the environment says.
"""

import base64
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "common")]

from functions.token import handler as function  # noqa: E402
from portico.domain.application import Client, Secret  # noqa: E402
from portico.services.clients import digest  # noqa: E402
from tools.bench.tokens.memory import MemoryRecords  # noqa: E402
from tools.bench.tokens.serving import serve  # noqa: E402


class Context:
    """As much of Lambda's context as the function reads."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"


CONTEXT = Context()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """One request by WSGI (PEP 3333), as an event of payload format 2.0 and back."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = {
        name[5:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    event = {
        "version": "2.0",
        "routeKey": "ANY /oauth2/{proxy+}",
        "rawPath": path,
        "rawQueryString": environ["QUERY_STRING"],
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": environ["REMOTE_ADDR"]},
            "stage": "$default",
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answered = function.handler(event, CONTEXT)  # type: ignore[arg-type]
    sent = answered["body"].encode()
    start(
        f"{answered['statusCode']} -",
        [*answered["headers"].items(), ("Content-Length", str(len(sent)))],
    )
    return [sent]


def in_memory(task: dict[str, Any]) -> None:
    """Give the function its records and its key from here."""
    known = Client(
        tenant="carbon.super",
        stamp=1,
        client_id=task["client_id"],
        name="bench",
        owner="bench",
        secrets=(Secret("bench", digest(task["client_secret"])),),
        grant_types=("client_credentials",),
        application_id="bench-application",
        application_owner="bench",
    )
    records = MemoryRecords([known])
    key = {"kid": task["kid"], "alg": "RS256", "private": task["private"]}
    keys = json.dumps({"keys": [key]})
    function._records = lambda: records  # type: ignore[assignment]
    function._fetch_keys = lambda: keys


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    if task["storage"] == "memory":
        in_memory(task)
    serve(application)
