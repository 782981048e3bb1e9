"""The Schedules port on EventBridge Scheduler: one-time schedules that call the lifecycle function
and delete themselves.

API: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient


class EventBridgeSchedules:
    """Schedules of one group; `target` is the ARN of the function's alias, `role` may invoke it."""

    def __init__(
        self, client: "EventBridgeSchedulerClient", group: str, target: str, role: str
    ) -> None:
        self._client = client
        self._group = group
        self._target = target
        self._role = role

    def ensure(self, name: str, at: int, request: Mapping[str, Any]) -> None:
        """Have the function called with the request at a time (epoch seconds)."""
        when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        try:
            self._client.create_schedule(
                Name=name,
                GroupName=self._group,
                ScheduleExpression=f"at({when})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._target,
                    "RoleArn": self._role,
                    "Input": json.dumps(request),
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
                },
            )
        except ClientError as exc:
            # A name is used for one time and one request only.
            if exc.response["Error"].get("Code") != "ConflictException":
                raise Unavailable("EventBridge Scheduler did not take the schedule") from exc
        except BotoCoreError as exc:
            raise Unavailable("EventBridge Scheduler did not answer") from exc

    def remove(self, name: str) -> None:
        """Take a schedule away; one that is not there, or no longer, is fine."""
        try:
            self._client.delete_schedule(Name=name, GroupName=self._group)
        except ClientError as exc:
            if exc.response["Error"].get("Code") != "ResourceNotFoundException":
                raise Unavailable("EventBridge Scheduler did not delete the schedule") from exc
        except BotoCoreError as exc:
            raise Unavailable("EventBridge Scheduler did not answer") from exc
