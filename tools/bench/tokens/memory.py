"""The Records port on a dict, for measuring the token function without a database; it only reads,
because a token by client_credentials stores nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from portico.domain.records import Change, Record, Wanted
from portico.storage.keys import PLACES, KeyPair

R = TypeVar("R", bound=Record)
Key = tuple[str, str, str]


class MemoryRecords:
    """Records as the other servers' storage in memory has them: as objects, by key."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._items: dict[Key, Record] = {}
        for record in records:
            place = PLACES[type(record).__name__]
            for pair in (place.key, *place.also.values()):
                self._items[place.table, *pair.fill(vars(record))] = record

    def get(self, kind: type[R], *, by: str = "", **key: str) -> R | None:
        found = self._items.get(_key(kind, by, key))
        return found if isinstance(found, kind) else None

    def get_many(self, kind: type[R], keys: Sequence[Mapping[str, str]]) -> list[R]:
        return [found for key in keys if (found := self.get(kind, **key)) is not None]

    def gather(self, *wanted: Wanted) -> "list[Record | None]":
        return [self._items.get(_key(one.kind, "", one.key)) for one in wanted]

    def list(
        self,
        kind: type[R],
        *,
        by: str = "",
        newest_first: bool = False,
        limit: int | None = None,
        **key: str,
    ) -> list[R]:
        table = PLACES[kind.__name__].table
        pk, prefix = _pair(kind, by).prefix(key)
        found = sorted(
            (at[2], record)
            for at, record in self._items.items()
            if at[:2] == (table, pk) and at[2].startswith(prefix) and isinstance(record, kind)
        )
        return [record for _, record in found[:: -1 if newest_first else 1]][:limit]

    def commit(self, *changes: Change) -> None:
        raise NotImplementedError("Nothing is stored of a token by client_credentials")


def _pair(kind: type[Record], by: str) -> KeyPair:
    place = PLACES[kind.__name__]
    return place.also[by] if by else place.key


def _key(kind: type[Record], by: str, key: Mapping[str, str]) -> Key:
    return (PLACES[kind.__name__].table, *_pair(kind, by).fill(key))
