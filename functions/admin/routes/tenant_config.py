"""`/tenant-config`: what an administrator sets for the whole tenant, as one JSON object."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.services.tenant_config import DEFAULTS, DEPRECATE_OLD_VERSIONS
from portico.web.contract import contract
from portico.web.rest import answer, caller, json_of, operations, raw_body, wired

router = Router()
operation = operations(router, contract("admin"))
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        DEPRECATE_OLD_VERSIONS: {
            "type": "boolean",
            "default": DEFAULTS[DEPRECATE_OLD_VERSIONS],
            "description": "Whether publishing a version deprecates the older ones unless its "
            "publisher unticks the box",
        }
    },
}


@operation("GET", "/tenant-config")
def show() -> Response[str]:
    return answer(wired(router, Wiring).config.show(caller(router).tenant))


@operation("PUT", "/tenant-config")
def change() -> Response[str]:
    values = json_of(raw_body(router))
    if not isinstance(values, dict):
        raise InvalidInput.of("body", "must be a JSON object")
    return answer(wired(router, Wiring).config.change(caller(router), values))


@operation("GET", "/tenant-config-schema")
def schema() -> Response[str]:
    return answer(SCHEMA)
