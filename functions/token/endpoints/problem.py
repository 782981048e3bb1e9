"""What goes wrong on a page is told on a page, never by a redirect; and for whom."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from functions.token.errors import OAuthError, WrongMethod
from functions.token.pages import page
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain import errors
from portico.services.asking import Untrusted

Endpoint = Callable[[Request, Wiring], dict[str, Any]]

_AGAIN = "Go back to the application that sent you here, and start again."
_OWNER = "Nobody was sent anywhere. Tell this to whoever runs the application that sent you here."
# Domain errors: status, heading, text (None: the error's own), advice. The first that fits decides.
_PAGES: tuple[tuple[type[errors.PorticoError], int, str, str | None, str], ...] = (
    (Untrusted, 400, "This request cannot be answered", None, _OWNER),
    (OAuthError, 400, "This request cannot be answered", None, _OWNER),
    (
        errors.TooManyAttempts,
        429,
        "Wait a moment",
        "There were too many failed attempts.",
        "Try again in some minutes.",
    ),
    (errors.TooLarge, 413, "This request is too large", None, _AGAIN),
    (errors.InvalidInput, 400, "This request cannot be answered", None, _AGAIN),
    (
        errors.NotFound,
        400,
        "This page is over",
        "It was used already, took too long, or began in another browser.",
        _AGAIN,
    ),
    (errors.Forbidden, 403, "This is not allowed", None, _AGAIN),
    (errors.Unauthenticated, 403, "This is not allowed", None, _AGAIN),
    (errors.Conflict, 409, "This was done twice at once", "Only one of the two counts.", _AGAIN),
    (
        errors.Unavailable,
        503,
        "This does not work at the moment",
        "Something that is needed did not answer.",
        "Try again in some minutes.",
    ),
)


def problem(exc: errors.PorticoError) -> dict[str, Any]:
    """The page for an error of ours."""
    found = next((row[1:] for row in _PAGES if isinstance(exc, row[0])), None)
    if found is None:
        raise exc
    status, heading, text, advice = found
    answered = page(
        "problem.html", status, heading=heading, problem=text or str(exc), advice=advice
    )
    if isinstance(exc, errors.TooManyAttempts):
        answered["headers"]["Retry-After"] = str(exc.retry_after)
    return answered


def paged(serve: Endpoint) -> Endpoint:
    """The endpoint with pages for its errors; what it does not know is the function's to answer."""

    @wraps(serve)
    def wrapped(request: Request, wiring: Wiring) -> dict[str, Any]:
        try:
            return serve(request, wiring)
        except WrongMethod:
            raise
        except errors.PorticoError as exc:
            return problem(exc)

    return wrapped
