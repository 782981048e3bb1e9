"""The outbox: side effects on other systems, written with the state that asks for them.

An entry says what to look at, not what to do: its executor compares the present state with the
other system and puts that right. So an entry may be carried out twice, late or half.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from portico.domain.errors import LostRace, NotFound
from portico.domain.executions import ExecutionResult, Standing
from portico.domain.operations import Lease, OutboxEntry, OutboxTenant
from portico.domain.records import Change, Create, Put, Remove, Replace
from portico.ports import Clock, Records
from portico.services.auditing import time_order

ANY_TENANT = "*"
LEASE = "outbox"
LEASE_SECONDS = 60  # longer than one entry takes; a worker that died holds it no longer
FIRST_WAIT = 15  # seconds until the first retry; doubled each time
LONGEST_WAIT = 3600
MAX_ERROR = 500  # characters kept

# Carries out an entry; False: some is left to do, so the entry stays. A mapping is the payload to
# go on with.
Executor = Callable[[OutboxEntry], bool | dict[str, Any]]


def enqueue(
    records: Records, clock: Clock, tenant: str, kind: str, payload: Mapping[str, Any]
) -> Change:
    """The change that adds an entry; commit it with the state that asks for it."""
    if records.get(OutboxTenant, tenant=ANY_TENANT, name=tenant) is None:
        # At once and for ever: it only says where to look, and no worker may miss an entry.
        records.commit(Put(OutboxTenant(tenant=ANY_TENANT, name=tenant)))
    return Create(
        OutboxEntry(
            tenant=tenant,
            order=time_order(clock.now()),
            id=str(uuid4()),
            kind=kind,
            payload=dict(payload),
        )
    )


def in_turn(entries: Sequence[OutboxEntry]) -> list[OutboxEntry]:
    """Those that wait for no other: per queue the first, and the first that stays inside."""
    ready = []
    waiting: set[str] = set()
    inside: set[str] = set()
    for entry in sorted(entries, key=lambda one: (one.queue, one.turn)):
        if entry.queue and entry.queue in (waiting if entry.outward else inside):
            continue
        ready.append(entry)
        waiting.add(entry.queue)
        if not entry.outward:
            inside.add(entry.queue)
    return sorted(ready, key=lambda one: one.order)


@dataclass
class Worked:
    """What one run did: ids of entries done, errors by id, and `busy` when another one works."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    busy: bool = False


@dataclass(frozen=True)
class Outbox:
    """Lists what is pending or failed, and carries it out, one worker at a time."""

    records: Records
    clock: Clock
    executors: Mapping[str, Executor] = field(default_factory=dict)

    def hold(self, seconds: float) -> None:
        """Let nobody work for a while; a worker that is at it stops after its present entry."""
        until = int(self.clock.now() + seconds)
        held = Lease(tenant=ANY_TENANT, name=LEASE, holder=secrets.token_hex(8), until=until)
        self.records.commit(Put(held))

    def tenants(self) -> list[str]:
        """The tenants that have ever had an entry."""
        return [found.name for found in self.records.list(OutboxTenant, tenant=ANY_TENANT)]

    def pending(self, tenant: str) -> list[OutboxEntry]:
        """What is still to be done, oldest first; a failed entry has `attempts` and `error`."""
        return self.records.list(OutboxEntry, tenant=tenant)

    def retry(self, tenant: str, entry_id: str) -> OutboxEntry:
        """Make an entry due now. Raises NotFound when it is done or never was."""
        due = replace(self._entry(tenant, entry_id), not_before=0)
        self.records.commit(Replace(due), *self._result(due, Standing.PENDING, due.error))
        return due

    def skip(self, tenant: str, entry_id: str) -> OutboxEntry:
        """Give an entry up, so that those behind it go on. Raises NotFound as `retry`."""
        entry = self._entry(tenant, entry_id)
        self.records.commit(Remove(entry), *self._result(entry, Standing.SKIPPED, entry.error))
        return entry

    def _entry(self, tenant: str, entry_id: str) -> OutboxEntry:
        for entry in self.pending(tenant):
            if entry.id == entry_id:
                return entry
        raise NotFound("Outbox entry", entry_id)

    def work(self, deadline: float, tenant: str = "") -> Worked:
        """Carry out what is due, of one tenant or all, until the deadline (epoch seconds).

        Entries that appear meanwhile are done too. A failing entry waits and holds up no other.
        """
        worked = Worked()
        if not self._due(tenant):
            return worked  # most runs: nothing is written then
        holder = secrets.token_hex(8)
        if not self._lease(holder):
            worked.busy = True
            return worked
        try:
            while True:
                due = self._due(tenant)
                for entry in due:
                    if self.clock.now() >= deadline or not self._lease(holder):
                        return worked
                    self._carry_out(entry, worked)
                if not due:
                    return worked
        finally:
            self._release(holder)

    def _due(self, tenant: str) -> list[OutboxEntry]:
        known = self.records.list(OutboxTenant, tenant=ANY_TENANT)
        tenants = [tenant] if tenant else [found.name for found in known]
        now = self.clock.now()
        ready = [e for name in tenants for e in in_turn(self.pending(name)) if e.not_before <= now]
        # What keeps state, gateway and subscriptions in agreement comes before what may hang.
        return sorted(ready, key=lambda entry: entry.outward)

    def _carry_out(self, entry: OutboxEntry, worked: Worked) -> None:
        # Counted before the attempt: an entry that kills its function waits like one that fails.
        wait = min(FIRST_WAIT * 2**entry.attempts, LONGEST_WAIT)
        tried = replace(
            entry,
            attempts=entry.attempts + 1,
            error=entry.error or "The attempt did not come to its end",
            not_before=int(self.clock.now()) + wait,
        )
        try:
            self.records.commit(Replace(tried))
        except LostRace:
            return  # somebody retried or finished it
        tried = replace(tried, stamp=tried.stamp + 1)
        try:
            finished = self._executor(entry.kind)(entry)
        except Exception as exc:  # whatever an executor raises, the others go on
            worked.failed[entry.id] = exc
            text = f"{type(exc).__name__}: {exc}"[:MAX_ERROR]
            failed = self._result(tried, Standing.FAILED, text)
            self._commit(Replace(replace(tried, error=text)), *failed)
        else:
            if finished is True:
                worked.done.append(entry.id)
                self._commit(Remove(tried), *self._result(tried, Standing.DONE))
                return
            again = replace(tried, attempts=0, error="", not_before=0)
            self._commit(Replace(replace(again, payload=finished) if finished else again))

    def _result(self, entry: OutboxEntry, standing: Standing, reason: str = "") -> list[Change]:
        """How the execution stands beside its history; none for other entries, or of an API that
        is gone.
        """
        found = entry.history and self.records.get(
            ExecutionResult,
            tenant=entry.tenant,
            api_id=entry.queue,
            order=entry.history,
            number=str(entry.number),
        )
        if not found:
            return []
        now, tries = int(self.clock.now() * 1000), max(found.attempts, entry.attempts)
        return [
            Replace(replace(found, standing=standing, reason=reason, attempts=tries, updated=now))
        ]

    def _executor(self, kind: str) -> Executor:
        if kind not in self.executors:
            raise NotFound("Executor", kind)
        return self.executors[kind]

    def _commit(self, *changes: Change) -> None:
        # Lost only when a person asked for a retry meanwhile: then the entry stays due.
        with suppress(LostRace):
            self.records.commit(*changes)

    def _lease(self, holder: str) -> bool:
        """Take or renew the lease; False when another worker has it."""
        found = self.records.get(Lease, tenant=ANY_TENANT, name=LEASE)
        now = self.clock.now()
        if found and found.holder != holder and found.until > now:
            return False
        until = int(now) + LEASE_SECONDS
        lease = Lease(
            tenant=ANY_TENANT,
            name=LEASE,
            holder=holder,
            until=until,
            stamp=found.stamp if found else 0,
        )
        try:
            self.records.commit(Replace(lease))
        except LostRace:
            return False
        return True

    def _release(self, holder: str) -> None:
        found = self.records.get(Lease, tenant=ANY_TENANT, name=LEASE)
        if found and found.holder == holder:
            self._commit(Remove(found))
