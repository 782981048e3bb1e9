"""The SCIM side of the admin function: routes, errors, and 501 for what SCIM has and we do not."""

import logging
import re

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from scim2_models import SCIMException

from functions.admin.scim import discovery, groups, users
from functions.admin.scim.errors import answer_error, answer_schema_error, error_answer
from portico.domain.errors import NotFound, NotImplementedHere, PorticoError

log = logging.getLogger(__name__)
BASE = "/scim2"
# What RFC 7644 section 3.2 defines beyond the routes here.
KNOWN = re.compile(r"/Me|/Bulk|/\.search|/Roles(/[^/]+)?")


def scim_app() -> LambdaFunctionUrlResolver:
    """A resolver for paths below `/scim2`."""
    app = LambdaFunctionUrlResolver()
    app.include_router(users.router)
    app.include_router(groups.router)
    app.include_router(discovery.router)
    app.exception_handler(PorticoError)(answer_error)
    app.exception_handler(SCIMException)(answer_schema_error)

    def unexpected(_: Exception) -> Response[str]:
        request_id = app.lambda_context.aws_request_id
        log.exception("unexpected error", extra={"request_id": request_id})
        return error_answer(500, f"The request failed; its id is {request_id}")

    def missing(_: NotFoundError) -> Response[str]:
        method, path = app.current_event.http_method, app.current_event.path
        if KNOWN.fullmatch(path.removeprefix(BASE)):
            return answer_error(NotImplementedHere(f"{method} {path}"))
        return answer_error(NotFound("Path", f"{method} {path}"))

    # Called, not used as decorators: Powertools leaves the type of this one out.
    app.exception_handler(Exception)(unexpected)
    app.not_found(missing)
    return app
