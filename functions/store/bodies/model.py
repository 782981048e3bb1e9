"""The base of request bodies: the contract's field names, nothing unknown, nothing converted."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

# What the contract calls read-only comes back from clients that send what they were given; it is
# not looked at.
ReadOnly = Any


class Body(BaseModel):
    """A request body; fields are written in snake case here and in camel case outside."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)
