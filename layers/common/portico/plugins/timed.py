"""Code that is not ours, for a limited time: it runs in a thread that is left behind when it takes
longer.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from portico.domain.errors import Unavailable

T = TypeVar("T")
MOST = 8  # threads that may hang before further calls fail at once
_free = threading.BoundedSemaphore(MOST)


class TookTooLong(Unavailable):
    """The code did not return in time."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What the call returns or raises, an Exception in any case. TookTooLong after `seconds`: it
    runs on, and nobody hears of it.
    """
    if not _free.acquire(blocking=False):
        raise TookTooLong(f"{MOST} earlier calls still run")
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        # SystemExit too: it would end only the thread, without a word.
        except BaseException as exc:
            failures.append(exc)
        finally:
            _free.release()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures and isinstance(failures[0], Exception):
        raise failures[0]
    if failures:
        raise Unavailable(f"The code ended with {failures[0]!r}") from failures[0]
    if not results:
        raise TookTooLong(f"No answer within {seconds:g} seconds")
    return results[0]
