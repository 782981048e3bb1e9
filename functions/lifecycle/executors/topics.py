"""Class `SNS`: a transition as a message to a topic of the AWS account."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from functions.lifecycle.executors.execution import Job

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient


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
