"""What answers of a deprecated API say of its end; about other APIs nothing."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any


def farewell(decision: Mapping[str, Any]) -> dict[str, str]:
    """`Deprecation` (RFC 9745 section 2: a date as Structured Field) and `Sunset` (RFC 8594
    section 3: an HTTP date), for a decision with `deprecated` and `sunset` in epoch seconds.

    They take the place of the back end's own: the gateway is what callers deal with.
    """
    headers = {}
    if deprecated := int(decision.get("deprecated") or 0):
        headers["deprecation"] = f"@{deprecated}"
    if sunset := int(decision.get("sunset") or 0):
        headers["sunset"] = formatdate(sunset, usegmt=True)
    return headers
