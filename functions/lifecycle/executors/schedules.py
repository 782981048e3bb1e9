"""Schedules of planned transitions: there while the plan is open, else not."""

from dataclasses import dataclass

from portico.domain.operations import OutboxEntry
from portico.domain.plans import Plan, PlanStatus
from portico.ports import Clock, Records, Schedules


@dataclass(frozen=True)
class ScheduleExecutor:
    """Compares a plan with its schedule at AWS."""

    records: Records
    clock: Clock
    schedules: Schedules

    def __call__(self, entry: OutboxEntry) -> bool:
        """What is overdue needs no schedule: the next run of the outbox takes it."""
        api_id, plan_id = entry.payload["api_id"], entry.payload["plan"]
        plan = self.records.get(Plan, tenant=entry.tenant, api_id=api_id, id=plan_id)
        if plan and plan.status == PlanStatus.PLANNED and plan.at > self.clock.now():
            request = {
                "request": "planned",
                "tenant": plan.tenant,
                "api_id": plan.api_id,
                "plan": plan.id,
                "at": plan.at,
            }
            self.schedules.ensure(plan.id, plan.at, request)
        else:
            self.schedules.remove(plan_id)
        return True
