"""One module a grant type, each with `issue(grant, wiring)`; loaded when first asked for."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.token.wiring import GrantRequest, Wiring
    from portico.services.issuing import Issued

    Issue = Callable[[GrantRequest, Wiring], Issued]

# Grant type -> module.
GRANTS: Mapping[str, str] = {
    "authorization_code": "authorization_code",
    "client_credentials": "client_credentials",
    "password": "password",
    "refresh_token": "refresh_token",
}


@cache
def grant(name: str) -> "Issue":
    """What issues tokens for a grant type of `GRANTS`."""
    found: Issue = import_module(f"functions.token.grants.{GRANTS[name]}").issue
    return found
