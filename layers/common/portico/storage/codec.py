"""Records to stored items and back. A large body is compressed, for an item may hold 400 KB."""

import json
import zlib
from functools import cache
from typing import TypeVar

from cattrs import Converter

from portico.domain.errors import TooLarge
from portico.domain.records import Record
from portico.storage.bodies import unpack

PACK_ABOVE = 16_384  # bytes; below it, the body stays readable in the console
MAX_BODY = 390_000  # bytes; an item's limit of 400 KB includes keys and attribute names
R = TypeVar("R", bound=Record)


@cache
def _converter() -> Converter:
    return Converter(omit_if_default=True)


def encode(record: Record) -> str | bytes:
    """The record without its stamp as JSON text, or as zlib-compressed JSON when that is long."""
    fields = _converter().unstructure(record)
    fields.pop("stamp", None)
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    raw = text.encode()
    if len(raw) <= PACK_ABOVE:
        return text
    packed = zlib.compress(raw, 6)
    if len(packed) > MAX_BODY:
        raise TooLarge(
            f"{type(record).__name__} takes {len(packed)} bytes compressed; {MAX_BODY} are allowed"
        )
    return packed


def decode(kind: type[R], body: str | bytes, stamp: int) -> R:
    """The record in a stored body."""
    return _converter().structure({**unpack(body), "stamp": stamp}, kind)
