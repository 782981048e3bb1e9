"""Lets a call through when `X-Guard` says so."""

from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    wish = event["headers"].get("x-guard", "")
    if wish == "unauthorized":
        raise Exception("Unauthorized")  # noqa: TRY002
    if wish == "fail":
        raise ValueError("broken")
    return {
        "isAuthorized": wish == "yes",
        "context": {"who": "a caller", "number": 5, "yes": True, "event": event["type"]},
    }
