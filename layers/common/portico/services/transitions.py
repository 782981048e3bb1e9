"""Life-cycle transitions: one commit of the state and of everything that must be true with it.

What may be done later goes into the outbox with it. Which event leads where is the life cycle's
business (`portico.lifecycle`); what carries out an outbox entry is the lifecycle function's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import Api, HistoryEntry, NameClaim, SubscriberCount
from portico.domain.errors import LostRace, NotFound, Stale, TransitionRefused
from portico.domain.records import Change, Create, Replace
from portico.domain.user import Caller
from portico.lifecycle.engine import Step, describe, step
from portico.lifecycle.model import DEPRECATE_OLD, LifeCycle, same_item
from portico.ports import Clock, Documents, Records
from portico.services.auditing import audit, time_order
from portico.services.effects import CARRY_SUBSCRIPTIONS as CARRY_SUBSCRIPTIONS
from portico.services.effects import CLOSE_SUBSCRIPTIONS as CLOSE_SUBSCRIPTIONS
from portico.services.effects import DEPRECATE_OLDER as DEPRECATE_OLDER
from portico.services.effects import Effects, entered
from portico.services.executing import Executing, Resolves, check, standard
from portico.services.revisions import Revisions
from portico.services.tenant_config import DEPRECATE_OLD_VERSIONS, setting

TRIES = 5


@dataclass(frozen=True)
class Changed:
    """A transition that was taken; `api` is the API after it."""

    api: Api
    step: Step


@dataclass(frozen=True)
class Transitions:
    """Reads and changes the state of APIs by a life cycle."""

    records: Records
    documents: Documents
    clock: Clock
    lifecycle_of: Callable[[str], LifeCycle]  # by tenant
    resolves: Resolves = standard  # whether a document's executor can be carried out

    def state(self, caller: Caller, api_id: str) -> dict[str, Any]:
        """The contract's `LifecycleState` of an API, for everybody: roles play no part."""
        return self.described(self.api(caller, api_id))

    def described(self, api: Api) -> dict[str, Any]:
        """The same of an API that is known: boxes about other versions only where there are any,
        ticked beforehand as the tenant wants them.
        """
        lifecycle = self.lifecycle_of(api.tenant)
        if lifecycle.state(api.state) is None:
            # Another life cycle is in force since a moment, and the API not yet brought to it.
            return {"state": api.state, "checkItems": [], "availableTransitions": []}
        claims = self.records.list(NameClaim, limit=2, tenant=api.tenant, name=api.name.lower())
        found = describe(lifecycle, api.state, versions=len(claims) > 1)
        for item in found["checkItems"]:
            if same_item(item["name"]) == same_item(DEPRECATE_OLD) and self._deprecates(api.tenant):
                item["value"] = True
        return found

    def history(self, caller: Caller, api_id: str) -> list[HistoryEntry]:
        """Every transition of an API, oldest first."""
        self.api(caller, api_id)
        return self.records.list(HistoryEntry, tenant=caller.tenant, api_id=api_id)

    def change(
        self,
        caller: Caller,
        api_id: str,
        event: str,
        checklist: Mapping[str, bool],
        stamp: int | None = None,
        *,
        comment: str = "",
        approved_by: str = "",
        also: Sequence[Change] = (),
    ) -> Changed:
        """Take a transition. `stamp` is the state that the caller has seen, if that matters.

        `comment` and `approved_by` go into the history; `also` is committed with the transition.

        Raises NotFound, Stale, TransitionRefused, Forbidden and InvalidInput as the engine does,
        and InvalidInput naming what publishing lacks.
        """
        for attempt in range(TRIES):
            api = self.api(caller, api_id)
            if stamp is not None and api.stamp != stamp:
                raise Stale("The API has been changed since it was read")
            lifecycle = self.lifecycle_of(caller.tenant)
            ticked = self._preset(lifecycle, api, event, checklist)
            taken = step(lifecycle, api.state, event, ticked, caller.roles)
            if taken.approval and not approved_by:
                raise TransitionRefused(f"'{taken.event}' needs the approval of a second person")
            try:
                changed, changes = self._effects(
                    caller, api, lifecycle, taken, comment, approved_by
                )
                self.records.commit(Replace(changed), *changes, *also)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return Changed(replace(changed, stamp=changed.stamp + 1), taken)
        raise AssertionError("the last attempt returns or raises")

    def _preset(
        self, lifecycle: LifeCycle, api: Api, event: str, checklist: Mapping[str, bool]
    ) -> Mapping[str, bool]:
        """The checklist with what the tenant ticks where nobody said anything."""
        node = lifecycle.state(api.state)
        transition = node.transition(event) if node else None
        wanted = same_item(DEPRECATE_OLD)
        offered = [
            item.name
            for item in (transition.items if transition else ())
            if same_item(item.name) == wanted
        ]
        if not offered or any(same_item(name) == wanted for name in checklist):
            return checklist
        return {**checklist, offered[0]: True} if self._deprecates(api.tenant) else checklist

    def _deprecates(self, tenant: str) -> bool:
        return setting(self.records, tenant, DEPRECATE_OLD_VERSIONS)

    def _effects(
        self,
        caller: Caller,
        api: Api,
        lifecycle: LifeCycle,
        taken: Step,
        comment: str,
        approved_by: str,
    ) -> tuple[Api, list[Change]]:
        """The API after the step, and all that is committed with it."""
        check(taken.executions, self.resolves)
        now = self.clock.now()
        node = lifecycle.state(taken.state)
        after = entered(api, taken.state.upper(), node.behaviour if node else None, now)
        after = replace(after, updated=int(now * 1000), updated_by=caller.user)
        effects = Effects(self.records, self.documents, self.clock)
        after, changes = effects.inside(caller, api, after, lifecycle, taken)
        history = HistoryEntry(
            tenant=api.tenant,
            api_id=api.id,
            order=time_order(now),
            previous_state=api.state,
            post_state=after.state,
            event=taken.event,
            user=caller.user,
            updated=after.updated,
            checklist=dict(taken.checklist),
            comment=comment,
            approved_by=approved_by,
            deployed_before=api.deployed_revision,
            deployed_after=after.deployed_revision,
            deprecated_before=api.deprecated,
            subscribers=self._subscribers(api),
        )
        executing = Executing(self.records, self.documents, self.clock)
        changes += executing.outward(api, taken.executions, told(after, history))
        entry = audit(
            self.clock,
            caller,
            "transition",
            "api",
            api.id,
            {"state": api.state, "deployed": api.deployed_revision},
            {"state": after.state, "deployed": after.deployed_revision, "event": taken.event},
        )
        card = Revisions(self.records, self.documents, self.clock).card(after)
        return after, [card, Create(history), *executing.in_order(api, history, changes), entry]

    def _subscribers(self, api: Api) -> int:
        found = self.records.get(SubscriberCount, tenant=api.tenant, api_id=api.id)
        return found.count if found else 0

    def api(self, caller: Caller, api_id: str) -> Api:
        """The API as it is now; NotFound when the caller's tenant has none of this id."""
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None:
            raise NotFound("API", api_id)
        return api


def told(api: Api, history: HistoryEntry) -> dict[str, Any]:
    """The transition as executions outside are told of it; `at` is in epoch milliseconds."""
    return {
        "order": history.order,
        "tenant": api.tenant,
        "api": {
            "id": api.id,
            "name": api.name,
            "version": api.version,
            "context": api.full_context,
            "provider": api.provider,
        },
        "event": history.event,
        "from": history.previous_state,
        "to": history.post_state,
        "user": history.user,
        "comment": history.comment,
        "at": history.updated,
    }
