"""Tells the person at the terminal what is being done and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Prints one line a step: what, then how long it took."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._began = time.monotonic()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        self.write(f"  {text} ... ")
        try:
            yield
        except BaseException:
            self.write("failed\n")
            raise
        self.write(f"{time.monotonic() - started:.1f} s\n")

    def say(self, text: str) -> None:
        self.write(f"{text}\n")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def write(self, text: str) -> None:
        """Prints `text` as it is, at once."""
        self._out.write(text)
        self._out.flush()
