"""Where executions other than mails and posts arrive: a queue behind a bus and behind a topic, and
a file that a function and a plug-in append to.
"""

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tests.conftest import REGION

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

PLUGIN = "tests.faults.plugged.Appending"
EXECUTORS = ("EventBridge", "SNS", "Lambda", PLUGIN)  # in the document's order
FUNCTION = """
import json
import time

def handler(event, context):
    line = {"by": "Lambda", "id": event["id"], "at": time.time_ns() // 1_000_000}
    with open(%r, "a") as kept:
        kept.write(json.dumps(line) + "\\n")
"""


@dataclass(frozen=True)
class Effect:
    """What came from one attempt: by which executor, with which execution's id, and when (epoch
    milliseconds).
    """

    executor: str
    execution: str
    at: int


@dataclass(frozen=True)
class Outside:
    """The names that a document gives, and what has arrived."""

    bus: str
    topic: str
    function: str
    file: Path
    queue: str
    client: "SQSClient"

    def take(self) -> list[Effect]:
        """Everything since the last time, in the executors' order."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        self.file.unlink(missing_ok=True)
        found = [_appended(json.loads(line)) for line in lines]
        while messages := self._received():
            found += [_effect(message) for message in messages]
        return sorted(found, key=lambda one: (EXECUTORS.index(one.executor), one.at))

    def _received(self) -> list[Any]:
        answer = self.client.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"]
        )
        messages = list(answer.get("Messages", []))
        for message in messages:
            self.client.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return messages


def _appended(line: dict[str, Any]) -> Effect:
    return Effect(PLUGIN if line["by"] == "plug-in" else line["by"], line["id"], line["at"])


def _effect(message: dict[str, Any]) -> Effect:
    body, at = json.loads(message["Body"]), int(message["Attributes"]["SentTimestamp"])
    if "detail" in body:
        return Effect("EventBridge", body["detail"]["id"], at)
    return Effect("SNS", json.loads(body["Message"])["id"], at)


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """All of it in the embedded AWS that the environment points at, for the time of the block."""
    name = f"portico-hook-{uuid.uuid4().hex[:8]}"
    sqs = boto3.client("sqs", region_name=REGION)
    sns = boto3.client("sns", region_name=REGION)
    events = boto3.client("events", region_name=REGION)
    functions = boto3.client("lambda", region_name=REGION)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["portico"]}')
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])
    file = folder / "appended.jsonl"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("hook.py", FUNCTION % str(file))
    function = functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="hook.handler",
        Code={"ZipFile": packed.getvalue()},
    )["FunctionArn"]
    yield Outside(name, topic, function, file, queue, sqs)
    functions.delete_function(FunctionName=name)
    for client in (sqs, sns, events, functions):
        client.close()
