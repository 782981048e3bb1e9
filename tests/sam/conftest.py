"""The stack in an embedded AWS, built functions under `sam local`; `make test-sam` builds them."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port
from tests.sam.engine import Engine, NoEngineError, running
from tests.sam.stack import (
    BUILT,
    ROOT,
    Stack,
    deploy,
    embedded_aws,
    emulator,
    local_template,
    wait_for,
)
from tools.build.building import SAM
from tools.build.interpreters import Interpreter, find

ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    """The Python that the functions were built for."""
    assert (BUILT / "template.yaml").exists(), "nothing is built: use `make test-sam`"
    return find(ROOT)


@pytest.fixture(scope="session")
def engine(interpreter: Interpreter) -> Iterator[Engine]:
    """What runs the containers of `sam local`; a failure, with the way to get it, where none is."""
    try:
        with running(interpreter.version) as found:
            yield found
    except NoEngineError as exc:
        pytest.fail(str(exc))


@pytest.fixture(scope="session")
def stack(
    engine: Engine, interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The built template, deployed by `sam deploy`."""
    folder = tmp_path_factory.mktemp("aws")
    program = emulator(interpreter)
    with embedded_aws(program, engine.address, free_port(), folder) as running_stack:
        deploy(running_stack, ARCHITECTURE)
        yield running_stack


@pytest.fixture(scope="session")
def sam_local(
    stack: Stack, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[list[Any], dict[str, Any]]]:
    """Builds a `sam local` command: the arguments and keywords for `subprocess`."""
    template, variables = local_template(stack, tmp_path_factory.mktemp("sam-local"))

    def command(*arguments: str) -> tuple[list[Any], dict[str, Any]]:
        # A base image that is there is used; one that is missing is fetched all the same.
        options: list[Any] = ["--skip-pull-image", "--template", template, "--env-vars", variables]
        options += ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
        environment = {**stack.environment(), **engine.environment()}
        # The CLI itself does not talk to AWS; the containers get the address from the template.
        environment.pop("AWS_ENDPOINT_URL")
        return [SAM, "local", *arguments, *options], {"cwd": ROOT, "env": environment}

    return command


@pytest.fixture(scope="session")
def local_api(
    sam_local: Callable[..., tuple[list[Any], dict[str, Any]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of `sam local start-api`."""
    port = free_port()
    arguments, keywords = sam_local("start-api", "--port", str(port), "--warm-containers", "LAZY")
    log = Path(os.fspath(tmp_path_factory.mktemp("start-api"))) / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **keywords
        )
        try:
            # The gateway function's path, without an API: what it answers does not matter.
            wait_for(f"http://127.0.0.1:{port}/", process, log, seconds=120)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()  # SIGTERM: on SIGINT its containers stay
            process.wait(timeout=60)
