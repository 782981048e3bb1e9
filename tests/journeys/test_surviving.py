"""What outlives a kill, a redeployment, and the end of the stack: on a platform of its own."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployed import PUBLISHER, STORE, Person, Stack, eventually, run


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp("surviving")
    run(state, "up", "--detach", "--ports", "0")
    with httpx.Client(timeout=40) as http:
        yield Stack(json.loads((state / "endpoints.json").read_text()), state, http)
    run(state, "down")


@pytest.fixture(scope="module")
def publisher(platform: Stack) -> Person:
    return platform.person("publisher", "publisher", PUBLISHER)


@pytest.fixture(scope="module")
def developer(platform: Stack) -> Person:
    return platform.person("developer", "store", STORE)


def publish(publisher: Person, backend: str, name: str, *properties: dict[str, Any]) -> str:
    """An API that everybody may call at `/<name>/1/…`; its id."""
    body = {
        "name": name,
        "version": "1",
        "context": f"/{name}",
        "policies": ["Unlimited"],
        "operations": [{"target": "/*", "verb": "GET", "authType": "None"}],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": backend}},
        "additionalProperties": list(properties),
    }
    api: str = publisher.send("POST", "/apis", 201, json=body).json()["id"]
    query = {"apiId": api, "action": "Publish"}
    publisher.send("POST", "/apis/change-lifecycle", params=query)
    return api


def kill(state: Path) -> None:
    """`kill -9` of the supervisor and of everything it started."""
    supervisor = int((state / "supervisor.lock").read_text())
    children = [
        int(status.parent.name)
        for status in Path("/proc").glob("[0-9]*/status")
        if f"\nPPid:\t{supervisor}\n" in status.read_text()
    ]
    for process in (supervisor, *children):
        os.kill(process, signal.SIGKILL)
    eventually(lambda: not any(alive(process) for process in (supervisor, *children)))


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_a_kill_in_the_middle_loses_nothing(
    platform: Stack, publisher: Person, developer: Person
) -> None:
    publish(publisher, platform.endpoints["backend"], "survivor")
    made = {"name": "Survivor", "throttlingPolicy": "Unlimited"}
    application = developer.send("POST", "/applications", 201, json=made).json()
    assert platform.call("/survivor/1/menu").status_code == 200
    time.sleep(6)  # nothing older than a few seconds is lost
    kill(platform.state)
    run(platform.state, "up", "--detach", "--ports", "0")
    endpoints = json.loads((platform.state / "endpoints.json").read_text())
    assert endpoints["gateway"] == platform.endpoints["gateway"]
    found = developer.send("GET", f"/applications/{application['applicationId']}").json()
    assert found["name"] == "Survivor"
    assert platform.call("/survivor/1/menu").status_code == 200


def test_a_second_up_says_what_runs(platform: Stack) -> None:
    said = run(platform.state, "up", "--detach", "--ports", "0")
    assert "running already" in said
    assert platform.endpoints["gateway"] in said


def routes(platform: Stack) -> list[str]:
    client = platform.aws("apigatewayv2")
    api = client.get_apis()["Items"][0]["ApiId"]
    found = client.get_routes(ApiId=api)["Items"]
    return sorted(one["RouteKey"] for one in found if "/through/1" in one["RouteKey"])


def test_run_time_routes_outlive_a_redeployment_and_do_not_outlive_the_stack(
    platform: Stack, publisher: Person
) -> None:
    through = {"name": "portico_delivery", "value": "pass-through", "display": False}
    publish(publisher, platform.endpoints["backend"], "through", through)
    eventually(lambda: bool(routes(platform)))
    assert platform.call("/through/1/menu").status_code == 200
    before = routes(platform)

    cloudformation = platform.aws("cloudformation")
    stack = platform.endpoints["stack"]
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    template = body if isinstance(body, dict) else json.loads(body)
    template["Description"] = "Deployed once more"
    # Longer than the 51,200 bytes that a request may carry.
    storage = platform.aws("s3")
    storage.create_bucket(Bucket="redeployment")
    storage.put_object(
        Bucket="redeployment", Key="template.json", Body=json.dumps(template, default=str)
    )
    cloudformation.update_stack(
        StackName=stack,
        TemplateURL=f"{platform.endpoints['aws']}/redeployment/template.json",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    eventually(lambda: status(cloudformation, stack) == "UPDATE_COMPLETE", 60)
    assert routes(platform) == before
    assert platform.call("/through/1/menu").status_code == 200

    cloudformation.delete_stack(StackName=stack)
    eventually(lambda: status(cloudformation, stack) in ("", "DELETE_COMPLETE"), 60)
    assert platform.aws("apigatewayv2").get_apis()["Items"] == []


def status(cloudformation: Any, stack: str) -> str:
    """The status of a stack, '' when it is gone."""
    found = cloudformation.list_stacks()["StackSummaries"]
    mine = [one["StackStatus"] for one in found if one["StackName"] == stack]
    return str(mine[0]) if mine else ""
