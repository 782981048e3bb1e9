"""Texts of form fields as values: one entry a line, `theirs = ours` a line, numbers."""

import math
from collections.abc import Mapping

from portico.domain.errors import InvalidInput


def lines_of(text: str) -> list[str]:
    """The lines that are not empty, without spaces around them."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def pairs_of(field: str, text: str) -> dict[str, str]:
    """`name = value` of each line; InvalidInput naming the field and line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.rpartition("="))
        if not equals or not name or not value:
            raise InvalidInput.of(field, f"line {number} must be: name = value")
        if name in found:
            raise InvalidInput.of(field, f"line {number} names '{name[:100]}' again")
        found[name] = value
    return found


def shown_pairs(pairs: Mapping[str, str]) -> str:
    """Pairs as `pairs_of` reads them."""
    return "\n".join(f"{name} = {value}" for name, value in pairs.items())


def number_in(field: str, text: str, *, fraction: bool = False) -> float:
    """The number in a field; InvalidInput naming it."""
    try:
        value = float(text) if fraction else int(text) if len(text) < 16 else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput.of(field, "must be a number" if fraction else "must be a whole number")
    return value


def stamp_in(fields: Mapping[str, str]) -> int:
    """The state that a form was made from; a form without one is of no state."""
    text = fields.get("stamp", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
