"""The public keys of clients and trusted issuers: as registered, or from their `jwks_uri`.

Sets are kept for some minutes by each execution environment; nobody can make us fetch one often.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portico.domain.errors import InvalidInput, PorticoError, Unavailable
from portico.ports import Clock
from portico.tokens.foreign import ForeignKey, foreign_keys

LIFETIME = 300  # seconds that a set is used without looking again
STALE = 3600  # seconds that a set serves on while its server does not answer
PAUSE = 60  # seconds between two looks that an unknown key id causes
RETRY = 10  # seconds between two looks at a server that failed
MAX_SETS = 200  # kept at once; the oldest goes
MAX_BYTES = 262_144


@dataclass
class _Set:
    keys: tuple[ForeignKey, ...] = ()
    fetched: float = 0  # when `keys` came; 0: never
    tried: float = 0
    failed: bool = False


@dataclass
class RemoteKeys:
    """Keys by address. `fetch` gives the bytes at a URL: InvalidInput or Unavailable otherwise."""

    fetch: Callable[[str, int], bytes]
    clock: Clock
    _sets: dict[str, _Set] = field(default_factory=dict)

    def of(
        self, jwks: Sequence[Mapping[str, Any]], jwks_uri: str, *, fresh: bool = False
    ) -> tuple[ForeignKey, ...]:
        """The keys: the registered ones when there are any, else those at the address.

        `fresh` asks to look again, for a key id that is not among them; within a minute of the last
        look the same are given. Unavailable when there are none to be had.
        """
        if jwks or not jwks_uri:
            return foreign_keys(jwks)
        now = self.clock.now()
        known = self._sets.get(jwks_uri)
        if known is None:
            known = self._sets[jwks_uri] = _Set()
            while len(self._sets) > MAX_SETS:
                del self._sets[next(iter(self._sets))]
        if self._due(known, now, fresh):
            known.tried = now
            self._look(known, jwks_uri, now)
        if not known.fetched or now - known.fetched > STALE:
            raise Unavailable("The keys at the registered jwks_uri cannot be had")
        return known.keys

    def _due(self, known: _Set, now: float, fresh: bool) -> bool:
        # Clocks may jump back, after a restore for one.
        waited = abs(now - known.tried)
        if known.failed:
            return waited >= RETRY
        return waited >= (PAUSE if fresh else LIFETIME)

    def _look(self, known: _Set, url: str, now: float) -> None:
        try:
            found = json.loads(self.fetch(url, MAX_BYTES))
            keys = found["keys"]
            if not isinstance(keys, list):
                raise InvalidInput("The JWKS has no list of keys")
        except (PorticoError, ValueError, RecursionError, TypeError, KeyError):
            known.failed = True
            return
        known.keys, known.fetched, known.failed = foreign_keys(keys), now, False
