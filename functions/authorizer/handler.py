"""The authorizer: an API Gateway event in, a simple response out; wiring, nothing else.

Payload format 2.0: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda
authorizers".
"""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.authorizer.assertions import Added, Assertions, Signer
from functions.authorizer.calls import Call, Refused
from functions.authorizer.credentials.api_keys import ApiKeys
from functions.authorizer.credentials.basic import Basic
from functions.authorizer.credentials.bearer import Bearer
from functions.authorizer.credentials.internal import InternalKeys
from functions.authorizer.credentials.opaque import Opaque
from functions.authorizer.credentials.passwords import TokenFunctionPasswords
from functions.authorizer.credentials.signed import KeySet
from functions.authorizer.pipeline import NO_TOKEN, Pipeline, cors_of
from functions.authorizer.steps.identifying import Credential
from functions.authorizer.throttle.counters import TrafficCounters
from functions.authorizer.throttle.failures import uncounted
from functions.authorizer.throttling import Throttling
from portico import settings
from portico.domain.errors import Unavailable
from portico.storage.readmodel import GatewayTable, ReadModel

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.authorizer.extensions import Extensions
    from portico.domain.backend_jwt import BackendJwtRules

MEDIATED = "$default"  # the one route whose integration can tell a caller why
# API Gateway waits ten seconds for an answer.
CLIENT = Config(
    connect_timeout=1,
    # A table that hangs costs one call two seconds: those after it fail at once for a while.
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 2},
    parameter_validation=False,
)


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """`{isAuthorized, context}`; raises "Unauthorized" where API Gateway is to answer 401."""
    call = _call(event)
    mediated = event.get("routeKey") == MEDIATED
    try:
        return {"isAuthorized": True, "context": pipeline().judge(call)}
    except Refused as refusal:
        logger().info("Refused", code=refusal.fault.code, request_id=_request_id(event))
        return _refuse(refusal, call, mediated)
    except Unavailable:
        logger().exception("Could not judge the call", request_id=_request_id(event))
        if not mediated:
            raise
        return _refuse(Refused("900900"), call, mediated)


def _refuse(refusal: Refused, call: Call, mediated: bool) -> dict[str, Any]:
    fault = refusal.fault
    if not mediated and fault.status == 401:
        # The text is what API Gateway looks for.
        raise Exception("Unauthorized")  # noqa: TRY002
    # Never without `jwt`: parameter mapping would let a client's own header through.
    decision = {
        "jwt": NO_TOKEN,
        "fault": fault.code,
        "status": fault.status,
        "until": int(refusal.until),
        "allow": refusal.allow,
        "cors": cors_of(call.deployment),
        "limits": call.limits,
    }
    return {"isAuthorized": mediated, "context": decision}


def _call(event: dict[str, Any]) -> Call:
    http = event["requestContext"]["http"]
    return Call(
        method=http["method"],
        path=event["rawPath"],
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        query=event.get("rawQueryString") or "",
        source_ip=http.get("sourceIp", ""),
        view=read_model().view(),
        now=time.time(),
    )


def _request_id(event: dict[str, Any]) -> str:
    return str(event["requestContext"].get("requestId", ""))


@cache
def logger() -> "Logger":
    """Loaded when there is something to say: most calls pass, and the first of them waits."""
    from aws_lambda_powertools.logging import Logger

    return Logger()


@cache
def pipeline() -> Pipeline:
    """The pipeline on real AWS; made at the first call."""
    given = configuration()
    return Pipeline(
        credentials=_credentials(given),
        throttling=Throttling(
            TrafficCounters(dynamodb(), given.traffic_table), time.time, uncounted
        ),
        assertions=Assertions(Signer(_backend_secret), time.time, _extend, _notice),
        clock=time.time,
    )


def _extend(call: Call, rules: "BackendJwtRules", claims: Mapping[str, Any] | None) -> Added:
    return _extensions()(call, rules, claims)


@cache
def _extensions() -> "Extensions":
    # Most deployments have no extension: only the first call of one loads what it needs.
    from functions.authorizer.extensions import Extensions

    return Extensions(configuration().plugin_packages, _timed_functions, _notice)


def _notice(message: str, **more: Any) -> None:
    logger().warning(message, **more)


def _credentials(given: settings.Settings) -> tuple[Credential, ...]:
    """The kinds of credentials, in the order in which they are asked."""
    issuer, keys = f"{given.gateway_url}/oauth2/token", KeySet()
    passwords = TokenFunctionPasswords(_functions, given.token_function)
    return (
        InternalKeys(issuer, time.time, keys),
        Opaque(time.time),
        Bearer(issuer, time.time, keys),
        ApiKeys(issuer, time.time, keys),
        Basic(passwords, given.cache_seconds, time.time),
    )


@cache
def configuration() -> settings.Settings:
    """The function's environment."""
    return settings.read(os.environ)


@cache
def read_model() -> ReadModel:
    """The Gateway table."""
    given = configuration()
    return ReadModel(GatewayTable(dynamodb(), given.gateway_table), given.cache_seconds)


@cache
def session() -> botocore.session.Session:
    """The one session; boto3 would add nothing but time to the start."""
    return botocore.session.Session()


@cache
def dynamodb() -> Any:
    """The one client of every call."""
    return session().create_client("dynamodb", region_name=_region(), config=CLIENT)


@cache
def _functions() -> Any:
    """For the passwords of basic auth; made at the first of them."""
    # A cold token function takes seconds; asked twice, a wrong password would count twice.
    patient = Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1})
    return session().create_client("lambda", region_name=_region(), config=patient)


@cache
def _timed_functions(seconds: float) -> Any:
    """For extensions; one client for each time that a tenant gives one."""
    config = Config(
        connect_timeout=min(1.0, seconds), read_timeout=seconds, retries={"total_max_attempts": 1}
    )
    return session().create_client("lambda", region_name=_region(), config=config)


def _backend_secret() -> str:
    try:
        client: Any = session().create_client(
            "secretsmanager", region_name=_region(), config=CLIENT
        )
        answer = client.get_secret_value(SecretId=configuration().backend_jwt_secret)
    except (ClientError, BotoCoreError) as exc:
        raise Unavailable("The secret with the signing keys could not be read") from exc
    return str(answer["SecretString"])


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
