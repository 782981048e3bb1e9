"""One module a grant type, each with `issue(grant, wiring)`; loaded when first asked for.

A module may have `foresee(parameters, tenant)`, the records it will need besides the client and the
tenant's rules, so that all are read in one request.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.token.wiring import GrantRequest, Wiring
    from portico.domain.records import Wanted
    from portico.services.issuing import Issued

    Issue = Callable[[GrantRequest, Wiring], Issued]

# Grant type -> module.
GRANTS: Mapping[str, str] = {
    "authorization_code": "authorization_code",
    "client_credentials": "client_credentials",
    "password": "password",
    "refresh_token": "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code": "device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "jwt_bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer": "saml2_bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange": "token_exchange",
}
# Grant types that WSO2's users may ask for, and why there is none here.
UNSUPPORTED: Mapping[str, str] = {
    "iwa:ntlm": "The grant iwa:ntlm is not supported: it needs a Windows domain controller that "
    "the server can reach. Use authorization_code with the company's own OpenID provider instead",
}


@cache
def grant(name: str) -> "Issue":
    """What issues tokens for a grant type of `GRANTS`."""
    found: Issue = _module(name).issue
    return found


def grant_of_operator() -> "Issue":
    """What issues tokens for the grant types of a tenant's `TokenRules.plugins`."""
    from functions.token.plugins import issue

    return issue


def foreseen(parameters: Mapping[str, str], tenant: str) -> "Sequence[Wanted]":
    """What the request's grant will read, as far as the parameters tell it; unchecked."""
    name = parameters.get("grant_type", "")
    foresee = getattr(_module(name), "foresee", None) if name in GRANTS else None
    return foresee(parameters, tenant) if foresee else ()


def _module(name: str) -> ModuleType:
    return import_module(f"functions.token.grants.{GRANTS[name]}")
