"""Style sheets and icons of the pages."""

from typing import Any

from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.web.rendering import STATIC_HEADERS, static_file


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """A file by its last path segment; cached for ever, for its name has a version."""
    kind, text = static_file(request.path.rpartition("/")[2])
    return {"statusCode": 200, "headers": {"Content-Type": kind, **STATIC_HEADERS}, "body": text}
