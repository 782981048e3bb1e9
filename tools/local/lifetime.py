"""Ends a process together with the one that started it, however that one ended."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(then: Callable[[], None] | None = None) -> None:
    """Call once, early, in a child process. `then` runs instead of the end, in another thread."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def watch() -> None:
        # Other systems have no such signal, and a parent may be gone before prctl was called.
        while os.getppid() == parent:
            time.sleep(1)
        if then:
            then()
            time.sleep(5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
