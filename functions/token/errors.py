"""What goes wrong at the authorization server, as the bodies of RFC 6749 section 5.2.

The registration endpoint belongs to WSO2's contracts and has their error body instead.
"""

import re
from typing import Any

from functions.token.answers import answer
from portico.domain import errors
from portico.services.issuing import InvalidGrant

# error_description may hold these characters only (RFC 6749 section 5.2).
_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class OAuthError(errors.PorticoError):
    """An error with a code that an RFC registers."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = code
        self.status = status


class InvalidClient(OAuthError):
    """Client authentication failed (RFC 6749 section 5.2: 401 with the scheme to use)."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_client", description, 401)


class WrongMethod(errors.PorticoError):
    """The path is there, for other methods."""

    error = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Only {allowed} is allowed here")
        self.allowed = allowed


class TooLargeBody(errors.TooLarge):
    """More than any request of these endpoints needs."""


# Domain errors: RFC code and status. The first class that fits decides.
_OAUTH: tuple[tuple[type[errors.PorticoError], str, int], ...] = (
    (InvalidGrant, "invalid_grant", 400),
    (WrongMethod, "invalid_request", 405),
    (errors.TooManyAttempts, "temporarily_unavailable", 429),
    (errors.TooLarge, "invalid_request", 413),
    (errors.InvalidInput, "invalid_request", 400),
    (errors.NotFound, "invalid_request", 404),
    (errors.Forbidden, "unauthorized_client", 400),
    (errors.Unauthenticated, "invalid_grant", 400),
    (errors.LostRace, "temporarily_unavailable", 503),
    (errors.Unavailable, "temporarily_unavailable", 503),
)
_CONTRACT: tuple[tuple[type[errors.PorticoError], int, str], ...] = (
    (WrongMethod, 405, "Method Not Allowed"),
    (errors.InvalidInput, 400, "Bad Request"),
    (errors.TooLarge, 413, "Payload Too Large"),
    (errors.Unauthenticated, 401, "Unauthorized"),
    (errors.Forbidden, 403, "Forbidden"),
    (errors.NotFound, 404, "Not Found"),
    (errors.NotImplementedHere, 501, "Not Implemented"),
    (errors.TooManyAttempts, 429, "Too Many Requests"),
    (errors.Conflict, 409, "Conflict"),
    (errors.Unavailable, 503, "Service Unavailable"),
)


def oauth_answer(exc: errors.PorticoError) -> dict[str, Any]:
    """`{error, error_description}` with the status and headers that belong to it."""
    if isinstance(exc, OAuthError):
        code, status = exc.error, exc.status
    else:
        code, status = next(
            ((code, status) for kind, code, status in _OAUTH if isinstance(exc, kind)),
            ("server_error", 500),
        )
    headers = _headers(exc)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="portico", charset="UTF-8"'
    body = {"error": code, "error_description": _NOT_ALLOWED.sub("?", str(exc))}
    return answer(status, body, headers)


def contract_answer(exc: errors.PorticoError) -> dict[str, Any]:
    """`{code, message, description, moreInfo, error}`, the `Error` schema of WSO2's contracts."""
    if isinstance(exc, OAuthError):
        status, message = exc.status, "Unauthorized" if exc.status == 401 else "Bad Request"
    else:
        status, message = next(
            ((status, message) for kind, status, message in _CONTRACT if isinstance(exc, kind)),
            (500, "Internal Server Error"),
        )
    headers = _headers(exc)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="portico", charset="UTF-8"'
    problems = exc.problems if isinstance(exc, errors.InvalidInput) else ()
    body = {
        "code": status,
        "message": message,
        "description": str(exc),
        "moreInfo": "",
        "error": [{"code": one.field, "message": one.message} for one in problems],
    }
    return answer(status, body, headers)


class Unexpected(errors.PorticoError):
    """A fault of ours; the log has the rest under the same request id."""

    error = "server_error"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"The request failed; its id is {request_id}")


def _headers(exc: errors.PorticoError) -> dict[str, str]:
    if isinstance(exc, errors.TooManyAttempts):
        return {"Retry-After": str(exc.retry_after)}
    if isinstance(exc, WrongMethod):
        return {"Allow": exc.allowed}
    return {}
