"""Which path and method goes to which endpoint, as a table; modules are loaded when first needed.

Paths are without `/t/{tenant}`. Powertools' resolver takes 100 ms of a start for what a table says.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from functions.token.errors import WrongMethod
from portico.domain.errors import NotFound

if TYPE_CHECKING:
    from functions.token.requests import Request
    from functions.token.wiring import Wiring

    Endpoint = Callable[[Request, Wiring], dict[str, Any]]

REGISTER = "/client-registration/v0.17/register"
_AUTHORIZE = {"GET": "authorize:serve", "POST": "authorize:serve"}
_TOKEN = {"POST": "token:serve"}
_REVOKE = {"POST": "revoke:serve"}
_USERINFO = {"GET": "userinfo:serve", "POST": "userinfo:serve"}
_DEVICE = {"POST": "device_authorize:serve"}
_CONFIGURATION = {"GET": "discovery:serve"}
# Path -> method -> `module:function` below functions.token.endpoints.
ENDPOINTS: Mapping[str, Mapping[str, str]] = {
    "/oauth2/token": _TOKEN,
    "/oauth2/revoke": _REVOKE,
    "/oauth2/introspect": {"POST": "introspect:serve"},
    "/oauth2/jwks": {"GET": "jwks:serve"},
    "/oauth2/userinfo": _USERINFO,
    "/oauth2/device_authorize": _DEVICE,
    "/oauth2/device_authorization": _DEVICE,
    "/oauth2/device": {"GET": "device:enter", "POST": "device:entered"},
    "/oauth2/device/confirm": {"GET": "device:ask", "POST": "device:decide"},
    "/oidc/logout": {"GET": "logout:arrive", "POST": "logout:arrive"},
    "/oauth2/logout": {"GET": "logout:serve", "POST": "logout:confirmed"},
    "/.well-known/openid-configuration": _CONFIGURATION,
    # Where the two specifications look for the metadata of an issuer that ends in /oauth2/token.
    "/oauth2/token/.well-known/openid-configuration": _CONFIGURATION,
    # What WSO2 calls its issuer elsewhere.
    "/oauth2/oidcdiscovery/.well-known/openid-configuration": _CONFIGURATION,
    "/.well-known/oauth-authorization-server": _CONFIGURATION,
    "/.well-known/oauth-authorization-server/oauth2/token": _CONFIGURATION,
    REGISTER: {"POST": "dcr:serve"},
    f"{REGISTER}/*": {"GET": "dcr:show", "PUT": "dcr:update", "DELETE": "dcr:remove"},
    "/oauth2/register": {"POST": "register:create"},
    "/oauth2/register/*": {
        "GET": "register:show",
        "PUT": "register:update",
        "DELETE": "register:remove",
    },
    "/oauth2/authorize": _AUTHORIZE,
    "/oauth2/login": {"GET": "login:show", "POST": "login:serve"},
    "/oauth2/consent": {"GET": "consent:show", "POST": "consent:serve"},
    "/oauth2/sign-up": {"GET": "sign_up:show", "POST": "sign_up:serve"},
    "/oauth2/sign-up/confirm": {"GET": "sign_up:confirm", "POST": "sign_up:confirmed"},
    "/oauth2/reset": {"GET": "reset:show", "POST": "reset:serve"},
    "/oauth2/reset/new": {"GET": "reset:new", "POST": "reset:chosen_new"},
    "/oauth2/password": {"GET": "password:show", "POST": "password:serve"},
    "/oauth2/federated/start": {"GET": "federated:start"},
    "/oauth2/federated/callback": {"GET": "federated:callback"},
    "/oauth2/par": {"POST": "par:serve"},
    "/authorize": _AUTHORIZE,
    # A last segment that the endpoint reads itself.
    "/oauth2/static/*": {"GET": "static:serve"},
}
# WSO2 1.x's addresses -> what took their place: the same behaviour, with headers that say so.
SUCCESSORS: Mapping[str, str] = {
    "/token": "/oauth2/token",
    "/login": "/oauth2/token",
    "/authorize": "/oauth2/authorize",
    "/revoke": "/oauth2/revoke",
    "/userinfo": "/oauth2/userinfo",
}
DEPRECATED_SINCE = 1_735_689_600  # epoch seconds: with the first release, as in WSO2 since 2.0


def resolve(path: str, method: str) -> "Endpoint":
    """The endpoint for a path and method; NotFound or WrongMethod."""
    methods = ENDPOINTS.get(path) or ENDPOINTS.get(path.rpartition("/")[0] + "/*")
    if methods is None:
        raise NotFound("Path", path)
    method = "GET" if method == "HEAD" and "GET" in methods else method
    if method not in methods:
        raise WrongMethod(", ".join(methods))
    return endpoint(methods[method])


def deprecated(path: str, address: str) -> dict[str, str]:
    """The headers for an old path (RFC 9745, and RFC 8288's link to its successor's address)."""
    if path not in SUCCESSORS:
        return {}
    return {
        "Deprecation": f"@{DEPRECATED_SINCE}",
        "Link": f'<{address}{SUCCESSORS[path]}>; rel="successor-version"',
    }


@cache
def endpoint(name: str) -> "Endpoint":
    """The function behind `module:function`."""
    module, _, function = name.partition(":")
    found: Endpoint = getattr(import_module(f"functions.token.endpoints.{module}"), function)
    return found
