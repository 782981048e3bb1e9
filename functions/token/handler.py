"""The token function's wiring: which path goes where, which grants there are, the adapters behind.

Paths are looked up in a dict: Powertools' resolver takes 100 ms of a start for what a table says.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from functions.token import errors
from functions.token.endpoints import dcr, discovery, introspect, jwks, revoke, token
from functions.token.grants import client_credentials, password, refresh_token
from functions.token.keyring import KeyRing
from functions.token.requests import Request, request_of
from functions.token.wiring import Wiring
from portico.clock import SystemClock
from portico.domain.errors import NotFound, NotImplementedHere, PorticoError, Unavailable
from portico.services.accounts import Accounts
from portico.services.clients import Clients
from portico.services.issuing import Issuing
from portico.services.passwords import Passwords
from portico.services.revoking import Revoking
from portico.settings import Settings, read
from portico.storage.records import DynamoRecords

logger = Logger(service="token")

Endpoint = Callable[[Request, Wiring], dict[str, Any]]

GRANTS = {grant.GRANT_TYPE: grant.issue for grant in (client_credentials, password, refresh_token)}
REGISTER = "/client-registration/v0.17/register"
# Path without `/t/{tenant}` -> method -> endpoint. The short ones are 1.x's.
ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/oauth2/token": {"POST": token.serve},
    "/token": {"POST": token.serve},
    "/oauth2/revoke": {"POST": revoke.serve},
    "/revoke": {"POST": revoke.serve},
    "/oauth2/introspect": {"POST": introspect.serve},
    "/oauth2/jwks": {"GET": jwks.serve},
    "/.well-known/openid-configuration": {"GET": discovery.serve},
    # Where the two specifications look for the metadata of an issuer that ends in /oauth2/token.
    "/oauth2/token/.well-known/openid-configuration": {"GET": discovery.serve},
    "/.well-known/oauth-authorization-server/oauth2/token": {"GET": discovery.serve},
    REGISTER: {"POST": dcr.serve},
}
ABSENT = {
    "/oauth2/authorize": "authorize",
    "/authorize": "authorize",
    "/oauth2/userinfo": "userinfo",
    "/userinfo": "userinfo",
    "/oauth2/device_authorize": "device_authorize",
    "/oauth2/par": "pushed_authorization_request",
    "/login": "login",
}


@cache
def settings() -> Settings:
    return read(os.environ)


@cache
def wiring() -> Wiring:
    known, clock = settings(), SystemClock()
    records = DynamoRecords(known, _region())
    keys = KeyRing(_fetch_keys, clock)
    issuer = f"{known.gateway_url}/oauth2/token"
    return Wiring(
        records=records,
        clock=clock,
        accounts=Accounts(records, clock, Passwords()),
        clients=Clients(records, clock),
        issuing=Issuing(records, clock, keys.signing, issuer),
        revoking=Revoking(records, clock, keys.verifying),
        grants=GRANTS,
        url=known.gateway_url,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One call of the HTTP API (payload 2.0)."""
    answered = _answered(event, context.aws_request_id)
    path = str(event.get("rawPath", ""))[:200]
    logger.info("answered", path=path, status=answered["statusCode"])
    return answered


def _answered(event: dict[str, Any], request_id: str) -> dict[str, Any]:
    refusal = errors.oauth_answer
    try:
        request = request_of(event)
        if request.path == REGISTER or request.path in ABSENT:
            refusal = errors.contract_answer
        answered = _endpoint(request)(request, wiring())
    except PorticoError as exc:
        logger.info("refused", error=exc.error, reason=type(exc).__name__)
        return refusal(exc)
    except Exception:
        logger.exception("unexpected error", request_id=request_id)
        return refusal(errors.Unexpected(request_id))
    return {**answered, "body": ""} if request.method == "HEAD" else answered


def _endpoint(request: Request) -> Endpoint:
    if request.path in ABSENT:
        raise NotImplementedHere(ABSENT[request.path])
    methods = ENDPOINTS.get(request.path)
    if methods is None:
        raise NotFound("Path", request.path)
    method = "GET" if request.method == "HEAD" else request.method
    if method not in methods:
        raise errors.WrongMethod(", ".join(methods))
    return methods[method]


@cache
def _secrets() -> Any:
    return botocore.session.get_session().create_client("secretsmanager", region_name=_region())


def _fetch_keys() -> str:
    try:
        found = _secrets().get_secret_value(SecretId=settings().access_token_secret)
    except (ClientError, BotoCoreError) as exc:
        raise Unavailable("The signing keys cannot be had") from exc
    return str(found["SecretString"])


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
