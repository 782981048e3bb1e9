"""Limits and their windows: what the authorizer counts calls by, and the gateway function bytes."""

import math
from typing import NamedTuple

KEPT = 3600  # seconds that a counter outlives its window, for those who look at it


class Limit(NamedTuple):
    """So many calls, or bytes, in each window of so many seconds."""

    amount: int
    window: int


def window_start(now: float, window: int) -> int:
    """When the window around a moment began (epoch seconds).

    Windows are the same for everybody, as WSO2's are: multiples of their length since 1970 (UTC). A
    month is 30 days and a year 365, which is how WSO2's engine reads them too.
    """
    return math.floor(now / window) * window


class CounterKey(NamedTuple):
    """Where the Traffic table counts one window."""

    pk: str
    sk: str


def counter_key(name: str, window: int, start: int) -> CounterKey:
    """The key of a window's counter; `name` begins with the tenant."""
    return CounterKey(name, f"{window}#{start}")
