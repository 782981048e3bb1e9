"""Domain errors as HTTP answers, in one table, with the error body of WSO2's REST contracts."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import Response

from portico.domain import errors
from portico.tokens.jwt import ExpiredToken, InvalidToken

# The first class that fits decides: status, message. The code of the body is 900 900 + status where
# WSO2 has none of its own.
TABLE: tuple[tuple[type[errors.PorticoError], int, str], ...] = (
    (errors.InvalidInput, 400, "Bad Request"),
    (errors.MissingScope, 401, "Unauthorized"),
    (errors.Unauthenticated, 401, "Unauthorized"),
    (errors.Forbidden, 403, "Forbidden"),
    (errors.NotFound, 404, "Not Found"),
    (errors.AlreadyExists, 409, "The resource already exists"),
    (errors.InUse, 409, "The resource is in use"),
    (errors.LimitReached, 400, "Limit reached"),
    (errors.TransitionRefused, 400, "The life cycle does not allow this"),
    (errors.Conflict, 409, "Conflict"),
    (errors.Stale, 412, "Precondition Failed"),
    (errors.TooLarge, 413, "Payload Too Large"),
    (errors.TooManyAttempts, 429, "Too Many Requests"),
    (errors.NotImplementedHere, 501, "Not Implemented"),
    (errors.Unavailable, 503, "Service Unavailable"),
)
# Codes of WSO2's, and of RFC 6750 section 3.1; a request without a credential has no error.
CODES: tuple[tuple[type[errors.PorticoError], int, str], ...] = (
    (errors.MissingScope, 900910, "insufficient_scope"),
    (ExpiredToken, 900903, "invalid_token"),
    (InvalidToken, 900901, "invalid_token"),
    (errors.Unauthenticated, 900901, ""),
)


def status_of(error: errors.PorticoError) -> tuple[int, str]:
    """The HTTP status and the short message of a domain error."""
    for kind, status, message in TABLE:
        if isinstance(error, kind):
            return status, message
    return 500, "Internal Server Error"


def error_body(
    code: int, message: str, description: str, problems: tuple[errors.Problem, ...] = ()
) -> dict[str, Any]:
    """The `Error` schema of the contracts: code, message, description, moreInfo, error[{code,
    message}].
    """
    return {
        "code": code,
        "message": message,
        "description": description,
        "moreInfo": "",
        "error": [{"code": problem.field, "message": problem.message} for problem in problems],
    }


def answer_error(error: errors.PorticoError) -> Response[str]:
    """The HTTP answer to a domain error."""
    status, message = status_of(error)
    code, challenge = next(
        ((code, name) for kind, code, name in CODES if isinstance(error, kind)), (status, "")
    )
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="portico"' + (
            f', error="{challenge}"' if challenge else ""
        )
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    problems = error.problems if isinstance(error, errors.InvalidInput) else ()
    return plain_error(status, error_body(code, message, str(error), problems), headers)


def plain_error(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> Response[str]:
    """An answer with a ready error body."""
    return Response(
        status, content_type="application/json", body=json.dumps(body), headers=headers or {}
    )
