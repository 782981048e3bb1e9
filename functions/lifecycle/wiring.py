"""The lifecycle function's services, and which executor carries out which kind of outbox entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.lifecycle.executors.execution import Execution
from functions.lifecycle.executors.routes import ReconcileExecutor, RouteExecutor
from functions.lifecycle.executors.schedules import ScheduleExecutor
from functions.lifecycle.executors.settling import SettleApis
from functions.lifecycle.executors.subscriptions import CarrySubscriptions, CloseSubscriptions
from functions.lifecycle.executors.versions import DeprecateOlder
from portico.ports import Clock, Documents, Records, Routes, Schedules
from portico.services.activating import SETTLE
from portico.services.approving import Approving
from portico.services.executing import EXECUTION
from portico.services.lifecycles import Lifecycles
from portico.services.outbox import Executor, Outbox
from portico.services.reconciling_routes import RECONCILE, Note, ReconcilingRoutes
from portico.services.revisions import ROUTE
from portico.services.scheduling import SCHEDULE, Scheduling
from portico.services.settling import Settling
from portico.services.succession import Succession
from portico.services.transitions import (
    CARRY_SUBSCRIPTIONS,
    CLOSE_SUBSCRIPTIONS,
    DEPRECATE_OLDER,
    Transitions,
)
from portico.services.undoing import Undoing


@dataclass(frozen=True)
class Wiring:
    """What requests are answered with."""

    transitions: Transitions
    outbox: Outbox
    clock: Clock
    undoing: Undoing
    scheduling: Scheduling
    approving: Approving
    reconciling: ReconcilingRoutes


def unheard(what: str, details: Mapping[str, Any]) -> None:
    """A note that nobody keeps."""


def wire(
    records: Records,
    documents: Documents,
    clock: Clock,
    routes: Routes,
    schedules: Schedules,
    *,
    undo_seconds: float = 3600.0,
    route_limit: int = 300,
    integration_limit: int = 300,
    note: Note = unheard,
    execution: Execution = Execution({}),  # noqa: B008 - frozen, and without effect
) -> Wiring:
    """The services on the given adapters."""
    lifecycles = Lifecycles(records, clock, execution.resolves)
    transitions = Transitions(
        records, documents, clock, lifecycles.current, resolves=execution.resolves
    )
    succession = Succession(records, clock, transitions)
    reconciling = ReconcilingRoutes(records, clock, routes, route_limit, integration_limit, note)
    # `APIExecutor`, which the documents of all eras name, stands for all of these.
    executors: dict[str, Executor] = {
        ROUTE: RouteExecutor(records, routes),
        RECONCILE: ReconcileExecutor(reconciling, clock),
        CLOSE_SUBSCRIPTIONS: CloseSubscriptions(succession),
        CARRY_SUBSCRIPTIONS: CarrySubscriptions(succession),
        DEPRECATE_OLDER: DeprecateOlder(succession),
        EXECUTION: execution,
        SCHEDULE: ScheduleExecutor(records, clock, schedules),
        SETTLE: SettleApis(Settling(records, documents, clock, lifecycles.current), clock),
    }
    return Wiring(
        transitions,
        Outbox(records, clock, executors),
        clock,
        Undoing(transitions, undo_seconds),
        Scheduling(transitions),
        Approving(transitions),
        reconciling,
    )
