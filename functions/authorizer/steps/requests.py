"""What is wrong with a request whatever API it is for."""

from functions.authorizer.calls import Call, Refused
from portico.domain.errors import InvalidInput
from portico.domain.paths import canonical

ASSERTION = "x-jwt-assertion"


def read_path(call: Call) -> None:
    """A path with more than one reading is refused before anything is matched."""
    try:
        canonical(call.path)
    except InvalidInput as exc:
        raise Refused("400") from exc


def check_headers(call: Call) -> None:
    """No header that a back end could take for ours: CGI and WSGI read `_` and `-` alike.

    The header under its own name is harmless: whoever delivers the call replaces it.
    """
    for name in call.headers:
        if "_" in name and name.replace("_", "-") == ASSERTION:
            raise Refused("400")
