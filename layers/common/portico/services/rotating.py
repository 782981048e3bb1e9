"""Signing keys: made, published before they sign, and taken away when nothing of theirs can live.

A set of keys is a secret `{"keys": [...]}`; which of them signs is told by their `begins` alone
(`portico.tokens.keys`), so that a rotation is one write and nobody must be told.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from portico.domain.errors import LostRace
from portico.domain.gateway import PublicKeys
from portico.domain.records import Replace
from portico.ports import Clock, Records
from portico.services.clients import LONGEST_TOKEN
from portico.tokens.certificates import certified
from portico.tokens.keys import begins, generate, public_jwk, signing_keys

# Seconds between a key's publication and its first signature: longer than anybody keeps what was
# published (JWKS 300, authorizer 60) or what is in the secret (300).
OVERLAP = 900
KEEP = LONGEST_TOKEN + 86_400  # seconds that a key verifies after another has begun to sign
EVERY_TENANT = "*"
BACKEND_JWT = "Portico backend JWT"  # common name of the certificates
ATTEMPTS = 8  # both sets of a deployment are published in one record
T = TypeVar("T")


class UnreadableSecret(Exception):
    """A secret holds something that is neither keys nor nothing; it is never overwritten."""


class Vault(Protocol):
    """Secrets by ARN or name. Both methods raise Unavailable."""

    def read(self, name: str) -> str | None:
        """The current value; None when the secret has none yet."""

    def write(self, name: str, value: str) -> None: ...


@dataclass(frozen=True)
class KeySet:
    """One set of keys. `access` tells whether they sign access tokens, so that no other key is
    taken for one of these; the others have certificates. Of each algorithm in `also` there are keys
    too, with a rotation of their own.
    """

    vault: Vault
    records: Records
    clock: Clock
    secret: str
    alg: str
    access: bool
    also: tuple[str, ...] = ()

    def ensure(self, every: float = 0, *, at_once: bool = False) -> list[str]:
        """Make the first key, a new one when the newest has signed for `every` seconds (0: never)
        or `at_once`, and remove outlived ones; the ids of keys made now.

        Each step may be the last one of a process that dies: repeating it all mends everything.
        Raises UnreadableSecret, Unavailable.
        """
        before = self._entries()
        planned = self._planned(before, every, at_once=at_once)
        if planned != before:
            _readable(lambda: signing_keys(json.dumps({"keys": planned})))
            # First: a key that can sign must be known. One that is known and never signs is not
            # missed, and the next run takes it out.
            self._publish(lambda: planned)
            self.vault.write(self.secret, json.dumps({"keys": planned}))
        # What is really there: another run may have written after or before this one.
        self._publish(self._entries)
        known = {entry["kid"] for entry in before}
        return [str(entry["kid"]) for entry in planned if entry["kid"] not in known]

    def _planned(
        self, entries: Sequence[Mapping[str, Any]], every: float, *, at_once: bool
    ) -> list[dict[str, Any]]:
        now = int(self.clock.now())
        first = [one for one in entries if one["alg"] not in self.also]
        planned = plan(first, self.alg, now, every, at_once=at_once)
        for alg in self.also:
            of_alg = [one for one in entries if one["alg"] == alg]
            planned += plan(of_alg, alg, now, every, at_once=at_once)
        return planned if self.access else [certified(one, BACKEND_JWT) for one in planned]

    def _publish(self, entries: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        for attempt in range(ATTEMPTS):
            # The record before the secret: when another run writes keys in between, its record
            # makes ours lose the race.
            old = self.records.get(PublicKeys, tenant=EVERY_TENANT)
            old = old or PublicKeys(tenant=EVERY_TENANT, keys=[])
            text = json.dumps({"keys": entries()})
            mine = [public_jwk(key) for key in _readable(partial(signing_keys, text))]
            kids = tuple(str(jwk["kid"]) for jwk in mine)
            others = [jwk for jwk in old.keys if (jwk["kid"] in old.access) != self.access]
            new = PublicKeys(
                tenant=EVERY_TENANT,
                keys=[*mine, *others] if self.access else [*others, *mine],
                access=kids if self.access else old.access,
                stamp=old.stamp,
            )
            if new == old:
                return
            try:
                self.records.commit(Replace(new))
                return
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise

    def _entries(self) -> list[dict[str, Any]]:
        """The secret's keys; an empty object or list is a placeholder."""
        value = self.vault.read(self.secret)
        if value is None or not value.strip():
            return []
        content = _readable(lambda: json.loads(value))
        if not isinstance(content, dict) or content.keys() - {"keys"}:
            raise UnreadableSecret(
                "A secret for signing keys holds something else; empty or remove its value by hand"
            )
        if not content.get("keys"):
            return []
        _readable(lambda: signing_keys(value))
        entries: list[dict[str, Any]] = content["keys"]
        return entries


def plan(
    entries: Sequence[Mapping[str, Any]],
    alg: str,
    now: int,
    every: float = 0,
    *,
    at_once: bool = False,
) -> list[dict[str, Any]]:
    """The keys that there should be: a new one where one is due, none that is outlived.

    A key that has not begun to sign yet is the newest, and nothing is due before it has.
    """
    kept = [dict(entry) for entry in entries if not _outlived(entry, entries, now)]
    if not kept:
        return [generate(alg, now)]
    newest = max(map(begins, kept))
    if newest <= now and (at_once or (every > 0 and now - newest >= every)):
        kept.append(generate(alg, now, now + OVERLAP))
    return kept


def _outlived(entry: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], now: int) -> bool:
    later = [begins(one) for one in entries if begins(one) > begins(entry)]
    return bool(later) and min(later) + KEEP <= now


def _readable(read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError):
        # Without its cause: the message could quote the secret.
        raise UnreadableSecret(
            "A secret for signing keys holds something that is not keys"
        ) from None
