"""`/users/{name}/revoke-tokens`: ending all tokens of a user. An operation of our own beside the
contract's (docs/security.md); users themselves are SCIM's business.
"""

from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, caller, operations, wired

router = Router()
operation = operations(router, contract("admin"))


@operation("POST", "/users/{name}/revoke-tokens", ("apim:admin",))
def revoke_tokens(name: str) -> Response[str]:
    wired(router, Wiring).ending.end_user(caller(router), unquote(name))
    return answer({"name": unquote(name).lower()})
