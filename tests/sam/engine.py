"""Where `sam local` runs its containers: Docker, or the stand-in for it beside the checkout."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT.parent / "shared" / "sam-local"
HOW_TO_GET_IT = (
    "`sam local` needs a container engine: install Docker and start its daemon, or put the "
    f"stand-in at {STAND_IN}: a script `engine` that starts one, a script `image` that makes "
    "Lambda's base image without a registry"
)


class NoEngineError(RuntimeError):
    """Neither Docker nor the stand-in is there."""


@dataclass(frozen=True)
class Engine:
    """A running container engine."""

    host: str | None  # DOCKER_HOST; None for Docker's own default
    address: str  # of this machine, as its containers and its own programs both reach it

    def environment(self) -> dict[str, str]:
        """What tells the SAM CLI about it."""
        return {"DOCKER_HOST": self.host} if self.host else {}


@contextmanager
def running(runtime: str) -> Iterator[Engine]:
    """An engine that can run functions of a Python version; one that was started here ends here."""
    if _answers(None):
        yield Engine(os.environ.get("DOCKER_HOST"), _bridge() or "127.0.0.1")
        return
    if not (STAND_IN / "engine").exists():
        raise NoEngineError(HOW_TO_GET_IT)
    # The script's own default: an engine that somebody runs already is used, and not ended.
    folder = os.environ.get("TMPDIR") or "/tmp"
    state = os.environ.get("SAM_LOCAL_STATE") or f"{folder}/sam-local-engine"
    host = f"unix://{state}/docker.sock"
    started = not _answers(host)
    _script("engine", "start")
    try:
        _provide_image(host, runtime)
        # Its containers share the loopback of this machine.
        yield Engine(host, "127.0.0.1")
    finally:
        if started:
            _script("engine", "stop")


def _answers(host: str | None) -> bool:
    command = ["docker", *(["--host", host] if host else []), "version"]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def _bridge() -> str | None:
    """The address of this machine on Docker's bridge: not reachable from outside the machine."""
    form = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
    command = ["docker", "network", "inspect", "bridge", "--format", form]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None if found.returncode == 0 else None


def _provide_image(host: str, runtime: str) -> None:
    tag = f"public.ecr.aws/lambda/python:{runtime}-x86_64"
    docker = ["docker", "--host", host]
    command = [*docker, "image", "inspect", tag]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        _script("image", runtime, DOCKER_HOST=host)
        _add_libraries(docker, tag)


def _add_libraries(docker: list[str], tag: str) -> None:
    """Parts of the C library that older wheels name as files; Lambda's own image has them."""

    def run(*arguments: str) -> str:
        ended = subprocess.run([*docker, *arguments], capture_output=True, text=True, check=True)
        return ended.stdout.strip()

    container = run("create", tag, "/bin/sh")
    for name in ("libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1"):
        library = Path("/lib/x86_64-linux-gnu") / name
        if library.exists():
            run("cp", "--follow-link", str(library), f"{container}:{library}")
    run("commit", container, tag)
    run("rm", container)


def _script(name: str, *arguments: str, **environment: str) -> None:
    # Its output goes to a file: the engine inherits it and would keep a pipe open.
    log = ROOT / ".local" / f"sam-local-{name}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        ended = subprocess.run(
            [STAND_IN / name, *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=300,
        )
    if ended.returncode != 0:
        raise NoEngineError(f"{STAND_IN / name} failed: {log.read_text()[-1000:]}")
