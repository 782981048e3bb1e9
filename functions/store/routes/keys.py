"""Keys of the caller's applications, by mapping id (`oauth-keys`) and by key type (`keys`, the
older form).
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.keys import (
    GenerateBody,
    KeyBody,
    TokenBody,
    key_body,
    secret_body,
    token_body,
)
from functions.store.bodies.keys import (
    key_type as _type,
)
from functions.store.bodies.secrets import NewSecretBody, RevokeSecretBody, secret_entry
from functions.store.routes.asked import member
from functions.store.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, body, operations, wired

NO_STORE = {
    "Cache-Control": "no-store"
}  # for answers with a secret or a token (RFC 6749 section 5.1)
BY_ID = "/applications/{applicationId}/oauth-keys/{keyMappingId}"
BY_TYPE = "/applications/{applicationId}/keys/{keyType}"
router = Router()
devportal = contract("devportal")
operation = operations(router, devportal)


@operation("POST", "/applications/{applicationId}/generate-keys")
def generate(application_id: str) -> Response[str]:
    wanted = body(router, GenerateBody)
    made = wired(router, Wiring).keys.generate(
        member(router), application_id, wanted.key_type, wanted.settings()
    )
    return answer(key_body(made), headers=NO_STORE)


@operation("GET", "/applications/{applicationId}/oauth-keys")
@operation("GET", "/applications/{applicationId}/keys")
def find(application_id: str) -> Response[str]:
    found = wired(router, Wiring).keys.all(member(router), application_id)
    return answer({"count": len(found), "list": [key_body(key) for key in found]})


@operation("GET", BY_ID)
def show(application_id: str, key_mapping_id: str) -> Response[str]:
    return _show(application_id, key_mapping_id)


@operation("GET", BY_TYPE)
def show_type(application_id: str, key_type: str) -> Response[str]:
    return _show(application_id, _type(key_type))


@operation("PUT", BY_ID)
def update(application_id: str, key_mapping_id: str) -> Response[str]:
    return _update(application_id, key_mapping_id)


@operation("PUT", BY_TYPE)
def update_type(application_id: str, key_type: str) -> Response[str]:
    return _update(application_id, _type(key_type))


@operation("POST", f"{BY_ID}/regenerate-secret")
def regenerate(application_id: str, key_mapping_id: str) -> Response[str]:
    return _regenerate(application_id, key_mapping_id)


@operation("POST", f"{BY_TYPE}/regenerate-secret")
def regenerate_type(application_id: str, key_type: str) -> Response[str]:
    return _regenerate(application_id, _type(key_type))


@operation("POST", f"{BY_ID}/generate-secret")
def add_secret(application_id: str, key_mapping_id: str) -> Response[str]:
    seconds, description = body(router, NewSecretBody).wish()
    made = wired(router, Wiring).keys.add_secret(
        member(router), application_id, key_mapping_id, seconds, description
    )
    keys = f"{devportal.base}/applications/{application_id}/oauth-keys/{made.mapping.id}"
    told = secret_entry(made.live[-1], made.secret)
    return answer(told, 201, headers={**NO_STORE, "Location": f"{keys}/secrets"})


@operation("GET", f"{BY_ID}/secrets")
def secrets(application_id: str, key_mapping_id: str) -> Response[str]:
    live = wired(router, Wiring).keys.show(member(router), application_id, key_mapping_id).live
    return answer({"count": len(live), "list": [secret_entry(one) for one in live]})


@operation("POST", f"{BY_ID}/revoke-secret")
def revoke_secret(application_id: str, key_mapping_id: str) -> Response[str]:
    named = body(router, RevokeSecretBody).secret_id
    wired(router, Wiring).keys.revoke_secret(member(router), application_id, key_mapping_id, named)
    return answer(None, 204)


@operation("DELETE", BY_ID)
@operation("POST", f"{BY_ID}/clean-up")
def remove(application_id: str, key_mapping_id: str) -> Response[str]:
    return _remove(application_id, key_mapping_id)


@operation("POST", f"{BY_TYPE}/clean-up")
def remove_type(application_id: str, key_type: str) -> Response[str]:
    return _remove(application_id, _type(key_type))


@operation("POST", f"{BY_ID}/generate-token")
def token(application_id: str, key_mapping_id: str) -> Response[str]:
    return _token(application_id, key_mapping_id)


@operation("POST", f"{BY_TYPE}/generate-token")
def token_type(application_id: str, key_type: str) -> Response[str]:
    return _token(application_id, _type(key_type))


def _show(application_id: str, key: str) -> Response[str]:
    return answer(key_body(wired(router, Wiring).keys.show(member(router), application_id, key)))


def _update(application_id: str, key: str) -> Response[str]:
    wanted = body(router, KeyBody).settings()
    keys = wired(router, Wiring).keys
    return answer(key_body(keys.change(member(router), application_id, key, wanted)))


def _regenerate(application_id: str, key: str) -> Response[str]:
    made = wired(router, Wiring).keys.regenerate_secret(member(router), application_id, key)
    return answer(secret_body(made), headers=NO_STORE)


def _remove(application_id: str, key: str) -> Response[str]:
    wired(router, Wiring).keys.remove(member(router), application_id, key)
    return answer()


def _token(application_id: str, key: str) -> Response[str]:
    wanted = body(router, TokenBody)
    made = wired(router, Wiring).keys.token(
        member(router),
        application_id,
        key,
        wanted.consumer_secret or "",
        wanted.scopes or (),
        wanted.validity_period,
        wanted.revoke_token or "",
    )
    return answer(token_body(made), headers=NO_STORE)
