"""A gateway that runs: its processor time, read from /proc, and calls to it."""

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.bench.peers.sides import Side
from tools.bench.stand import HOST

PROC = Path("/proc")
CONNECTIONS = 4  # kept alive, each with one call at a time
START_SECONDS = 20.0
STOP_SECONDS = 10.0


def cpu_of(session: int) -> float:
    """Processor seconds of all living threads of a session's processes; ns are what /proc has."""
    total = 0
    for process in PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            # The name in brackets may have blanks in it.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            for thread in (process / "task").iterdir():
                total += int((thread / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return total / 1e9


@dataclass(frozen=True)
class Gateway:
    """A side that runs."""

    name: str
    session: int
    port: int

    def cpu(self) -> float:
        """Processor seconds of all its processes so far."""
        return cpu_of(self.session)

    def call(self, path: str, token: str, count: int = 1) -> list[tuple[int, bytes]]:
        """So many calls over kept connections; their status codes and bodies."""
        shares = [count // CONNECTIONS + (n < count % CONNECTIONS) for n in range(CONNECTIONS)]
        found: list[list[tuple[int, bytes]]] = [[] for _ in shares]
        threads = [
            threading.Thread(target=self._ask, args=(path, token, share, found[n]))
            for n, share in enumerate(shares)
            if share
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [one for each in found for one in each]
        if len(answers) != count:
            raise RuntimeError(f"{self.name} answered {len(answers)} of {count} calls")
        return answers

    def _ask(self, path: str, token: str, count: int, found: list[tuple[int, bytes]]) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            for _ in range(count):
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                found.append((response.status, response.read()))
        finally:
            connection.close()


@contextmanager
def running(side: Side) -> Iterator[Gateway]:
    """The side's processes for the time of the block."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            side.command,
            env=side.environment,
            stdin=subprocess.PIPE,
            stdout=log if side.port else subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                port = side.port or int((process.stdout and process.stdout.readline()) or 0)
                _wait(process, port)
                yield Gateway(side.name, process.pid, port)
            except Exception as failure:
                log.seek(0)
                failure.add_note(f"{side.name} said:\n{log.read()[-2000:]}")
                raise
            finally:
                _end(process)


def _wait(process: "subprocess.Popen[str]", port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            raise RuntimeError("It ended at once")
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _end(process: "subprocess.Popen[str]") -> None:
    # With all that it has started.
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
