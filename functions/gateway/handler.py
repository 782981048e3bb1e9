"""Entry point of the gateway function: carries out the authorizer's decision; wiring only."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from functions.gateway import cors, faults
from functions.gateway.backends import Backends
from functions.gateway.farewell import farewell
from functions.gateway.forward import Forwarder, NotDelivered
from portico import settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.gateway.mocks import Mocks

logger = Logger()


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """An answer in payload format 2.0: the back end's, a preflight's, or a fault."""
    request = event["requestContext"]
    decision = (request.get("authorizer") or {}).get("lambda") or {}
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
            answer = forwarder().forward(event, decision)
        except NotDelivered as failure:
            logger.warning(
                "Not delivered",
                code=failure.code,
                reason=str(failure),
                api=decision.get("api"),
                request_id=request.get("requestId"),
            )
            decision = {**decision, "fault": failure.code, "status": 0, "until": 0, "allow": ""}
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
    import boto3

    from functions.gateway.mocks import Mocks
    from portico.storage.readmodel import GatewayTable, ReadModel

    given = settings.read(os.environ)
    client = boto3.client("dynamodb", region_name=os.environ.get("AWS_REGION", "us-east-1"))
    model = ReadModel(GatewayTable(client, given.gateway_table), given.cache_seconds)
    return Mocks(lambda: model)


@cache
def forwarder() -> Forwarder:
    """Keeps its connections as long as the environment lives."""
    return Forwarder(Backends(settings.read(os.environ).allowed_backend_hosts))
