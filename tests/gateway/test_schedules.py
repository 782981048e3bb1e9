"""Schedules at the embedded EventBridge Scheduler: made once, taken away, and fired."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from portico.domain.errors import Unavailable
from portico.gateway.schedules import EventBridgeSchedules
from tests.conftest import REGION, Aws

ROLE = "arn:aws:iam::000000000000:role/schedules"
SOURCE = """
import json, os, boto3
def handler(event, context):
    boto3.client("s3").put_object(
        Bucket=os.environ["BUCKET"], Key="woken", Body=json.dumps(event).encode()
    )
"""


@pytest.fixture
def scheduler(aws: Aws) -> Iterator[Any]:
    client = boto3.client("scheduler", region_name=REGION)
    yield client
    client.close()


@pytest.fixture
def group(scheduler: Any) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    scheduler.create_schedule_group(Name=name)
    yield name
    scheduler.delete_schedule_group(Name=name)


def names(scheduler: Any, group: str) -> list[str]:
    return [one["Name"] for one in scheduler.list_schedules(GroupName=group)["Schedules"]]


def test_a_schedule_is_made_once_and_deletes_itself(scheduler: Any, group: str) -> None:
    target = f"arn:aws:lambda:{REGION}:000000000000:function:lifecycle:live"
    schedules = EventBridgeSchedules(scheduler, group, target, ROLE)
    at = 1_900_000_000
    for _ in range(2):
        schedules.ensure("one", at, {"request": "planned"})
    found = scheduler.get_schedule(Name="one", GroupName=group)
    assert found["ScheduleExpression"] == "at(2030-03-17T17:46:40)"
    assert found["ActionAfterCompletion"] == "DELETE"
    assert (found["Target"]["Arn"], found["Target"]["RoleArn"]) == (target, ROLE)
    assert json.loads(found["Target"]["Input"]) == {"request": "planned"}
    schedules.remove("one")
    schedules.remove("one")
    assert names(scheduler, group) == []


def test_a_group_that_is_missing_is_told_as_unavailable(scheduler: Any) -> None:
    with pytest.raises(Unavailable):
        EventBridgeSchedules(scheduler, "nowhere", "arn:aws:lambda:x", ROLE).ensure("one", 1, {})


def test_at_its_time_the_function_is_called(aws: Aws, scheduler: Any, group: str) -> None:
    functions = boto3.client("lambda", region_name=REGION)
    s3 = boto3.client("s3", region_name=REGION)
    name, content = f"woken-{uuid.uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", SOURCE)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": content.getvalue()},
        Publish=True,
        Environment={"Variables": {"BUCKET": aws.settings.bucket}},
    )
    alias = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    schedules = EventBridgeSchedules(scheduler, group, alias["AliasArn"], ROLE)
    schedules.ensure("soon", int(time.time()) + 2, {"request": "planned", "plan": "soon"})
    deadline = time.monotonic() + 30
    while aws.documents.read("woken") is None and time.monotonic() < deadline:
        time.sleep(0.5)
    woken = aws.documents.read("woken")
    functions.delete_function(FunctionName=name)
    functions.close()
    s3.close()
    assert woken
    assert json.loads(woken) == {"request": "planned", "plan": "soon"}
    assert names(scheduler, group) == []
