"""What a transition does inside Portico: to the gateway, the subscriptions and older versions.

The new state's behaviour is put into effect whatever the document executes; the built-in executor
adds deploying, carrying subscriptions forward and deprecating older versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import Api, Delivery
from portico.domain.behaviour import Access, Behaviour, behaviour_of
from portico.domain.errors import InvalidInput, Problem
from portico.domain.records import Change, Create
from portico.domain.user import Caller
from portico.lifecycle.engine import Step
from portico.lifecycle.model import (
    BUILT_IN,
    DEPRECATE_OLD,
    PROPAGATE,
    RESUBSCRIBE,
    LifeCycle,
    same_item,
)
from portico.ports import Clock, Documents, Records
from portico.services.deployments import ROUTED, Deployments, check_deliverable, mocked
from portico.services.outbox import enqueue
from portico.services.revisions import Revisions
from portico.services.versions import older_versions

# Kinds of outbox entries that transitions leave.
CLOSE_SUBSCRIPTIONS = "close-subscriptions"
DEPRECATE_OLDER = "deprecate-older"
CARRY_SUBSCRIPTIONS = "carry-subscriptions"


def entered(api: Api, state: str, declared: Behaviour | None, now: float) -> Api:
    """The API in a new state, with what the document declares for it; `now` in epoch seconds."""
    after = replace(api, state=state, behaviour=declared)
    deprecated = behaviour_of(after).deprecated
    return replace(after, deprecated=(api.deprecated or int(now)) if deprecated else 0)


@dataclass(frozen=True)
class Effects:
    """Changes for the commit of a transition; nothing here commits."""

    records: Records
    documents: Documents
    clock: Clock

    def inside(
        self, caller: Caller, before: Api, after: Api, lifecycle: LifeCycle, taken: Step
    ) -> tuple[Api, list[Change]]:
        """The API after the transition, and the changes that belong to it.

        Raises InvalidInput naming what an API lacks that people are to subscribe to or call.
        """
        behaviour = behaviour_of(after)
        if behaviour.subscribable:
            check_publishable(after)
        revisions = Revisions(self.records, self.documents, self.clock)
        if not behaviour.keeps_subscriptions:
            after, changes = revisions.take_off_gateway(after)
            return after, [*changes, self._later(after, CLOSE_SUBSCRIPTIONS)]
        built_in = any(one.executor == BUILT_IN for one in taken.executions)
        ticked = {same_item(name): value for name, value in taken.checklist.items()}
        deployed = after.deployed_revision and not self._outgrown(after)
        if built_in and not deployed and _propagates(lifecycle, ticked, behaviour):
            if not mocked(after, after):
                check_deliverable(after)
            after, revision = revisions.snapshot(after, caller, taken.event)
            after, revision, changes = revisions.put_on_gateway(after, revision)
            changes = [Create(revision), *changes]
        else:
            deployments = Deployments(self.records)
            changes = deployments.mark(after)
            if any(found.delivery == Delivery.PASS_THROUGH for found in deployments.of(after)):
                changes.append(revisions.route_entry(after))
        if built_in and behaviour.subscribable:
            changes += self._for_older_versions(caller, before, after, ticked)
        return after, changes

    def _outgrown(self, api: Api) -> bool:
        """Whether the gateway answers from examples although the API has a back end by now."""
        there = Deployments(self.records).of(api)
        return any(found.mock for found in there) and not mocked(api, api)

    def _for_older_versions(
        self, caller: Caller, before: Api, after: Api, ticked: Mapping[str, bool]
    ) -> list[Change]:
        changes: list[Change] = []
        if not older_versions(self.records, after):
            return changes
        # A document that does not ask carries subscriptions forward when the API first takes them.
        new = behaviour_of(before).access in (Access.NONE, Access.OPEN)
        resubscribe = ticked.get(same_item(RESUBSCRIBE), not new)
        # Carried first: what is deprecated afterwards takes no new subscribers.
        if not resubscribe:
            changes.append(self._later(after, CARRY_SUBSCRIPTIONS, until=after.updated))
        if ticked.get(same_item(DEPRECATE_OLD)):
            asked_by = {"user": caller.user, "roles": list(caller.roles)}
            changes.append(self._later(after, DEPRECATE_OLDER, **asked_by))
        return changes

    def _later(self, api: Api, kind: str, **payload: Any) -> Change:
        return enqueue(self.records, self.clock, api.tenant, kind, {"api_id": api.id, **payload})


def _propagates(lifecycle: LifeCycle, ticked: Mapping[str, bool], behaviour: Behaviour) -> bool:
    """Whether the transition deploys: as its box says; documents of an era without the box always
    do.
    """
    name = same_item(PROPAGATE)
    if name in ticked:
        return ticked[name]
    asks = any(same_item(item.name) == name for item in lifecycle.items)
    return not asks and behaviour.access in ROUTED and not behaviour.deprecated


def check_publishable(api: Api) -> None:
    """Raises InvalidInput naming everything that subscribers would miss."""
    problems = []
    if not (api.production_endpoint or api.sandbox_endpoint):
        problems.append(Problem("endpointConfig", "an endpoint is needed"))
    if not api.policies:
        problems.append(Problem("policies", "at least one subscription policy is needed"))
    if problems:
        missing = " and ".join(problem.message for problem in problems)
        raise InvalidInput(f"{api.name} {api.version} cannot be published: {missing}", problems)
