"""Portico behind HTTP as the other gateways are: each request goes through the authorizer's handler
and, with its decision, through the gateway function's, as an HTTP API would send it.

Runs by itself in the environment of a stand: `python portico_server.py`.
"""

import base64
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "common")]

from functions.authorizer.handler import handler as decide  # noqa: E402
from functions.gateway.handler import handler as deliver  # noqa: E402
from tools.bench.tokens.serving import serve  # noqa: E402


class Context:
    """As much of Lambda's context as handlers read."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


CONTEXT: Any = Context()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """One request by WSGI (PEP 3333), as the two events of an HTTP API and back."""
    headers = {
        name[5:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    event: dict[str, Any] = {
        "version": "2.0",
        "type": "REQUEST",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": environ["QUERY_STRING"],
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": environ["REMOTE_ADDR"]},
            "domainName": headers.get("host", ""),
            "requestId": "bench",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    decided = decide(event, CONTEXT)
    request = {**event["requestContext"], "authorizer": {"lambda": decided["context"]}}
    answered = deliver({**event, "requestContext": request}, CONTEXT)
    body = answered["body"]
    sent = base64.b64decode(body) if answered.get("isBase64Encoded") else body.encode()
    told = {name: text for name, text in answered["headers"].items() if name != "content-length"}
    start(f"{answered['statusCode']} -", [*told.items(), ("Content-Length", str(len(sent)))])
    return [sent]


if __name__ == "__main__":
    serve(application)
