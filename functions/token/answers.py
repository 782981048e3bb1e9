"""Answers of the HTTP API integration (payload 2.0)."""

import json
from collections.abc import Mapping
from typing import Any

# Whatever may hold tokens or tell of credentials is never cached (RFC 6749 section 5.1).
PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def answer(
    status: int, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A JSON answer, or one without a body; not cacheable unless the headers say so."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **PRIVATE, **(headers or {})},
        "body": "" if body is None else json.dumps(body),
    }
