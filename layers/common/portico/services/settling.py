"""Brings the APIs of a tenant to the life cycle that has been put in force: to a state that it has,
and to what it says of that state.

An API whose state and behaviour are as they should be is left alone, so this may run twice, late
or half, and beside transitions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from portico.domain.api import Api, ApiCard, Delivery, HistoryEntry
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import LostRace, PorticoError
from portico.domain.records import Change, Create, Replace
from portico.domain.user import Caller
from portico.lifecycle.model import LifeCycle, StateNode
from portico.ports import Clock, Documents, Records
from portico.services.auditing import audit, time_order
from portico.services.deployments import Deployments
from portico.services.effects import CLOSE_SUBSCRIPTIONS, entered
from portico.services.outbox import enqueue
from portico.services.revisions import Revisions

EVENT = "Life cycle changed"  # what the history says instead of an event
TRIES = 5


@dataclass(frozen=True)
class Settling:
    """Moves APIs; `lifecycle_of` gives the life cycle in force, by tenant."""

    records: Records
    documents: Documents
    clock: Clock
    lifecycle_of: Callable[[str], LifeCycle]

    def settle(self, tenant: str, mapping: Mapping[str, str], user: str, deadline: float) -> bool:
        """Move every API that the life cycle in force asks to move; `mapping` is old state in
        capitals -> new state. False: the deadline (epoch seconds) came first.

        An API in a state that neither the life cycle nor the mapping knows stays where it is. One
        that cannot be moved holds up no other; its error is raised when the others are done.
        """
        lifecycle = self.lifecycle_of(tenant)
        failed: PorticoError | None = None
        for card in self.records.list(ApiCard, tenant=tenant):
            if self._wanted(card, lifecycle, mapping) is None:
                continue
            if self.clock.now() >= deadline:
                return False
            try:
                self._move(tenant, card.id, lifecycle, mapping, Caller(tenant, user))
            except PorticoError as exc:
                failed = failed or exc
        if failed:
            raise failed
        return True

    def _wanted(
        self, api: Api | ApiCard, lifecycle: LifeCycle, mapping: Mapping[str, str]
    ) -> StateNode | None:
        """The state that the API should go to, if it has to change at all."""
        node = lifecycle.state(api.state) or lifecycle.state(mapping.get(api.state, ""))
        if node is None or (node.id.upper() == api.state and node.behaviour == api.behaviour):
            return None
        return node

    def _move(
        self,
        tenant: str,
        api_id: str,
        lifecycle: LifeCycle,
        mapping: Mapping[str, str],
        caller: Caller,
    ) -> None:
        for attempt in range(TRIES):
            api = self.records.get(Api, tenant=tenant, id=api_id)
            node = self._wanted(api, lifecycle, mapping) if api else None
            if api is None or node is None:
                return
            try:
                self.records.commit(*self._changes(api, node, caller))
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return

    def _changes(self, api: Api, node: StateNode, caller: Caller) -> list[Change]:
        revisions = Revisions(self.records, self.documents, self.clock)
        deployments = Deployments(self.records)
        now = self.clock.now()
        after = entered(api, node.id.upper(), node.behaviour, now)
        after = replace(after, updated=int(now * 1000))
        if behaviour_of(after).keeps_subscriptions:
            changes = deployments.mark(after)
            if any(found.delivery == Delivery.PASS_THROUGH for found in deployments.of(after)):
                changes.append(revisions.route_entry(after))
        else:
            after, changes = revisions.take_off_gateway(after)
            payload = {"api_id": api.id}
            changes.append(
                enqueue(self.records, self.clock, api.tenant, CLOSE_SUBSCRIPTIONS, payload)
            )
        if after.state != api.state:
            changes.append(Create(self._history(api, after, caller)))
        entry = audit(
            self.clock,
            caller,
            "settle",
            "api",
            api.id,
            {"state": api.state, "deployed": api.deployed_revision},
            {"state": after.state, "deployed": after.deployed_revision},
        )
        return [Replace(after), revisions.card(after), *changes, entry]

    def _history(self, api: Api, after: Api, caller: Caller) -> HistoryEntry:
        return HistoryEntry(
            tenant=api.tenant,
            api_id=api.id,
            order=time_order(self.clock.now()),
            previous_state=api.state,
            post_state=after.state,
            event=EVENT,
            user=caller.user,
            updated=after.updated,
            deployed_before=api.deployed_revision,
            deployed_after=after.deployed_revision,
        )
