"""Entry point of the gateway function: carries out the authorizer's decision; wiring only."""

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from functions.gateway import cors, faults, quotas
from functions.gateway.backends import Backends
from functions.gateway.delivering import Delivering
from functions.gateway.farewell import farewell
from functions.gateway.forward import Forwarder, NotDelivered
from portico import settings
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.gateway.mocks import Mocks
    from functions.gateway.plans import Plans
    from functions.gateway.usage import Usage
    from portico.ports import Sealer
    from portico.storage.readmodel import ReadModel

logger = Logger()


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """An answer in payload format 2.0, with what is left of the caller's limits."""
    decision = (event["requestContext"].get("authorizer") or {}).get("lambda") or {}
    answer = _answer(event, decision)
    if decision.get("limits"):
        answer["headers"] = {**answer["headers"], **quotas.headers(decision, time.time())}
    if decision.get("usage"):
        _count(event, answer, str(decision["usage"]))
    return answer


def _count(event: dict[str, Any], answer: dict[str, Any], counters: str) -> None:
    from functions.gateway.usage import size_of

    try:
        usage().count(counters, size_of(event, answer))
    except Unavailable as failure:
        logger.warning("Bytes wait to be counted", reason=str(failure))


def _answer(event: dict[str, Any], decision: dict[str, Any]) -> dict[str, Any]:
    """The back end's answer, a preflight's, or a fault."""
    request = event["requestContext"]
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if not decision.get("jwt"):
        # No authorizer stood before this call: whatever it is, it is not served.
        logger.error("A call without a decision", request_id=request.get("requestId"))
        decision = {"jwt": "none", "fault": "900900"}
    sharing = cors.policy(str(decision.get("cors") or ""))
    origin = headers.get("origin", "")
    if decision.get("preflight") == "true":
        status, answered = sharing.preflight(origin, str(decision.get("verbs", "")))
        return {"statusCode": status, "headers": answered, "body": ""}
    if decision.get("mock") and not decision.get("fault"):
        found = mocks().answer(decision)
        if found is not None:
            status, kind, body = found
            given = {**kind, **sharing.headers(origin)}
            body = "" if request["http"]["method"] == "HEAD" else body
            return {"statusCode": status, "headers": given, "body": body}
        decision = {**decision, "fault": "501"}
    if not decision.get("fault"):
        try:
            answer = delivering().deliver(event, decision)
        except NotDelivered as failure:
            logger.warning(
                "Not delivered",
                code=failure.code,
                reason=str(failure),
                api=decision.get("api"),
                request_id=request.get("requestId"),
            )
            decision = {**decision, "fault": failure.code, "status": 0, "until": 0, "allow": ""}
            decision["told"] = failure.told
        else:
            shared = cors.added(sharing, origin, answer.headers)
            return {
                "statusCode": answer.status,
                "headers": {**answer.headers, **shared, **farewell(decision)},
                "cookies": answer.cookies,
                "body": answer.body,
                "isBase64Encoded": answer.encoded,
            }
    status, refused, body = faults.answer(decision, headers.get("accept", ""))
    if request["http"]["method"] == "HEAD":
        body = ""
    return {"statusCode": status, "headers": {**refused, **sharing.headers(origin)}, "body": body}


@cache
def mocks() -> "Mocks":
    """Loaded when the first prototype without a back end is called; most environments see none."""
    from functions.gateway.mocks import Mocks

    return Mocks(read_model)


@cache
def delivering() -> Delivering:
    """Keeps answers, plans and credentials as long as the environment lives."""
    return Delivering(forwarder(), plans, note=_note)


def _note(url: str, failure: NotDelivered) -> None:
    logger.warning("An endpoint failed", endpoint=url, code=failure.code, reason=str(failure))


@cache
def plans() -> "Plans":
    """Loaded for the first API that has more than an address a side."""
    from functions.gateway.plans import Plans

    return Plans(read_model, sealer, forwarder())


@cache
def read_model() -> "ReadModel":
    """The Gateway table; not loaded for calls that go to one address."""
    from portico.storage.readmodel import GatewayTable, ReadModel

    given = settings.read(os.environ)
    return ReadModel(GatewayTable(_client("dynamodb"), given.gateway_table), given.cache_seconds)


@cache
def sealer() -> "Sealer":
    """Opens the credentials of back ends."""
    from portico.storage.sealing import KmsSealer

    return KmsSealer(lambda: _client("kms"), settings.read(os.environ).kms_key)


def _client(service: Any) -> Any:
    """A client that leaves a call some of its time when AWS does not answer."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
    region = os.environ.get("AWS_REGION", "us-east-1")
    return boto3.client(service, region_name=region, config=patience)


@cache
def usage() -> "Usage":
    """Loaded when the first call comes whose bytes are limited."""
    import boto3
    from botocore.config import Config

    from functions.gateway.usage import TrafficBytes, Usage

    # The caller waits for its answer meanwhile.
    config = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
    region = os.environ.get("AWS_REGION", "us-east-1")
    client = boto3.client("dynamodb", region_name=region, config=config)
    return Usage(TrafficBytes(client, settings.read(os.environ).traffic_table), time.time)


@cache
def forwarder() -> Forwarder:
    """Keeps its connections as long as the environment lives."""
    return Forwarder(Backends(settings.read(os.environ).allowed_backend_hosts))
