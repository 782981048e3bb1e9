"""The base of request bodies: the contract's names, no unknown fields, no silent conversions."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

# What the contract calls read-only: clients send it back as they were given it; nobody looks at it.
ReadOnly = Any


class Body(BaseModel):
    """A request body; fields are in snake case here and in camel case outside."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


def iso(milliseconds: int) -> str:
    """Epoch milliseconds as the contract's date-time."""
    text = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def spaced(milliseconds: int) -> str:
    """Epoch milliseconds as the contract's APIInfo shows times: `2021-02-11 09:57:25`, UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
