"""Records to stored items and back. A large body is compressed, for an item may hold 400 KB.

Records are dataclasses of what JSON has, tuples and further dataclasses; that takes no library, the
loading of which would be every start's time.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from portico.domain.errors import TooLarge
from portico.domain.records import Record
from portico.storage.bodies import unpack

PACK_ABOVE = 16_384  # bytes; below it, the body stays readable in the console
MAX_BODY = 390_000  # bytes; an item's limit of 400 KB includes keys and attribute names
R = TypeVar("R", bound=Record)
Reader = Callable[[Any], Any]


def encode(record: Record) -> str | bytes:
    """The record without its stamp and defaults as JSON text, or as zlib-compressed JSON when that
    is long.
    """
    told = _told(record)
    told.pop("stamp", None)
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=_told)
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
    """The record in a stored body. Fields that it does not know are a newer writer's."""
    record: R = _read(kind, {**unpack(body), "stamp": stamp})
    return record


def _told(value: Any) -> dict[str, Any]:
    """A dataclass as its fields, but for those that have their default."""
    told = {}
    for name, default in _defaults(value.__class__):
        field = getattr(value, name)
        if default is MISSING or field != (default() if callable(default) else default):
            told[name] = field
    return told


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Each field's default, or what makes it; MISSING without either."""
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise TypeError(f"{kind} cannot be stored")
    return tuple(
        (one.name, one.default if one.default_factory is MISSING else one.default_factory)
        for one in fields(kind)
    )


def _read(kind: Any, told: Mapping[str, Any]) -> Any:
    readers = _readers(kind)
    known = {}
    for name, value in told.items():
        if name in readers:
            reader = readers[name]
            known[name] = value if reader is None else reader(value)
    return kind(**known)


@cache
def _readers(kind: Any) -> dict[str, Reader | None]:
    """How each field is read from what JSON has; None: as it is."""
    return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}


def _reader(hint: Any) -> Reader | None:
    if hint is int:
        return int
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_read, hint)
    origin, inner = get_origin(hint), get_args(hint)
    if NoneType in inner:
        each = _reader(next(one for one in inner if one is not NoneType))
        return each and partial(_optional, each)
    if origin is tuple:
        each = _reader(inner[0])
        return tuple if each is None else partial(_tuple, each)
    if origin is list:
        each = _reader(inner[0])
        return each and partial(_list, each)
    if origin is dict:
        each = _reader(inner[1])
        return each and partial(_dict, each)
    return None


def _optional(each: Reader, told: Any) -> Any:
    return None if told is None else each(told)


def _tuple(each: Reader, told: Any) -> Any:
    return tuple(each(one) for one in told)


def _list(each: Reader, told: Any) -> Any:
    return [each(one) for one in told]


def _dict(each: Reader, told: Any) -> Any:
    return {name: each(one) for name, one in told.items()}
