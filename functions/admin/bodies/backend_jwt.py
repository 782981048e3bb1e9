"""The member `BackendJwt` of the tenant configuration; WSO2 has these settings in server files."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from functions.admin.bodies.token_rules import Body, Text
from portico.domain.backend_jwt import BackendJwtRules

_RULES = BackendJwtRules(tenant="")


class GatewayExtensionBody(Body):
    """The gateway extension: a class of the plug-in layer, or a function's name or ARN.

    With `everyCall` it is a step of the pipeline; otherwise it is asked once for an assertion.
    """

    name: Text = ""
    every_call: bool = False
    seconds: float = _RULES.extension_seconds
    fail_open: bool = False


class BackendJwtBody(Body):
    """A tenant's rules about backend JWTs; what is left out has its default."""

    dialect: Text = _RULES.dialect
    user_claims: Annotated[list[Text], Field(max_length=100)] = []
    algorithm: Text = _RULES.algorithm
    encoding: Text = _RULES.encoding
    compatibility: Text = _RULES.compatibility
    extension: GatewayExtensionBody = GatewayExtensionBody()


class BackendJwtMember(BaseModel):
    """The part of the tenant configuration that is about backend JWTs."""

    model_config = ConfigDict(extra="ignore", strict=True)

    BackendJwt: BackendJwtBody


def backend_jwt_rules(body: BackendJwtBody, tenant: str) -> BackendJwtRules:
    """The rules that are asked for."""
    return BackendJwtRules(
        tenant=tenant,
        dialect=body.dialect,
        claims=tuple(body.user_claims),
        algorithm=body.algorithm,
        encoding=body.encoding,
        compatibility=body.compatibility,
        extension=body.extension.name.strip(),
        extension_every_call=body.extension.every_call,
        extension_seconds=body.extension.seconds,
        extension_open=body.extension.fail_open,
    )


def backend_jwt_body(rules: BackendJwtRules) -> dict[str, Any]:
    """The rules as JSON; sent back, they change nothing."""
    body = BackendJwtBody(
        dialect=rules.dialect,
        user_claims=list(rules.claims),
        algorithm=rules.algorithm,
        encoding=rules.encoding,
        compatibility=rules.compatibility,
        extension=GatewayExtensionBody(
            name=rules.extension,
            every_call=rules.extension_every_call,
            seconds=rules.extension_seconds,
            fail_open=rules.extension_open,
        ),
    )
    return body.model_dump(by_alias=True)
