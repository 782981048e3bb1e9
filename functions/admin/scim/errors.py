"""Domain errors as SCIM's answers (RFC 7644 section 3.12)."""

import json

from aws_lambda_powertools.event_handler import Response

from functions.admin.scim.filters import InvalidFilter
from portico.domain import errors
from portico.web.errors import status_of

CONTENT_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def answer_error(error: errors.PorticoError) -> Response[str]:
    """The answer to a domain error, with the `scimType` that fits it."""
    status, _ = status_of(error)
    headers = {}
    if isinstance(error, errors.MissingScope):
        status = 403  # SCIM has a word for it, unlike WSO2's REST APIs
    elif status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="portico", Basic realm="portico"'
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    return error_answer(status, _detail(error), _scim_type(error), headers)


def error_answer(
    status: int, detail: str, scim_type: str = "", headers: dict[str, str] | None = None
) -> Response[str]:
    """The schema Error; its status is text."""
    body = {"schemas": [ERROR], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return Response(status, content_type=CONTENT_TYPE, body=json.dumps(body), headers=headers or {})


def _detail(error: errors.PorticoError) -> str:
    problems = error.problems if isinstance(error, errors.InvalidInput) else ()
    return "; ".join(f"{problem.field}: {problem.message}" for problem in problems) or str(error)


def _scim_type(error: errors.PorticoError) -> str:
    match error:
        case InvalidFilter():
            return "invalidFilter"
        case errors.InvalidInput() if any(one.field == "body" for one in error.problems):
            return "invalidSyntax"
        case errors.InvalidInput():
            return "invalidValue"
        case errors.AlreadyExists():
            return "uniqueness"
        case _:
            return ""
