"""Domain errors, and those of the SCIM schemas, as SCIM's answers (RFC 7644 section 3.12)."""

import json

from aws_lambda_powertools.event_handler import Response
from pydantic import ValidationError
from scim2_models import Error, SCIMException

from portico.domain import errors
from portico.web.errors import status_of

CONTENT_TYPE = "application/scim+json"
ERROR = str(Error.__schema__)


class ScimRefusal(errors.InvalidInput):
    """A request that SCIM has a keyword for."""

    def __init__(self, text: str, scim_type: str, status: int = 400) -> None:
        super().__init__(text)
        self.scim_type = scim_type
        self.status = status


class Invalid(ScimRefusal):
    """A payload or filter that does not fit its schema; the first of what is wrong is told."""

    def __init__(self, found: ValidationError) -> None:
        first = Error.from_validation_errors(found)[0]
        kind = "invalidValue" if first.scim_type == "invalidSyntax" else first.scim_type
        super().__init__(str(first.detail), kind or "invalidValue", first.status or 400)


class Precondition(ScimRefusal):
    """The resource has changed since the client read it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "", 412)


def invalid_filter(text: str) -> ScimRefusal:
    """A filter that cannot be read."""
    return ScimRefusal(text, "invalidFilter")


def immutable(attribute: str, text: str) -> ScimRefusal:
    """An attempt to change what never changes."""
    return ScimRefusal(f"{attribute}: {text}", "mutability")


def answer_error(error: errors.PorticoError) -> Response[str]:
    """The answer to a domain error, with the `scimType` that fits it."""
    if isinstance(error, ScimRefusal):
        return error_answer(error.status, str(error), error.scim_type)
    status, _ = status_of(error)
    headers = {}
    if isinstance(error, errors.MissingScope):
        status = 403  # SCIM has a word for it, unlike WSO2's REST APIs
    elif status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="portico", Basic realm="portico"'
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    return error_answer(status, _detail(error), _scim_type(error), headers)


def answer_schema_error(error: SCIMException) -> Response[str]:
    """What the schemas' own operations refuse, such as a patch without a target."""
    return error_answer(error.status, error.detail, error.scim_type)


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
        case errors.InvalidInput() if any(one.field == "body" for one in error.problems):
            return "invalidSyntax"
        case errors.InvalidInput():
            return "invalidValue"
        case errors.AlreadyExists():
            return "uniqueness"
        case _:
            return ""
