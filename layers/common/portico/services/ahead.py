"""Records that are read ahead: what one request will need, in one read instead of several.

For the length of one request; a commit still checks every stamp.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from portico.domain.records import Change, Record, Wanted
from portico.ports import Records

R = TypeVar("R", bound=Record)
Known = tuple[type[Record], frozenset[tuple[str, str]]]


class Ahead:
    """The Records port over another one, which is not asked for what `load` has read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[Known, Record | None] = {}

    def load(self, *wanted: Wanted) -> None:
        """Read all of these at once, but for those that are known."""
        missing = [one for one in wanted if _known(one.kind, one.key) not in self._known]
        if missing:
            for one, record in zip(missing, self._records.gather(*missing), strict=True):
                self._known[_known(one.kind, one.key)] = record

    def gather(self, *wanted: Wanted) -> "list[Record | None]":
        self.load(*wanted)
        return [self._known[_known(one.kind, one.key)] for one in wanted]

    def get(self, kind: type[R], *, by: str = "", **key: str) -> R | None:
        known = _known(kind, key)
        if not by and known in self._known:
            found = self._known[known]
            return found if isinstance(found, kind) else None
        return self._records.get(kind, by=by, **key)

    def get_many(self, kind: type[R], keys: Sequence[Mapping[str, str]]) -> list[R]:
        known = [_known(kind, key) for key in keys]
        if all(one in self._known for one in known):
            return [found for one in known if isinstance(found := self._known[one], kind)]
        return self._records.get_many(kind, keys)

    def list(
        self,
        kind: type[R],
        *,
        by: str = "",
        newest_first: bool = False,
        limit: int | None = None,
        **key: str,
    ) -> list[R]:
        return self._records.list(kind, by=by, newest_first=newest_first, limit=limit, **key)

    def commit(self, *changes: Change) -> None:
        known, self._known = self._known, {}
        # A race that was lost is tried again with what is true now.
        self._records.commit(*changes)
        changed = {type(change.record) for change in changes}
        self._known = {one: record for one, record in known.items() if one[0] not in changed}


def _known(kind: type[Record], key: Mapping[str, str]) -> Known:
    return kind, frozenset(key.items())
