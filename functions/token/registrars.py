"""Who may register clients: users whose roles allow it, by name and password or by an access token
for it.
"""

from functions.token.endpoints.credentials import basic
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.errors import Forbidden, NotFound, Unauthenticated
from portico.domain.scopes import scopes_of_roles
from portico.domain.tenant import split_user
from portico.domain.user import Caller, User

SCOPE = "apim:dcr:app_manage"
CHALLENGE = f'Basic realm="portico", charset="UTF-8", Bearer realm="portico", scope="{SCOPE}"'


def registrar(request: Request, wiring: Wiring) -> Caller:
    """The user who sent the request.

    Unauthenticated when it proves nobody, Forbidden for users whose roles or token do not allow
    registrations.
    """
    header = request.headers.get("authorization", "").strip()
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        user, scopes = _by_token(token.strip(), request, wiring)
    else:
        user, scopes = _by_password(header, request, wiring), {SCOPE}
    if SCOPE not in scopes & scopes_of_roles(user.roles):
        raise Forbidden(f"Registering clients needs the scope {SCOPE}")
    return Caller(user.tenant, user.name, user.roles, frozenset({SCOPE}))


def _by_password(header: str, request: Request, wiring: Wiring) -> User:
    found = basic(header)
    if found is None:
        raise Unauthenticated("HTTP Basic with a user name and a password is needed")
    tenant, name = wiring.accounts.resolve(found[0], request.tenant)
    return wiring.accounts.authenticate(tenant, name, found[1], request.address)


def _by_token(token: str, request: Request, wiring: Wiring) -> tuple[User, set[str]]:
    """The user of an access token, or the owner of the client that it stands for."""
    claims = wiring.revoking.claims(token, request.tenant) or {}
    name, tenant = str(claims.get("owner", "")), str(claims.get("tenant", ""))
    if claims.get("aut") == "APPLICATION_USER":
        name, tenant = split_user(str(claims["sub"]))
    try:
        user = wiring.accounts.get(tenant, name)
    except NotFound:
        raise Unauthenticated("The access token does not hold") from None
    if not user.active or not user.existed(int(claims.get("iat", 0))):
        raise Unauthenticated("The access token does not hold")
    return user, set(str(claims.get("scope", "")).split())
