"""`/settings` and `/system-scopes`: what clients of the Admin REST API ask before they begin."""

import base64
import binascii

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.settings import scope_body, settings_body
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput, NotFound
from portico.domain.scopes import REST_SCOPES, rest_scopes
from portico.web.contract import contract
from portico.web.rest import answer, caller, operations, query, wired

router = Router()
operation = operations(router, contract("admin"))


@operation("GET", "/settings")
def show_settings() -> Response[str]:
    return answer(settings_body())


@operation("GET", "/system-scopes")
def show_scopes() -> Response[str]:
    scopes = [scope_body(name) for name in sorted(REST_SCOPES)]
    return answer({"count": len(scopes), "list": scopes})


@operation("GET", "/system-scopes/{scopeName}")
def show_scope(scope_name: str) -> Response[str]:
    """Whether a user may have a scope: 200 with its name, or 404."""
    name = _decoded(scope_name)
    user = query(router, "username")
    if name not in REST_SCOPES:
        raise NotFound("Scope", name)
    if user:
        accounts = wired(router, Wiring).accounts
        home = caller(router).tenant
        tenant, short = accounts.resolve(user, home)
        if tenant != home:
            raise NotFound("User", user)
        if not rest_scopes([name], accounts.get(tenant, short).roles):
            raise NotFound("Scope", name)
    return answer({"name": name})


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput.of("scopeName", "is the base64 URL encoded name of a scope") from exc
