"""Starts `tests.faults.process` and speaks with it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.faults.boundary import Faults

ROOT = Path(__file__).resolve().parents[2]
SCHEDULE = {"source": "aws.events", "detail-type": "Scheduled Event"}


@dataclass(frozen=True)
class Ended:
    """How one process ended: the calls it made, its answer if it lived to give one, or the
    exception that Lambda would report.
    """

    killed: bool
    calls: list[str] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    error: str = ""

    @property
    def ok(self) -> dict[str, Any]:
        """The answer of a request that was granted."""
        assert self.answer is not None, self
        assert "ok" in self.answer, self
        found: dict[str, Any] = self.answer["ok"]
        return found


class Function:
    """The lifecycle function; each call runs in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, event: Mapping[str, Any], faults: Faults | None = None) -> Ended:
        return self.together([event], faults)[0]

    def together(
        self, events: Sequence[Mapping[str, Any]], faults: Faults | None = None
    ) -> list[Ended]:
        """All events at the same time."""
        reading, writing = self._pipes()
        each = (faults or Faults()).as_json()
        writing.write(json.dumps([{"event": dict(event), "faults": each} for event in events]))
        writing.write("\n")
        writing.flush()
        line = reading.readline()
        assert line, "the process that starts the others is gone; see its log"
        return [_ended(told) for told in json.loads(line)]

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdout, self._process.stdin


def _ended(told: dict[str, Any]) -> Ended:
    def said(what: str) -> list[Any]:
        return [value for kind, value in told["told"] if kind == what]

    answers, errors = said("answer"), said("error")
    return Ended(
        killed=told["signal"] == signal.SIGKILL,
        calls=said("call"),
        answer=answers[0] if answers else None,
        error=errors[0] if errors else "",
    )


@contextmanager
def function(environment: Mapping[str, str], log: Path) -> Iterator[Function]:
    """The lifecycle function with these variables, for the time of the block."""
    with log.open("w") as kept:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.process"],
            env={
                **os.environ,
                **environment,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'common'}",
                "POWERTOOLS_LOG_LEVEL": "ERROR",
            },
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=kept,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            first = process.stdout.readline()
            assert first == "ready\n", log.read_text()
            yield Function(process)
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
