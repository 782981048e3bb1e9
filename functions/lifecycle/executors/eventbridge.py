"""Class `EventBridge`: a transition as an event on a bus of the AWS account."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.lifecycle.executors.execution import Job
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

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
