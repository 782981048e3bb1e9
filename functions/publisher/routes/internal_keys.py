"""Internal keys: to try an API out at the gateway before it is published."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, caller, operations, wired

NO_STORE = {"Cache-Control": "no-store"}  # for answers with a secret (RFC 6749 section 5.1)
router = Router()
operation = operations(router, contract("publisher"))


@operation("POST", "/apis/{apiId}/generate-key")
def generate(api_id: str) -> Response[str]:
    text, seconds = wired(router, Wiring).internal_keys.generate(caller(router), api_id)
    return answer({"apikey": text, "validityTime": seconds}, headers=NO_STORE)
