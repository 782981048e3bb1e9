"""A request and a response of the loopback front, and how Lambda sees them (payload format 2.0).

Shared by the HTTP API and the function URLs. Source: "AWS Lambda integrations for HTTP APIs",
API Gateway Developer Guide, and "Invoking Lambda function URLs", Lambda Developer Guide.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

# Bodies of these types reach a function as text, all others as base64.
_TEXT = re.compile(
    r"^(text/.*|application/(json|javascript|xml|.*\+json|.*\+xml))\s*(;.*)?$", re.IGNORECASE
)
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    }
)


@dataclass(frozen=True)
class Request:
    """As it came in: `path` and `query` undecoded, header names as sent, in order."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    port: int
    protocol: str = "HTTP/1.1"
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        found = [value for key, value in self.headers if key.lower() == wanted]
        return ",".join(found) if found else None


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def message(status: int, text: str) -> Response:
    """An answer of API Gateway itself, in its shape."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return Response(status, [("Content-Type", "application/json")], body)


def event_headers(request: Request) -> dict[str, str]:
    """Names in lower case, values of one name joined with a comma; cookies are not among them."""
    joined: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        if key == "cookie" or key in HOP_BY_HOP - {"content-length"}:
            continue
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    joined.setdefault("content-length", str(len(request.body)))
    joined["x-forwarded-for"] = ", ".join(
        filter(None, [joined.get("x-forwarded-for"), request.source_ip])
    )
    joined["x-forwarded-port"] = str(request.port)
    joined["x-forwarded-proto"] = "http"
    joined["x-amzn-trace-id"] = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    return joined


def cookies(request: Request) -> list[str]:
    pairs = (
        v for key, value in request.headers if key.lower() == "cookie" for v in value.split(";")
    )
    return [pair.strip() for pair in pairs if pair.strip()]


def query_parameters(query: str) -> dict[str, str]:
    """Decoded; values of one name joined with a comma."""
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def event(request: Request, route_key: str, path: str, context: dict[str, Any]) -> dict[str, Any]:
    """The event without its body; `context` adds to and replaces parts of `requestContext`."""
    now = datetime.now(UTC)
    host = request.header("host") or f"127.0.0.1:{request.port}"
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": event_headers(request),
        "requestContext": {
            "accountId": "anonymous",
            "domainName": host,
            "domainPrefix": host.split(".")[0].split(":")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent") or "",
            },
            "requestId": request.id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
            **context,
        },
    }
    if request.query:
        made["queryStringParameters"] = query_parameters(request.query)
    if found := cookies(request):
        made["cookies"] = found
    return made


def add_body(made: dict[str, Any], request: Request) -> None:
    """Text as text; what is not text, or not UTF-8, as base64."""
    made["isBase64Encoded"] = False
    if not request.body:
        return
    if _TEXT.match(request.header("content-type") or ""):
        try:
            made["body"] = request.body.decode()
        except UnicodeDecodeError:
            pass
        else:
            return
    made["body"] = base64.b64encode(request.body).decode()
    made["isBase64Encoded"] = True


class MalformedAnswer(Exception):
    """A function answered what API Gateway cannot turn into a response."""


def response_of(answer: Any, default_type: str) -> Response:
    """A function's answer as a response; without `statusCode` the whole answer is the JSON body."""
    if not (isinstance(answer, dict) and "statusCode" in answer):
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(200, [("Content-Type", "application/json")], text.encode())
    try:
        status = int(answer["statusCode"])
        given = answer.get("headers") or {}
        headers = [(str(name), _text(value)) for name, value in given.items()]
        body = answer.get("body")
        content = (
            b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        )
        if answer.get("isBase64Encoded"):
            content = base64.b64decode(content, validate=True)
        set_cookies = [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    except (TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise MalformedAnswer(str(error)) from error
    if not 100 <= status <= 599:
        raise MalformedAnswer(f"status {status}")
    headers = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
    if content and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", default_type))
    return Response(status, headers + set_cookies, content)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a header's value holds a line break")
    return text
