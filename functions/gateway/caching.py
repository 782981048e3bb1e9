"""Answers that need not be asked for again: a shared cache (RFC 9111) in this environment's memory,
for APIs whose publisher switched it on.
"""

import base64
import binascii
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from functions.gateway.answers import Answer
from functions.gateway.requests import ASSERTION, Outgoing

MAX_BYTES = 16 * 1024 * 1024  # of all bodies and headers together
MAX_ENTRY = 1024 * 1024
MAX_ENTRIES = 2_000
MAX_VARIANTS = 8  # of one address and caller, by what `Vary` names
CACHED = frozenset({"GET", "HEAD"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# What answers are chosen by though many back ends forget to say so.
_CHOSEN_BY = ("accept", "accept-language", "accept-encoding")
_EVERYBODY = ""

Place = tuple[str, str, str, str]  # tenant, revision, side, path
Name = tuple[Place, str, str, tuple[str, ...], str]  # place, method, query, choices, whose


@dataclass(frozen=True)
class _Entry:
    answer: Answer
    stored: float
    until: float
    age: int  # what the back end said
    vary: tuple[tuple[str, str], ...]
    size: int


@dataclass(frozen=True)
class Asked:
    """What a call asks for, as far as an answer may depend on it."""

    place: Place
    method: str
    query: str
    choices: tuple[str, ...]
    whose: str
    headers: Mapping[str, str]
    fresh: bool  # the client wants no kept answer
    kept: bool  # the answer may be kept

    def name(self, whose: str) -> Name:
        return (self.place, self.method, self.query, self.choices, whose)


class Cache:
    """Bounded in bytes and entries; what was not used longest goes first."""

    def __init__(self, clock: Callable[[], float] = time.time, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max = max_bytes
        self._held: OrderedDict[Name, list[_Entry]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def find(self, asked: Asked) -> Answer | None:
        """A fresh answer to the same question, with its age (RFC 9111 section 5.1)."""
        if asked.fresh or asked.method not in CACHED:
            return None
        now = self._clock()
        for whose in (_EVERYBODY, asked.whose):
            name = asked.name(whose)
            for entry in self._held.get(name, ()):
                if entry.until > now and _fits(entry, asked):
                    self._held.move_to_end(name)
                    age = str(int(now - entry.stored) + entry.age)
                    return replace(entry.answer, headers={**entry.answer.headers, "age": age})
        return None

    def keep(self, asked: Asked, answer: Answer, seconds: int) -> None:
        """Keep an answer for as long as it and the API's setting allow; forget what an unsafe call
        has changed (RFC 9111 section 4.4).
        """
        if asked.method not in SAFE:
            if answer.status < 400:
                self._forget(asked.place)
            return
        if not asked.kept or asked.method not in CACHED or answer.status != 200 or answer.cookies:
            return
        directives = _directives(answer.headers.get("cache-control", ""))
        life = _life(answer.headers, directives, self._clock(), seconds)
        named = _listed(answer.headers.get("vary", ""))
        size = len(answer.body) + sum(len(n) + len(v) for n, v in answer.headers.items()) + 500
        if life <= 0 or "*" in named or size > min(MAX_ENTRY, self._max):
            return
        # Who asked with a credential gets what is theirs, unless the back end says otherwise
        # (RFC 9111 section 3.5): it is told by the assertion who that is.
        shared = bool({"public", "s-maxage"} & directives.keys()) and not (
            {"authorization", "cookie", ASSERTION} & set(named)
        )
        now = self._clock()
        entry = _Entry(
            answer=answer,
            stored=now,
            until=now + life,
            age=_seconds(answer.headers.get("age", "")) or 0,
            # The assertion is another one each time; whose it is counts already.
            vary=tuple((n, asked.headers.get(n, "")) for n in named if n != ASSERTION),
            size=size,
        )
        name = asked.name(_EVERYBODY if shared else asked.whose)
        others = [one for one in self._drop(name) if one.until > now and not _fits(one, asked)]
        self._put(name, [entry, *others][:MAX_VARIANTS])
        while self.bytes > self._max or len(self._held) > MAX_ENTRIES:
            self._drop(next(iter(self._held)))

    def _put(self, name: Name, entries: list[_Entry]) -> None:
        self._held[name] = entries
        self.bytes += sum(entry.size for entry in entries)

    def _drop(self, name: Name) -> list[_Entry]:
        gone = self._held.pop(name, [])
        self.bytes -= sum(entry.size for entry in gone)
        return gone

    def _forget(self, place: Place) -> None:
        for name in [name for name in self._held if name[0] == place]:
            self._drop(name)


def asked(request: Outgoing, decision: Mapping[str, Any]) -> Asked:
    """What a call asks for, as the back end would get it."""
    headers = request.headers
    directives = _directives(headers.get("cache-control", ""))
    place = (
        str(decision["tenant"]),
        str(decision["revision"]),
        str(decision.get("sandbox") or ""),
        request.path,
    )
    partial = "range" in headers or bool(request.body)
    return Asked(
        place=place,
        method=request.method,
        query=request.query,
        choices=tuple(headers.get(name, "") for name in _CHOSEN_BY),
        whose=_whose(headers),
        headers=dict(headers),
        fresh=partial or bool({"no-cache", "no-store"} & directives.keys()),
        kept=not partial and "no-store" not in directives,
    )


def _whose(headers: Mapping[str, str]) -> str:
    """Who asks, as far as the back end can tell: the assertion without what changes with time."""
    told = f"{headers.get('authorization', '')}\n{headers.get('cookie', '')}"
    return hashlib.sha256(f"{_claims(headers.get(ASSERTION, ''))}\n{told}".encode()).hexdigest()


def _claims(assertion: str) -> str:
    try:
        part = assertion.split(".")[1].replace("+", "-").replace("/", "_").rstrip("=")
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        lasting = {n: v for n, v in claims.items() if n not in ("iat", "exp", "nbf", "jti")}
    except (IndexError, ValueError, AttributeError, binascii.Error):
        return assertion
    return json.dumps(lasting, sort_keys=True)


def _fits(entry: _Entry, asked: Asked) -> bool:
    return all(asked.headers.get(name, "") == value for name, value in entry.vary)


def _life(
    headers: Mapping[str, str], directives: Mapping[str, str], now: float, longest: float
) -> float:
    """The seconds that an answer may be kept (RFC 9111 section 4.2)."""
    if {"no-store", "no-cache", "private"} & directives.keys():
        return 0
    age = _seconds(headers.get("age", "")) or 0
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return min(longest, (_seconds(directives[name]) or 0) - age)
    if "expires" in headers:
        try:
            return min(longest, parsedate_to_datetime(headers["expires"]).timestamp() - now)
        except (ValueError, TypeError):
            return 0
    return longest


def _directives(header: str) -> dict[str, str]:
    found = {}
    for part in header.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name] = value.strip('"')
    return found


def _listed(header: str) -> list[str]:
    return [part.strip().lower() for part in header.split(",") if part.strip()]


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
