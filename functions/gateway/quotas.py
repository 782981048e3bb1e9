"""What is left of a call's limits, as headers (draft-ietf-httpapi-ratelimit-headers-11).

`RateLimit-Policy` names the limits, `RateLimit` says what is left of each and for how long. What is
left is what the authorizer's environment knew: other environments may have taken some since.
"""

import math
from collections.abc import Mapping
from typing import Any

BYTES = ';qu="content-bytes"'  # the unit, section 3.1.2; of calls it goes without saying


def headers(decision: Mapping[str, Any], now: float) -> dict[str, str]:
    """Both headers for the authorizer's `limits`: entries `level amount window left end[ bytes]`
    joined by commas, times in seconds (`end` since 1970). No entries, no headers.
    """
    policies: list[str] = []
    states: list[str] = []
    names: dict[str, int] = {}
    for entry in filter(None, str(decision.get("limits") or "").split(",")):
        level, amount, window, left, end, *unit = entry.split(" ")
        # Several custom policies may apply: each limit has its name.
        names[level] = names.get(level, 0) + 1
        name = f'"{level}-{names[level]}"' if names[level] > 1 else f'"{level}"'
        policies.append(f"{name};q={amount}{BYTES if unit else ''};w={window}")
        seconds = max(0, math.ceil(int(end) - now))
        states.append(f"{name};r={left};t={seconds}")
    if not policies:
        return {}
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(states)}
