"""A real `sam deploy` of what was built, into an embedded AWS on the runtime's own Python."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import urllib3

from tools.build import deploying
from tools.build.interpreters import Interpreter

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".aws-sam" / "host" / "build"
NAME = "portico-dev"  # of samconfig.toml
REGION = "us-east-1"
PASSWORD = "a-password-of-this-test"


@dataclass(frozen=True)
class Stack:
    """A deployed stack and the way to it."""

    url: str

    def environment(self) -> dict[str, str]:
        """For a process that uses the embedded AWS as if it were AWS."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        }

    def client(self, service: str) -> Any:
        """A boto3 client."""
        session = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @cached_property
    def physical_ids(self) -> dict[str, str]:
        """Every resource's physical id by its logical id."""
        paginator = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in paginator.paginate(StackName=NAME)
            for resource in page["StackResourceSummaries"]
        }

    def variables(self) -> dict[str, dict[str, str]]:
        """The environment of each deployed function, by logical id."""
        functions = self.client("lambda")
        return {
            logical: functions.get_function_configuration(FunctionName=physical)["Environment"][
                "Variables"
            ]
            for logical, physical in self.physical_ids.items()
            if logical.endswith("Function")
        }


def emulator(interpreter: Interpreter) -> Path:
    """The embedded AWS in an environment of the runtime's Python: it runs functions in its own."""
    folder = ROOT / ".local" / f"sam-aws-{interpreter.version}"
    program = folder / "bin" / "ministack"
    if not program.exists():
        uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
        pins, python = str(ROOT / ".local" / "sam-aws.txt"), str(interpreter.python)
        for arguments in (
            ["export", "--frozen", "--only-group", "local", "--no-hashes", "--output-file", pins],
            ["venv", "--clear", "--python", python, str(folder)],
            ["pip", "install", "--python", str(folder), "--requirement", pins],
        ):
            subprocess.run(
                [uv, "--quiet", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            )
    return program


@contextmanager
def embedded_aws(program: Path, address: str, port: int, folder: Path) -> Iterator[Stack]:
    """The embedded AWS; it ends with the context."""
    stack = Stack(f"http://{address}:{port}")
    with (folder / "aws.log").open("w") as log:
        process = subprocess.Popen(
            [program],
            env={
                **os.environ,
                "BIND_HOST": address,
                # On every interface, whatever BIND_HOST says.
                "SFTP_ENABLED": "0",
                "IOT_MTLS_ENABLED": "0",
                "GATEWAY_PORT": str(port),
                "STATE_DIR": str(folder / "state"),
                "DOCKER_HOST": "unix:///nonexistent",  # functions run in processes here
            },
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(f"{stack.url}/_ministack/health", process, folder / "aws.log")
            yield stack
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    """Until something answers there; an AssertionError with the log when nothing does."""
    with urllib3.PoolManager(retries=False, timeout=20) as http:
        for _ in range(int(seconds * 5)):
            assert process.poll() is None, log.read_text()[-3000:]
            try:
                http.request("GET", url)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.2)
            else:
                return
    raise AssertionError(f"{url} does not answer: {log.read_text()[-3000:]}")


def deploy(stack: Stack, architecture: str) -> None:
    """`make deploy` without its build; an AssertionError with what it printed when it fails."""
    parameters = [f"Architecture={architecture}", f"AdminPassword={PASSWORD}"]
    ended = subprocess.run(
        deploying.command("dev", BUILT / "template.yaml", parameters),
        cwd=ROOT,
        env=stack.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]


def local_template(stack: Stack, folder: Path) -> tuple[Path, Path]:
    """The built template and the variables for `sam local`.

    It sets only variables that the template names, and gives references their logical ids; so each
    function gets those of its deployed self, and the address of the embedded AWS with them.
    """
    text = (BUILT / "template.yaml").read_text()
    template = BUILT / "template-local.yaml"
    marker = "        PORTICO_STAGE:"
    assert text.count(marker) == 1
    template.write_text(text.replace(marker, f"        AWS_ENDPOINT_URL: {stack.url}\n{marker}"))
    variables = folder / "variables.json"
    variables.write_text(json.dumps(stack.variables()))
    return template, variables
