"""Stored bodies to plain fields, with nothing but the standard library: the authorizer reads
records this way.
"""

import json
import zlib
from typing import Any


def unpack(body: str | bytes) -> dict[str, Any]:
    """The fields of a stored body (JSON text, or zlib-compressed JSON), as JSON gives them."""
    text = body if isinstance(body, str) else zlib.decompress(body)
    fields: dict[str, Any] = json.loads(text)
    return fields
