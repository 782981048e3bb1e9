"""The small stack of `data/small`, deployed and fronted by the local platform, for this folder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.local.aws import client
from tools.local.client import Answer, Http

ROOT = Path(__file__).resolve().parents[2]
SMALL = Path(__file__).parent / "data" / "small" / "template.yaml"


def command(state: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """One command of the local platform."""
    return subprocess.run(
        [sys.executable, "-m", "tools.local", *arguments, "--state", str(state)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start(state: Path) -> None:
    done = command(
        state,
        *("up", "--detach", "--no-seed", "--ports", "0", "--stack", "small"),
        *("--template", str(SMALL)),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Platform:
    """A running platform with the small stack."""

    state: Path
    endpoints: dict[str, Any]

    def gateway(self, path: str, method: str = "GET", **more: Any) -> Answer:
        return Http(self.endpoints["gateway"]).call(method, path, **more)

    def url(self, path: str, method: str = "GET", **more: Any) -> Answer:
        """A call to the function URL."""
        return Http(self.endpoints["publisher"]).call(method, path, **more)

    def aws(self, service: str) -> Any:
        return client(service, self.endpoints["aws"])

    def physical(self, name: str) -> str:
        cloudformation = self.aws("cloudformation")
        resources = cloudformation.list_stack_resources(StackName="small")["StackResourceSummaries"]
        found: str = next(
            r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == name
        )
        return found


def platform_of(state: Path) -> Platform:
    return Platform(state, json.loads((state / "endpoints.json").read_text()))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    state = tmp_path_factory.mktemp("platform")
    start(state)
    yield platform_of(state)
    done = command(state, "down")
    assert done.returncode == 0, done.stderr
