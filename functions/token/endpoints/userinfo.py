"""The userinfo endpoint (OpenID Connect Core section 5.3): claims of the user of an access token.

The token comes as a bearer token (RFC 6750), whose errors are answered here.
"""

from typing import Any

from functions.token.answers import answer
from functions.token.requests import FORM, Request
from functions.token.wiring import Wiring
from portico.domain.claims import OPENID, USERINFO, names_of, oidc_claims
from portico.domain.errors import PorticoError
from portico.domain.tenant import SUPER_TENANT, split_user
from portico.domain.user import User

SCHEMA = "openid"  # what WSO2's clients may ask for with `?schema=`


class _Refused(PorticoError):
    """RFC 6750 section 3.1; without a code when no token came."""

    def __init__(self, status: int, code: str = "", description: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.code = code


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """`sub` and those claims that the token's scopes and the `claims` parameter asked for."""
    try:
        return answer(200, _told(request, wiring))
    except _Refused as exc:
        return _refusal(exc)


def _told(request: Request, wiring: Wiring) -> dict[str, Any]:
    query = request.query()
    if "access_token" in query:
        # Addresses are logged and passed on (RFC 9700 section 4.3.2).
        raise _Refused(400, "invalid_request", "The token may not be in the address")
    if query.get("schema", SCHEMA) != SCHEMA:
        raise _Refused(400, "invalid_request", "Only the schema openid is known")
    claims = wiring.revoking.claims(_token(request), request.tenant)
    if claims is None or request.tenant not in (SUPER_TENANT, claims.get("tenant")):
        raise _Refused(401, "invalid_token", "The token is not valid, has expired or was revoked")
    scopes = str(claims.get("scope", "")).split()
    if OPENID not in scopes:
        raise _Refused(403, "insufficient_scope", "The token was not issued for the scope openid")
    name, tenant = split_user(str(claims["sub"]))
    user = wiring.records.get(User, tenant=tenant, name=name)
    if user is None:
        raise _Refused(401, "invalid_token", "The user of the token is no longer there")
    asked = claims.get(USERINFO)
    names = (*names_of(scopes), *(asked if isinstance(asked, list) else ()))
    return {**oidc_claims(user, names), "sub": claims["sub"]}


def _token(request: Request) -> str:
    """The one bearer token of the request, in its header or form (RFC 6750 section 2)."""
    scheme, _, given = request.headers.get("authorization", "").strip().partition(" ")
    found = [given.strip()] if scheme.lower() == "bearer" else []
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and kind == FORM:
        found += [one for one in [request.parameters().get("access_token")] if one]
    if len(found) > 1:
        raise _Refused(400, "invalid_request", "The token comes in two ways at once")
    if not found:
        raise _Refused(401)
    return found[0]


def _refusal(exc: _Refused) -> dict[str, Any]:
    challenge = 'Bearer realm="portico"'
    if not exc.code:
        return answer(exc.status, None, {"WWW-Authenticate": challenge})
    challenge += f', error="{exc.code}", error_description="{exc}"'
    if exc.status == 403:
        challenge += f', scope="{OPENID}"'
    body = {"error": exc.code, "error_description": str(exc)}
    return answer(exc.status, body, {"WWW-Authenticate": challenge})
