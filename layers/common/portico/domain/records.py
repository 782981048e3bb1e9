"""What is stored, and the changes that are written together; where and how they are stored is
`portico.storage`'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Record:
    """A stored value of one tenant.

    `stamp` counts its writes and is the base of its ETag; 0 means not stored yet.
    """

    tenant: str
    stamp: int = 0


@dataclass(frozen=True)
class Wanted:
    """A record to read: its kind, and its key as the record's own field names."""

    kind: type[Record]
    key: Mapping[str, str]


@dataclass(frozen=True)
class Create:
    """Write a record that must not exist; otherwise `AlreadyExists`."""

    record: Record


@dataclass(frozen=True)
class Replace:
    """Write a record over the state with the same stamp; otherwise `LostRace`."""

    record: Record


@dataclass(frozen=True)
class Put:
    """Write a record whatever is there."""

    record: Record


@dataclass(frozen=True)
class Remove:
    """Delete a record that must still have the same stamp; otherwise `LostRace`."""

    record: Record


@dataclass(frozen=True)
class Discard:
    """Delete a record whatever is there."""

    record: Record


@dataclass(frozen=True)
class Require:
    """Write nothing, but fail with `LostRace` unless the record still has the same stamp (0: is
    still absent).
    """

    record: Record


Change = Create | Replace | Put | Remove | Discard | Require
