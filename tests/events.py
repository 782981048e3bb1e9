"""Events as AWS hands them over, for tests that call a function's real handler."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.utilities.typing import LambdaContext

REQUEST_ID = "11111111-2222-3333-4444-555555555555"


def function_url_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    cookies: list[str] | None = None,
    binary: bool = False,
) -> dict[str, Any]:
    """A Lambda function URL event (payload 2.0). A dict body is sent as JSON, bytes as base64."""
    fields = {"host": "portico.example", **(headers or {})}
    text = body
    if isinstance(body, dict | list):
        text = json.dumps(body)
        fields.setdefault("content-type", "application/json")
    if isinstance(body, bytes):
        text, binary = base64.b64encode(body).decode(), True
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": fields,
        "queryStringParameters": query or {},
        "cookies": cookies or [],
        "requestContext": {
            "domainName": "portico.example",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "test",
            },
            "requestId": "req-1",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1_800_000_000_000,
        },
        "body": text,
        "isBase64Encoded": binary,
    }


class Context(LambdaContext):
    """The context that Lambda gives a handler, as far as handlers read it."""

    def __init__(self, name: str = "portico-test") -> None:
        self._function_name = name
        self._function_version = "$LATEST"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self._aws_request_id = REQUEST_ID
