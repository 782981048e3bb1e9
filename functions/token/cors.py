"""What scripts of any origin may ask: the endpoints that applications in a browser call themselves.

Never our pages: the authorization endpoint must not support it (RFC 9700 section 2.6). None of
these endpoints reads a cookie, so `*` gives a script nothing that its own server could not have.
"""

from collections.abc import Mapping
from typing import Any

from functions.token.paths import ENDPOINTS

PATHS = frozenset(
    {
        "/oauth2/token",
        "/oauth2/revoke",
        "/oauth2/userinfo",
        "/oauth2/jwks",
        "/oauth2/par",
        "/oauth2/device_authorize",
        "/oauth2/device_authorization",
        *(path for path in ENDPOINTS if "/.well-known/" in path),
    }
)
# Headers of answers that scripts may read: `WWW-Authenticate`, claims, those of extensions.
_OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
MAX_AGE = 7200  # seconds that a browser remembers a preflight: the most that Chromium does


def preflight(path: str, method: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
    """The answer to a browser that asks beforehand (Fetch Standard, CORS-preflight fetch); None
    for what is not one. `headers` are in lower case.
    """
    if method != "OPTIONS" or path not in PATHS or "access-control-request-method" not in headers:
        return None
    allowed = {
        # `*` would not let Authorization through.
        "Access-Control-Allow-Headers": "authorization, content-type",
        "Access-Control-Allow-Methods": ", ".join(ENDPOINTS[path]),
        "Access-Control-Max-Age": str(MAX_AGE),
    }
    return {"statusCode": 204, "headers": {**_OPEN, **allowed}, "body": ""}


def opened(path: str, answered: dict[str, Any]) -> dict[str, Any]:
    """The answer as scripts of any origin may read it. Always so, not only for those who name their
    origin: a browser may have kept it from another request.
    """
    if path not in PATHS:
        return answered
    return {**answered, "headers": {**answered["headers"], **_OPEN}}
