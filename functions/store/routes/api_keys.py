"""API keys of the caller's applications."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.api_keys import (
    NewApiKeyBody,
    RenewApiKeyBody,
    RevokeApiKeyBody,
    api_key_body,
    api_key_entry,
)
from functions.store.bodies.keys import key_type as _type
from functions.store.routes.asked import member
from functions.store.routes.keys import NO_STORE
from functions.store.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, body, operations, wired

BASE = "/applications/{applicationId}/api-keys/{keyType}"
router = Router()
operation = operations(router, contract("devportal"))


@operation("GET", BASE)
def find(application_id: str, key_type: str) -> Response[str]:
    found = wired(router, Wiring).api_keys.all(member(router), application_id, _type(key_type))
    return answer({"count": len(found), "list": [api_key_entry(one) for one in found]})


@operation("POST", f"{BASE}/generate")
def generate(application_id: str, key_type: str) -> Response[str]:
    # The contract lets the body be left out: a key for ever and from anywhere.
    wish = (body(router, NewApiKeyBody) if router.current_event.body else NewApiKeyBody()).wish()
    made, text = wired(router, Wiring).api_keys.generate(
        member(router), application_id, _type(key_type), wish
    )
    return answer(api_key_body(made, text), headers=NO_STORE)


@operation("POST", f"{BASE}/regenerate")
def regenerate(application_id: str, key_type: str) -> Response[str]:
    named = body(router, RenewApiKeyBody).key_id
    made, text = wired(router, Wiring).api_keys.regenerate(
        member(router), application_id, _type(key_type), named
    )
    return answer(api_key_body(made, text), headers=NO_STORE)


@operation("POST", f"{BASE}/revoke")
def revoke(application_id: str, key_type: str) -> Response[str]:
    text, key_id = body(router, RevokeApiKeyBody).named()
    wired(router, Wiring).api_keys.revoke(
        member(router), application_id, _type(key_type), text=text, key_id=key_id
    )
    return answer(None, 200)
