"""`/tenant-config`: what an administrator sets for the whole tenant, as one JSON object."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.backend_jwt import (
    BackendJwtBody,
    BackendJwtMember,
    backend_jwt_body,
    backend_jwt_rules,
)
from functions.admin.bodies.token_rules import ConfigBody, TokensBody, draft_of, tokens_body
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.services.tenant_config import (
    API_KEY_HEADER,
    AUTHORIZATION_HEADER,
    DEFAULTS,
    DEPRECATE_OLD_VERSIONS,
    THROTTLING_FAILS_CLOSED,
    Config,
)
from portico.web.contract import contract
from portico.web.rest import (
    answer,
    caller,
    if_match,
    json_of,
    operations,
    parse,
    raw_body,
    wired,
)

router = Router()
operation = operations(router, contract("admin"))
TOKENS = "Tokens"
BACKEND_JWT = "BackendJwt"
HEADERS = {AUTHORIZATION_HEADER: "access tokens", API_KEY_HEADER: "API keys"}


@operation("GET", "/tenant-config")
def show() -> Response[str]:
    config = wired(router, Wiring).whole_config.show(caller(router).tenant)
    return answer(_body(config), etag=config.stamp)


@operation("PUT", "/tenant-config")
def change() -> Response[str]:
    """Settings that are left out have their defaults again; `Tokens` and `BackendJwt` left out stay
    as they are.
    """
    values = json_of(raw_body(router))
    if not isinstance(values, dict):
        raise InvalidInput.of("body", "must be a JSON object")
    who, draft, backend = caller(router), None, None
    if TOKENS in values:
        # As a member, so that problems name the whole path of a field.
        body = parse(ConfigBody, {TOKENS: values[TOKENS]})
        draft = draft_of(body.Tokens, who.tenant)
    if BACKEND_JWT in values:
        member = parse(BackendJwtMember, {BACKEND_JWT: values[BACKEND_JWT]})
        backend = backend_jwt_rules(member.BackendJwt, who.tenant)
    rest = {name: value for name, value in values.items() if name not in (TOKENS, BACKEND_JWT)}
    whole = wired(router, Wiring).whole_config
    config = whole.change(who, rest, draft, if_match(router), backend)
    return answer(_body(config), etag=config.stamp)


@operation("GET", "/tenant-config-schema")
def schema() -> Response[str]:
    tokens = TokensBody.model_json_schema(by_alias=True)
    backend = BackendJwtBody.model_json_schema(by_alias=True)
    return answer(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                DEPRECATE_OLD_VERSIONS: {
                    "type": "boolean",
                    "default": DEFAULTS[DEPRECATE_OLD_VERSIONS],
                    "description": "Whether publishing a version deprecates the older ones unless "
                    "its publisher unticks the box",
                },
                THROTTLING_FAILS_CLOSED: {
                    "type": "boolean",
                    "default": DEFAULTS[THROTTLING_FAILS_CLOSED],
                    "description": "Whether calls that have a limit are refused while they cannot "
                    "be counted; else they pass",
                },
                **{
                    name: {
                        "type": "string",
                        "default": DEFAULTS[name],
                        "description": f"The header of {what}, for APIs that name none of their "
                        "own, from their next deployment on",
                    }
                    for name, what in HEADERS.items()
                },
                TOKENS: {name: part for name, part in tokens.items() if name != "$defs"},
                BACKEND_JWT: {name: part for name, part in backend.items() if name != "$defs"},
            },
            "$defs": {**tokens["$defs"], **backend["$defs"]},
        }
    )


def _body(config: Config) -> dict[str, Any]:
    return {
        **config.settings,
        TOKENS: tokens_body(config.rules),
        BACKEND_JWT: backend_jwt_body(config.backend_jwt),
    }
