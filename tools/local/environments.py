"""Lambda execution environments for the embedded AWS: processes of `worker.py`, one call at a time.

Replaces the emulator's own worker, which loads the emulator's packages, waits 50 ms for functions
that log nothing, and unpacks every layer once for each process.
"""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tools.local.worker import END_OF_LOG, read_message, write_message

WORKER = Path(__file__).with_name("worker.py")
# A crashed function may leave the end of its log unread; nobody waits for it longer than this.
LOG_PATIENCE_SECONDS = 0.25


class EnvironmentEnded(Exception):
    """The process ended or was stopped before it answered."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True)
class Launch:
    """All that a process needs: where its code is, what it is called and its environment."""

    name: str
    code: bytes
    layers: tuple[bytes, ...]
    handler: str
    environment: dict[str, str]


class Unpacked:
    """Code and layers on disk, each archive once, in a folder named by its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[int, tuple[bytes, Path]] = {}

    def forget_unused(self, days: float = 7) -> None:
        """Deletes what no environment used for so long: code of earlier deployments."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if folder.stat().st_mtime < time.time() - days * 86_400:
                shutil.rmtree(folder, ignore_errors=True)

    def path(self, archive: bytes) -> Path:
        known = self._known.get(id(archive))
        if known and known[0] is archive:
            return known[1]
        target = self._folder / hashlib.sha256(archive).hexdigest()[:32]
        with self._lock:
            if not target.is_dir():
                self._folder.mkdir(parents=True, exist_ok=True)
                beside = Path(tempfile.mkdtemp(dir=self._folder, prefix=".unpacking-"))
                zipped = beside / "archive.zip"
                zipped.write_bytes(archive)
                with zipfile.ZipFile(zipped) as content:
                    content.extractall(beside / "content")  # zipfile drops ".." and roots
                (beside / "content").rename(target)
                shutil.rmtree(beside)
        os.utime(target)
        self._known[id(archive)] = (archive, target)
        return target


class Environment:
    """One process with the handler loaded. Not for two threads at once: the pool leases it."""

    def __init__(self, launch: Launch, unpacked: Unpacked) -> None:
        self._launch = launch
        self._unpacked = unpacked
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: list[str] = []
        self._log_ended = threading.Condition()
        self._ended_ids: set[str] = set()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Loads the handler. Raises EnvironmentEnded with what the import raised."""
        launch = self._launch
        code = self._unpacked.path(launch.code)
        layers = [self._unpacked.path(layer) for layer in reversed(launch.layers)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WORKER)],
            cwd=code,
            env={**launch.environment, "LAMBDA_TASK_ROOT": str(code)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True).start()
        paths = [str(code), *(str(layer / "python") for layer in layers)]
        self._send({"paths": paths})
        answer = self._receive(None)
        if not answer["ready"]:
            self.stop()
            raise EnvironmentEnded(answer["errorType"], answer["errorMessage"])

    def call(self, call: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer; EnvironmentEnded when it ran out of time or its process ended."""
        self._send(call)
        answer: dict[str, Any] = self._receive(call["timeout_ms"] / 1000)
        return answer

    def log_of(self, request_id: str) -> str:
        """All that the call printed; no waiting when it printed nothing."""
        with self._log_ended:
            self._log_ended.wait_for(
                lambda: request_id in self._ended_ids or not self.alive, LOG_PATIENCE_SECONDS
            )
            self._ended_ids.discard(request_id)
            lines, self._lines = self._lines, []
        return "\n".join(lines)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def _pipe(self, name: str) -> BinaryIO:
        if self._process is None:
            raise EnvironmentEnded("Runtime.ExitError", "RequestId: the process has ended")
        pipe: BinaryIO = getattr(self._process, name)
        return pipe

    def _send(self, message: Any) -> None:
        try:
            write_message(self._pipe("stdin"), message)
        except OSError as error:
            raise self._ended() from error

    def _receive(self, seconds: float | None) -> Any:
        stdout = self._pipe("stdout")
        if not select.select([stdout], [], [], seconds)[0]:
            self.stop()
            # The text that Lambda gives, from which callers tell a timeout.
            text = f"Task timed out after {seconds:.2f} seconds"
            raise EnvironmentEnded("Sandbox.Timedout", text)
        try:
            message = read_message(stdout)
        except (struct.error, ValueError) as error:
            raise self._ended() from error
        if message is None:
            raise self._ended()
        return message

    def _ended(self) -> EnvironmentEnded:
        process = self._process
        code = process.wait() if process else 0
        self.stop()
        return EnvironmentEnded(
            "Runtime.ExitError", f"Runtime exited with error: exit status {code}"
        )

    def _read_log(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr is None:
            return
        with process.stderr as pipe:
            for raw in pipe:
                line = raw.decode(errors="replace").rstrip("\n")
                before, marker, request_id = line.partition(END_OF_LOG)
                with self._log_ended:
                    # A print without a newline stands on the marker's line.
                    if before:
                        self._lines.append(before)
                    if marker:
                        self._ended_ids.add(request_id)
                        self._log_ended.notify_all()
        with self._log_ended:
            self._log_ended.notify_all()


class Pool:
    """Leases environments by key; starts another one when all are busy.

    Beyond `wide` environments of one function a call waits a moment for a free one first: a burst
    of calls on a small machine would spend its time starting processes. It waits only a moment,
    because a function may be waiting for a call of itself.
    """

    def __init__(self, wide: int, patience_seconds: float = 2.0) -> None:
        self._wide = wide
        self._patience = patience_seconds
        self._free: dict[str, list[Environment]] = {}
        self._count: dict[str, int] = {}
        self._changed = threading.Condition()

    def lease(self, key: str, make: Callable[[], Environment]) -> Environment:
        with self._changed:
            if self._count.get(key, 0) >= self._wide:
                self._changed.wait_for(lambda: bool(self._free.get(key)), self._patience)
            if self._free.get(key):
                return self._free[key].pop()
            self._count[key] = self._count.get(key, 0) + 1
        return make()

    def give_back(self, key: str, environment: Environment) -> None:
        with self._changed:
            if environment.alive and key in self._count:
                self._free.setdefault(key, []).append(environment)
                self._changed.notify_all()
                return
            if key in self._count:
                self._count[key] -= 1
        environment.stop()

    def drop(self, matches: Callable[[str], bool]) -> None:
        """Ends what is free of the matching keys; what is busy ends when its call does."""
        with self._changed:
            doomed = [e for key in list(self._free) if matches(key) for e in self._free.pop(key)]
            for key in [key for key in self._count if matches(key)]:
                del self._count[key]
        for environment in doomed:
            environment.stop()


def default_width() -> int:
    """Environments of a function before calls wait: enough for a demo, few enough for a laptop."""
    return int(os.environ.get("PORTICO_LOCAL_CONCURRENCY", "0")) or max(4, os.cpu_count() or 1)
