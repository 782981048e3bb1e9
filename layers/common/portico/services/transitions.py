"""Life-cycle transitions: one commit of the state and of everything that must be true with it.

What may be done later goes into the outbox with it. Which event leads where is the life cycle's
business (`portico.lifecycle`); what carries out an outbox entry is the lifecycle function's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import Api, Delivery, HistoryEntry, State
from portico.domain.errors import (
    InvalidInput,
    LostRace,
    NotFound,
    Problem,
    Stale,
    TransitionRefused,
)
from portico.domain.records import Change, Create, Replace
from portico.domain.user import Caller
from portico.lifecycle.engine import Step, describe, step
from portico.lifecycle.model import DEPRECATE_OLD, PROPAGATE, RESUBSCRIBE, LifeCycle, same_item
from portico.ports import Clock, Documents, Records
from portico.services.auditing import audit, time_order
from portico.services.deployments import Deployments, check_deliverable
from portico.services.outbox import enqueue
from portico.services.revisions import Revisions
from portico.services.versions import older_versions

TRIES = 5
# The one that documents of all eras name; any other would do nothing here, so it is refused.
BUILT_IN = "org.wso2.carbon.apimgt.impl.executors.APIExecutor"
# Kinds of outbox entries that transitions leave.
CLOSE_SUBSCRIPTIONS = "close-subscriptions"
DEPRECATE_OLDER = "deprecate-older"
CARRY_SUBSCRIPTIONS = "carry-subscriptions"


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

    def state(self, caller: Caller, api_id: str) -> dict[str, Any]:
        """The contract's `LifecycleState` of an API."""
        return describe(self.lifecycle_of(caller.tenant), self.api(caller, api_id).state)

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
            taken = step(
                self.lifecycle_of(caller.tenant), api.state, event, checklist, caller.roles
            )
            try:
                changed, changes = self._effects(caller, api, taken, comment, approved_by)
                self.records.commit(Replace(changed), *changes, *also)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return Changed(replace(changed, stamp=changed.stamp + 1), taken)
        raise AssertionError("the last attempt returns or raises")

    def _effects(
        self, caller: Caller, api: Api, taken: Step, comment: str, approved_by: str
    ) -> tuple[Api, list[Change]]:
        """The API after the step, and all that is committed with it."""
        for execution in taken.executions:
            if execution.executor != BUILT_IN:
                raise TransitionRefused(f"There is no executor '{execution.executor}'")
        revisions = Revisions(self.records, self.documents, self.clock)
        now = int(self.clock.now() * 1000)
        after = replace(api, state=taken.state.upper(), updated=now, updated_by=caller.user)
        changes: list[Change] = []
        if taken.executions:
            after, changes = self._carried_out(caller, after, taken, revisions)
        history = HistoryEntry(
            tenant=api.tenant,
            api_id=api.id,
            order=time_order(self.clock.now()),
            previous_state=api.state,
            post_state=after.state,
            event=taken.event,
            user=caller.user,
            updated=now,
            checklist=dict(taken.checklist),
            comment=comment,
            approved_by=approved_by,
            deployed_before=api.deployed_revision,
            deployed_after=after.deployed_revision,
        )
        entry = audit(
            self.clock,
            caller,
            "transition",
            "api",
            api.id,
            {"state": api.state, "deployed": api.deployed_revision},
            {"state": after.state, "deployed": after.deployed_revision, "event": taken.event},
        )
        return after, [revisions.card(after), Create(history), *changes, entry]

    def _carried_out(
        self, caller: Caller, api: Api, taken: Step, revisions: Revisions
    ) -> tuple[Api, list[Change]]:
        """What the built-in executor does: `api` has its new state already."""
        offered = {same_item(name): value for name, value in taken.checklist.items()}
        if api.state == State.PUBLISHED:
            _check_publishable(api)
        if api.state == State.RETIRED:
            api, changes = revisions.take_off_gateway(api)
            return api, [*changes, self._later(api, CLOSE_SUBSCRIPTIONS)]
        changes = []
        deployments = Deployments(self.records)
        if offered.get(same_item(PROPAGATE)) and not api.deployed_revision:
            check_deliverable(api)
            api, revision = revisions.snapshot(api, caller, taken.event)
            api, revision, changes = revisions.put_on_gateway(api, revision)
            changes = [Create(revision), *changes]
        else:
            changes = deployments.mark(api)
            if any(found.delivery == Delivery.PASS_THROUGH for found in deployments.of(api)):
                changes.append(revisions.route_entry(api))
        return api, changes + self._for_older_versions(caller, api, offered)

    def _for_older_versions(
        self, caller: Caller, api: Api, offered: Mapping[str, bool]
    ) -> list[Change]:
        changes: list[Change] = []
        if api.state != State.PUBLISHED or not older_versions(self.records, api):
            return changes
        # Carried first: what is deprecated afterwards takes no new subscribers.
        if offered.get(same_item(RESUBSCRIBE)) is False:
            changes.append(self._later(api, CARRY_SUBSCRIPTIONS, until=api.updated))
        if offered.get(same_item(DEPRECATE_OLD)):
            asked_by = {"user": caller.user, "roles": list(caller.roles)}
            changes.append(self._later(api, DEPRECATE_OLDER, **asked_by))
        return changes

    def _later(self, api: Api, kind: str, **payload: Any) -> Change:
        return enqueue(self.records, self.clock, api.tenant, kind, {"api_id": api.id, **payload})

    def api(self, caller: Caller, api_id: str) -> Api:
        """The API as it is now; NotFound when the caller's tenant has none of this id."""
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None:
            raise NotFound("API", api_id)
        return api


def _check_publishable(api: Api) -> None:
    problems = []
    if not (api.production_endpoint or api.sandbox_endpoint):
        problems.append(Problem("endpointConfig", "an endpoint is needed"))
    if not api.policies:
        problems.append(Problem("policies", "at least one subscription policy is needed"))
    if problems:
        missing = " and ".join(problem.message for problem in problems)
        raise InvalidInput(f"{api.name} {api.version} cannot be published: {missing}", problems)
