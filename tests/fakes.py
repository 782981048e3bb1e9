"""Fakes of the ports, kept honest by `tests/contracts/`, which runs the same tests on them and on
the adapters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from portico.domain.errors import AlreadyExists, InvalidInput, LostRace
from portico.domain.executions import Mail
from portico.domain.http_api import Survey, WantedRoute
from portico.domain.records import (
    Change,
    Create,
    Discard,
    Put,
    Record,
    Remove,
    Replace,
    Require,
    Wanted,
)
from portico.storage.keys import PLACES
from portico.storage.records import MAX_CHANGES

R = TypeVar("R", bound=Record)


@dataclass
class FakeRecords:
    """Records in a dict, with the keys of the real tables.

    `before_commit` runs before each commit: inject races there. `reads` counts requests, however
    many records each is for.
    """

    items: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    before_commit: Any = None
    commits: list[tuple[Change, ...]] = field(default_factory=list)
    reads: int = 0

    def get(self, kind: type[R], *, by: str = "", **key: str) -> R | None:
        self.reads += 1
        return self._found(kind, by, key)

    def _found(self, kind: type[R], by: str, key: Mapping[str, str]) -> R | None:
        place = PLACES[kind.__name__]
        pair = place.also[by] if by else place.key
        found = self.items.get((place.table, *pair.fill(key)))
        return found if isinstance(found, kind) else None

    def get_many(self, kind: type[R], keys: Sequence[Mapping[str, str]]) -> list[R]:
        self.reads += 1
        return [record for key in keys if (record := self._found(kind, "", key))]

    def gather(self, *wanted: Wanted) -> "list[Record | None]":
        self.reads += 1
        return [self._found(one.kind, "", one.key) for one in wanted]

    def list(
        self,
        kind: type[R],
        *,
        by: str = "",
        newest_first: bool = False,
        limit: int | None = None,
        **key: str,
    ) -> list[R]:
        self.reads += 1
        place = PLACES[kind.__name__]
        pk, prefix = (place.also[by] if by else place.key).prefix(key)
        found = [
            (at[2], record)
            for at, record in self.items.items()
            if at[:2] == (place.table, pk) and at[2].startswith(prefix) and isinstance(record, kind)
        ]
        found.sort(key=lambda pair: pair[0], reverse=newest_first)
        return [record for _, record in found][:limit]

    def commit(self, *changes: Change) -> None:
        if self.before_commit:
            hook, self.before_commit = self.before_commit, None
            hook()
        items = sum(
            1 if isinstance(change, Require) else 1 + len(PLACES[type(change.record).__name__].also)
            for change in changes
        )
        if items > MAX_CHANGES:
            raise ValueError(f"{items} items in one transaction; {MAX_CHANGES} are allowed")
        for change in changes:
            self._check(change)
        for change in changes:
            self._apply(change)
        self.commits.append(changes)

    def _check(self, change: Change) -> None:
        record = change.record
        name = type(record).__name__
        place = PLACES[name]
        copies = () if isinstance(change, Require) else place.also.values()
        for pair in (place.key, *copies):
            there = self.items.get((place.table, *pair.fill(vars(record))))
            stamp = there.stamp if there else 0
            match change:
                case Create() if there:
                    raise AlreadyExists(f"{name} exists already")
                case Replace() | Remove() | Require() if stamp != record.stamp:
                    raise LostRace(f"{name} has changed")
                case _:
                    pass

    def _apply(self, change: Change) -> None:
        record = change.record
        place = PLACES[type(record).__name__]
        for pair in (place.key, *place.also.values()):
            at = (place.table, *pair.fill(vars(record)))
            match change:
                case Create() | Replace() | Put():
                    self.items[at] = replace(record, stamp=record.stamp + 1)
                case Remove() | Discard():
                    self.items.pop(at, None)
                case _:
                    pass


@dataclass
class FakeDocuments:
    """Documents in a dict."""

    content: dict[str, bytes] = field(default_factory=dict)

    def read(self, key: str) -> bytes | None:
        return self.content.get(key)

    def write(self, key: str, content: bytes, content_type: str) -> None:
        self.content[key] = content

    def delete(self, key: str) -> None:
        self.content.pop(key, None)

    def upload_form(self, key: str, max_bytes: int, seconds: int) -> dict[str, Any]:
        return {"url": "https://bucket.example", "fields": {"key": key}}


@dataclass
class FakeClock:
    """Time that stands still until told."""

    time: float = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeRoutes:
    """Routes of pass-through APIs in a dict; `failing` makes the next calls fail."""

    routes: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    failing: list[Exception] = field(default_factory=list)
    found: Survey = field(default_factory=Survey)  # what a survey answers

    def ensure(self, tenant: str, api_id: str, context: str, endpoint: str) -> None:
        self._fail()
        self.routes[(tenant, api_id)] = (context, endpoint)

    def remove(self, tenant: str, api_id: str) -> None:
        self._fail()
        self.routes.pop((tenant, api_id), None)

    def survey(self, wanted: Sequence[WantedRoute]) -> Survey:
        self._fail()
        return self.found

    def _fail(self) -> None:
        if self.failing:
            raise self.failing.pop(0)


@dataclass
class FakeMailer:
    """Mails in a dict by their id; `failing` by address, once for each entry."""

    mails: dict[str, Mail] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    failing: dict[str, list[BaseException]] = field(default_factory=dict)

    def send(self, mail: Mail) -> None:
        if self.failing.get(mail.to):
            raise self.failing[mail.to].pop(0)
        self.sent.append(mail.to)
        self.mails[mail.id] = mail


@dataclass
class FakePoster:
    """What was posted; `failing` makes the next calls fail."""

    posts: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.posts.append((url, headers, body))
        if self.failing:
            raise self.failing.pop(0)


@dataclass
class FakeSchedules:
    """Schedules in a dict, by name; `failing` makes the next calls fail."""

    calls: dict[str, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    failing: list[Exception] = field(default_factory=list)

    def ensure(self, name: str, at: int, request: Mapping[str, Any]) -> None:
        self._fail()
        self.calls.setdefault(name, (at, request))

    def remove(self, name: str) -> None:
        self._fail()
        self.calls.pop(name, None)

    def _fail(self) -> None:
        if self.failing:
            raise self.failing.pop(0)


@dataclass
class FakeSealer:
    """Sealed texts in a dict; what is sealed does not show the text."""

    sealed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def seal(self, text: str, context: str) -> str:
        if not 0 < len(text.encode()) <= 4096:
            raise InvalidInput("Only 1 to 4096 bytes can be sealed")
        name = f"sealed-{len(self.sealed)}"
        self.sealed[name] = (text, context)
        return name

    def open(self, sealed: str, context: str) -> str:
        text, sealed_for = self.sealed.get(sealed, ("", ""))
        if not text or sealed_for != context:
            raise InvalidInput("The sealed text was not made by this key for this")
        return text


@dataclass
class FakeSigner:
    """Signs nothing and remembers what it was to sign."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failing: Exception | None = None

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        if self.failing:
            raise self.failing
        self.asked.append((kind, dict(claims)))
        return f"signed.{claims['jti']}"
