"""Undoing the last transition of an API: a step back beside the life cycle, while nothing that
happened since depends on it.

It is a change of its own, with its own line in the history; the undone line stays.
"""

from dataclasses import dataclass, replace

from portico.domain.api import Api, HistoryEntry, Revision, SubscriberCount
from portico.domain.application import Subscription
from portico.domain.behaviour import Access, behaviour_of
from portico.domain.errors import Forbidden, LostRace, PorticoError, Stale, TransitionRefused
from portico.domain.executions import ExecutionResult, Standing
from portico.domain.operations import OutboxEntry
from portico.domain.records import Change, Create, Remove, Replace, Require
from portico.domain.user import PUBLISHER, Caller
from portico.lifecycle.engine import node_of, permitted
from portico.lifecycle.model import DEPRECATE_OLD, same_event, same_item
from portico.services.auditing import audit, time_order
from portico.services.deployments import Deployments
from portico.services.effects import (
    CARRY_SUBSCRIPTIONS,
    CLOSE_SUBSCRIPTIONS,
    DEPRECATE_OLDER,
    entered,
)
from portico.services.executing import Executing
from portico.services.revisions import ROUTE, Revisions
from portico.services.transitions import Transitions
from portico.services.versions import older_versions

TRIES = 5
# Begun, they have changed subscriptions or other versions; the rest looks at the state of the API.
LASTING = (CARRY_SUBSCRIPTIONS, CLOSE_SUBSCRIPTIONS, DEPRECATE_OLDER)


@dataclass(frozen=True)
class Undone:
    """The API after the undo, and the line of history that was undone."""

    api: Api
    entry: HistoryEntry


@dataclass(frozen=True)
class Undoing:
    """Takes the last transition back, within `seconds` of it."""

    transitions: Transitions
    seconds: float

    def last(self, caller: Caller, api_id: str) -> tuple[HistoryEntry | None, str]:
        """The transition that an undo would take back, and why it cannot ('' when it can)."""
        api = self.transitions.api(caller, api_id)
        try:
            entry = self._judged(caller, api)
            self._way_back(caller, api, entry)
        except PorticoError as exc:
            return self._last(api), str(exc)
        return entry, ""

    def undo(
        self, caller: Caller, api_id: str, stamp: int | None = None, comment: str = ""
    ) -> Undone:
        """Take the last transition back. `stamp` is the state that the caller has seen.

        Raises NotFound, Stale, Forbidden (who may not take the transition may not undo it) and
        TransitionRefused saying what forbids it.
        """
        for attempt in range(TRIES):
            api = self.transitions.api(caller, api_id)
            if stamp is not None and api.stamp != stamp:
                raise Stale("The API has been changed since it was read")
            # Whoever subscribes at this moment is either seen here or makes the commit fail.
            count = self._count(api)
            entry = self._judged(caller, api)
            try:
                after, changes = self._way_back(caller, api, entry)
                told = self._told(caller, api, after, entry, comment)
                changes = self._executing.in_order(api, told, changes)
                noted = self._noted(caller, api, after, entry)
                self.transitions.records.commit(
                    Replace(after), Create(told), *changes, Require(count), noted
                )
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return Undone(replace(after, stamp=after.stamp + 1), entry)
        raise AssertionError("the last attempt returns or raises")

    def _last(self, api: Api) -> HistoryEntry | None:
        found = self.transitions.records.list(
            HistoryEntry, newest_first=True, limit=1, tenant=api.tenant, api_id=api.id
        )
        return found[0] if found else None

    def _judged(self, caller: Caller, api: Api) -> HistoryEntry:
        """The last transition, when this caller may undo it and nothing since forbids it."""
        entry = self._last(api)
        if entry is None:
            raise TransitionRefused("There is no transition to undo")
        if entry.undoes:
            raise TransitionRefused("The last change was an undo itself")
        self._check_role(caller, api, entry)
        if self.transitions.clock.now() > entry.updated / 1000 + self.seconds:
            limit = f"{self.seconds / 60:g} minutes"
            raise TransitionRefused(f"'{entry.event}' was taken more than {limit} ago")
        if entry.post_state != api.state:
            raise TransitionRefused(f"The API is {api.state}, not {entry.post_state}, by now")
        if entry.deployed_after != api.deployed_revision:
            raise TransitionRefused("What is on the gateway has been changed since")
        self._check_subscriptions(api, entry)
        for older in older_versions(self.transitions.records, api):
            last = self._last(older)
            if last and _with_it(entry, last):
                raise TransitionRefused(
                    f"Version {older.version} was deprecated with it; undo that first"
                )
        return entry

    def _check_role(self, caller: Caller, api: Api, entry: HistoryEntry) -> None:
        lifecycle = self.transitions.lifecycle_of(api.tenant)
        taken = node_of(lifecycle, entry.previous_state).transition(entry.event)
        if taken is None:
            raise TransitionRefused(f"The life cycle no longer has '{entry.event}'")
        if not permitted(taken, caller.roles):
            needed = " or ".join(taken.roles or (PUBLISHER,))
            raise Forbidden(f"Undoing '{taken.event}' needs the role {needed}")

    def _check_subscriptions(self, api: Api, entry: HistoryEntry) -> None:
        records = self.transitions.records
        closed = entry.subscribers - self._count(api).count
        if not behaviour_of(api).keeps_subscriptions and closed > 0:
            raise TransitionRefused(f"{_many(closed)} been closed since")
        access = behaviour_of(self._before(api, entry)).access
        if access in (Access.TOKEN, Access.BLOCKED):
            return
        found = records.list(Subscription, by="api", tenant=api.tenant, api_id=api.id)
        newer = sum(one.created > entry.updated for one in found)
        if newer:
            state = entry.previous_state
            raise TransitionRefused(f"{_many(newer)} been made since; a {state} API has none")

    def _count(self, api: Api) -> SubscriberCount:
        found = self.transitions.records.get(SubscriberCount, tenant=api.tenant, api_id=api.id)
        return found or SubscriberCount(tenant=api.tenant, api_id=api.id, count=0)

    def _before(self, api: Api, entry: HistoryEntry) -> Api:
        """The API in the state that it came from, with what the document says of that now."""
        node = node_of(self.transitions.lifecycle_of(api.tenant), entry.previous_state)
        api = replace(api, deprecated=entry.deprecated_before)
        return entered(api, entry.previous_state, node.behaviour, self.transitions.clock.now())

    def _way_back(self, caller: Caller, api: Api, entry: HistoryEntry) -> tuple[Api, list[Change]]:
        """The API as it was, and what puts gateway and outbox right."""
        now = int(self.transitions.clock.now() * 1000)
        after = replace(self._before(api, entry), updated=now, updated_by=caller.user)
        changes: list[Change] = []
        records = self.transitions.records
        revisions = Revisions(records, self.transitions.documents, self.transitions.clock)
        if entry.deployed_before and entry.deployed_before != api.deployed_revision:
            revision = records.get(
                Revision, tenant=api.tenant, api_id=api.id, id=entry.deployed_before
            )
            if revision is None:
                raise TransitionRefused("The revision that was on the gateway has been deleted")
            after, revision, changes = revisions.put_on_gateway(after, revision)
            changes.append(Replace(revision))
        elif api.deployed_revision and not entry.deployed_before:
            after, changes = revisions.take_off_gateway(after)
        else:
            changes = Deployments(records).mark(after)
            changes.append(revisions.route_entry(after))
        return after, [*changes, revisions.card(after), *self._called_off(entry)]

    def _called_off(self, entry: HistoryEntry) -> list[Change]:
        """Executions of the undone transition that nobody has begun are not begun any more."""
        changes: list[Change] = []
        for pending in self.transitions.records.list(OutboxEntry, tenant=entry.tenant):
            if pending.history != entry.order or pending.kind == ROUTE:
                continue
            if not pending.attempts:
                changes += [Remove(pending), *self._skipped(pending)]
            elif pending.kind in LASTING:
                raise TransitionRefused(f"'{pending.kind}' is being carried out for it")
        return changes

    def _skipped(self, pending: OutboxEntry) -> list[Change]:
        found = pending.history and self.transitions.records.get(
            ExecutionResult,
            tenant=pending.tenant,
            api_id=pending.queue,
            order=pending.history,
            number=str(pending.number),
        )
        if not found:
            return []
        reason = "The transition was undone before"
        return [Replace(replace(found, standing=Standing.SKIPPED, reason=reason))]

    def _told(
        self, caller: Caller, api: Api, after: Api, entry: HistoryEntry, comment: str
    ) -> HistoryEntry:
        return HistoryEntry(
            tenant=api.tenant,
            api_id=api.id,
            order=time_order(self.transitions.clock.now()),
            previous_state=api.state,
            post_state=after.state,
            event=f"Undo {entry.event}",
            user=caller.user,
            updated=after.updated,
            comment=comment,
            undoes=entry.order,
            deployed_before=api.deployed_revision,
            deployed_after=after.deployed_revision,
        )

    def _noted(self, caller: Caller, api: Api, after: Api, entry: HistoryEntry) -> Create:
        was = {"state": api.state, "deployed": api.deployed_revision}
        became = {"state": after.state, "deployed": after.deployed_revision, "undoes": entry.event}
        return audit(self.transitions.clock, caller, "undo", "api", api.id, was, became)

    @property
    def _executing(self) -> Executing:
        given = self.transitions
        return Executing(given.records, given.documents, given.clock)


def _with_it(entry: HistoryEntry, older: HistoryEntry) -> bool:
    """Whether the last transition of an older version was done by this one."""
    ticked = {same_item(name) for name, value in entry.checklist.items() if value}
    deprecated = same_event(older.event) == same_event("Deprecate")
    return deprecated and older.updated >= entry.updated and same_item(DEPRECATE_OLD) in ticked


def _many(count: int) -> str:
    return "1 subscription has" if count == 1 else f"{count} subscriptions have"
