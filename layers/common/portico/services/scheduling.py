"""Transitions planned for later: made, shown, cancelled, and taken at their time.

A plan is a record; the schedule at AWS only wakes us and may come late, twice or never. What is
overdue is found without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from portico.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LimitReached,
    LostRace,
    NotFound,
    PorticoError,
    TransitionRefused,
)
from portico.domain.plans import DuePlan, Plan, PlanStatus
from portico.domain.records import Change, Create, Discard, Replace
from portico.domain.user import Caller, User
from portico.lifecycle.engine import step
from portico.services.approving import Approving
from portico.services.auditing import audit
from portico.services.outbox import enqueue
from portico.services.transitions import Transitions

SCHEDULE = "schedule"  # the kind of outbox entry that has the schedule at AWS put right
LONGEST = 5 * 366 * 86400  # seconds ahead
EARLY = 60  # seconds by which AWS may call before the time
MAX_PLANS = 20  # open ones of an API
WAITS = "It waits for the approval of a second person"
MAX_COMMENT = 500  # characters
Plans = list[Plan]  # inside the class, `list` is a use case
DuePlans = list[DuePlan]
Changes = list[Change]
REFUSALS = (Conflict, Forbidden, InvalidInput, LimitReached, NotFound, TransitionRefused)


@dataclass(frozen=True)
class Scheduling:
    """Plans of transitions. After `plan` and `cancel` the caller has the outbox worked."""

    transitions: Transitions

    def plan(
        self,
        caller: Caller,
        api_id: str,
        event: str,
        at: int,
        checklist: Mapping[str, bool],
        comment: str = "",
    ) -> Plan:
        """Plan a transition; `at` is in epoch seconds.

        Raises NotFound, InvalidInput (time, event, box), Forbidden or TransitionRefused when the
        caller could take it from no state, and LimitReached.
        """
        api = self.transitions.api(caller, api_id)
        now = self.transitions.clock.now()
        if at <= now:
            raise InvalidInput.of("at", "must be in the future")
        if at > now + LONGEST:
            raise InvalidInput.of("at", "is more than five years ahead")
        if len(comment) > MAX_COMMENT:
            raise InvalidInput.of("comment", f"is a text of at most {MAX_COMMENT} characters")
        self._check(caller, api.state, event, checklist)
        if len(self._open(caller.tenant, api_id)) >= MAX_PLANS:
            raise LimitReached(f"The API has {MAX_PLANS} plans already")
        plan = Plan(
            tenant=api.tenant,
            api_id=api.id,
            id=str(uuid4()),
            at=at,
            event=event,
            checklist=dict(checklist),
            comment=comment,
            user=caller.user,
            created=int(now * 1000),
        )
        after = {"event": event, "at": at, "plan": plan.id}
        self.transitions.records.commit(
            Create(plan),
            Create(DuePlan(tenant=plan.tenant, at=plan.at, id=plan.id, api_id=api.id)),
            self._schedule(plan),
            audit(self.transitions.clock, caller, "plan-transition", "api", api.id, after=after),
        )
        return replace(plan, stamp=1)

    def list(self, caller: Caller, api_id: str) -> Plans:
        """All plans of an API, open ones and others, by their time."""
        self.transitions.api(caller, api_id)
        found = self.transitions.records.list(Plan, tenant=caller.tenant, api_id=api_id)
        return sorted(found, key=lambda plan: (plan.at, plan.id))

    def cancel(self, caller: Caller, api_id: str, plan_id: str) -> Plan:
        """Give a plan up. Raises NotFound, and Conflict when it has ended already."""
        self.transitions.api(caller, api_id)
        plan = self._plan(caller.tenant, api_id, plan_id)
        if plan is None:
            raise NotFound("Plan", plan_id)
        if plan.status != PlanStatus.PLANNED:
            raise Conflict(f"The plan is {plan.status} already")
        before = {"event": plan.event, "at": plan.at, "plan": plan.id}
        entry = audit(self.transitions.clock, caller, "cancel-plan", "api", api_id, before)
        self.transitions.records.commit(
            *self._end(plan, PlanStatus.CANCELLED), self._schedule(plan), entry
        )
        return replace(plan, status=PlanStatus.CANCELLED)

    def overdue(self, tenant: str) -> DuePlans:
        """Plans whose time has come, the oldest first; being called for twice does no harm."""
        limit = self.transitions.clock.now()
        found = self.transitions.records.list(DuePlan, limit=25, tenant=tenant)
        return [due for due in found if due.at <= limit]

    def run(self, due: DuePlan) -> Plan | None:
        """Take a planned transition with the present roles of who planned it, once.

        What refuses it ends the plan with the reason. Raises TransitionRefused when called too
        early, LostRace and Unavailable when it is worth another try. None: there is no such plan.
        """
        plan = self._plan(due.tenant, due.api_id, due.id)
        if plan is None or plan.status != PlanStatus.PLANNED:
            self.transitions.records.commit(Discard(due))
            return plan
        if self.transitions.clock.now() < plan.at - EARLY:
            raise TransitionRefused("The planned time has not come")
        approving = Approving(self.transitions)
        try:
            caller = self._caller(plan)
            waits = approving.asks(caller, plan.api_id, plan.event, plan.checklist)
            reason = WAITS if waits else ""
            approving.take(
                caller,
                plan.api_id,
                plan.event,
                plan.checklist,
                comment=plan.comment,
                also=self._end(plan, PlanStatus.DONE, reason),
            )
        except LostRace:
            again = self._plan(due.tenant, due.api_id, due.id)
            if again is None or again.status == PlanStatus.PLANNED:
                raise
            return again  # cancelled, or taken by another call, at this moment
        except REFUSALS as exc:
            return self._refuse(plan, exc)
        return replace(plan, status=PlanStatus.DONE, reason=reason)

    def _refuse(self, plan: Plan, error: PorticoError) -> Plan:
        refused = self._end(plan, PlanStatus.REFUSED, str(error))
        after = {"plan": plan.id, "event": plan.event, "reason": str(error)}
        caller = Caller(plan.tenant, plan.user)
        clock = self.transitions.clock
        entry = audit(clock, caller, "refuse-plan", "api", plan.api_id, after=after)
        self.transitions.records.commit(*refused, entry)
        return replace(plan, status=PlanStatus.REFUSED, reason=str(error))

    def _caller(self, plan: Plan) -> Caller:
        user = self.transitions.records.get(User, tenant=plan.tenant, name=plan.user.lower())
        if user is None or not user.active or not user.existed(plan.created / 1000):
            raise Forbidden(f"'{plan.user}', who planned it, is no longer an active user")
        return Caller(plan.tenant, user.name, user.roles)

    def _check(self, caller: Caller, state: str, event: str, checklist: Mapping[str, bool]) -> None:
        """An event must be possible from some state: until its time the API may be there."""
        lifecycle = self.transitions.lifecycle_of(caller.tenant)
        first: PorticoError | None = None
        for name in (state, *(node.id for node in lifecycle.states)):
            try:
                step(lifecycle, name, event, checklist, caller.roles)
            except (Forbidden, InvalidInput, TransitionRefused) as exc:
                first = first or exc
            else:
                return
        if first:
            raise first

    def _open(self, tenant: str, api_id: str) -> Plans:
        found = self.transitions.records.list(Plan, tenant=tenant, api_id=api_id)
        return [plan for plan in found if plan.status == PlanStatus.PLANNED]

    def _plan(self, tenant: str, api_id: str, plan_id: str) -> Plan | None:
        return self.transitions.records.get(Plan, tenant=tenant, api_id=api_id, id=plan_id)

    def _end(self, plan: Plan, status: PlanStatus, reason: str = "") -> Changes:
        now = int(self.transitions.clock.now() * 1000)
        due = DuePlan(tenant=plan.tenant, at=plan.at, id=plan.id, api_id=plan.api_id)
        return [Replace(replace(plan, status=status, reason=reason, ended=now)), Discard(due)]

    def _schedule(self, plan: Plan) -> Change:
        payload = {"api_id": plan.api_id, "plan": plan.id}
        given = self.transitions
        return enqueue(given.records, given.clock, plan.tenant, SCHEDULE, payload)
