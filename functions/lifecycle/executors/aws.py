"""`EventBridge`, `SNS` and `Lambda`: the transition handed to other parts of the AWS account."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from functions.lifecycle.executors.execution import Job
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_sns import SNSClient

SOURCE = "portico"
DETAIL_TYPE = "API life cycle transition"


@dataclass(frozen=True)
class EventBridge:
    """An event on the bus `bus` (a name or ARN; the account's default bus when none is given)."""

    client: Callable[[], "EventBridgeClient"]

    def __call__(self, job: Job) -> None:
        answer = self.client().put_events(
            Entries=[
                {
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Detail": json.dumps(job.message),
                    "EventBusName": job.parameters.get("bus") or "default",
                }
            ]
        )
        # A refused event is no error of the call.
        for entry in answer["Entries"]:
            if entry.get("ErrorCode"):
                raise Unavailable(f"EventBridge: {entry['ErrorCode']} {entry.get('ErrorMessage')}")


@dataclass(frozen=True)
class Topic:
    """A message to the SNS topic `topic`; a FIFO topic takes a repetition for the same message."""

    client: Callable[[], "SNSClient"]

    def __call__(self, job: Job) -> None:
        topic = job.parameters["topic"]
        fifo: dict[str, Any] = (
            {
                "MessageDeduplicationId": job.id,
                "MessageGroupId": str(job.transition["api"]["id"]),
            }
            if topic.endswith(".fifo")
            else {}
        )
        self.client().publish(
            TopicArn=topic,
            Message=json.dumps(job.message),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": str(job.transition[name])}
                for name in ("event", "from", "to")
            },
            **fifo,
        )


@dataclass(frozen=True)
class Function:
    """A call of the Lambda function `function` (an ARN), which must return without an error."""

    client: Callable[[], "LambdaClient"]

    def __call__(self, job: Job) -> None:
        answer = self.client().invoke(
            FunctionName=job.parameters["function"], Payload=json.dumps(job.message).encode()
        )
        if answer.get("FunctionError"):
            raise Unavailable(f"The function failed: {answer['FunctionError']}")
