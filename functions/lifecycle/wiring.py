"""The lifecycle function's services, and which executor carries out which kind of outbox entry."""

from dataclasses import dataclass

from functions.lifecycle.executors.routes import RouteExecutor
from functions.lifecycle.executors.subscriptions import CarrySubscriptions, CloseSubscriptions
from functions.lifecycle.executors.versions import DeprecateOlder
from portico.lifecycle import scxml
from portico.ports import Clock, Documents, Records, Routes
from portico.services.outbox import Executor, Outbox
from portico.services.revisions import ROUTE
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


def wire(
    records: Records,
    documents: Documents,
    clock: Clock,
    routes: Routes,
    *,
    undo_seconds: float = 3600.0,
) -> Wiring:
    """The services on the given adapters."""
    transitions = Transitions(records, documents, clock, lambda _: scxml.default())
    succession = Succession(records, clock, transitions)
    # `APIExecutor`, which the documents of all eras name, stands for all of these.
    executors: dict[str, Executor] = {
        ROUTE: RouteExecutor(records, routes),
        CLOSE_SUBSCRIPTIONS: CloseSubscriptions(succession),
        CARRY_SUBSCRIPTIONS: CarrySubscriptions(succession),
        DEPRECATE_OLDER: DeprecateOlder(succession),
    }
    return Wiring(
        transitions,
        Outbox(records, clock, executors),
        clock,
        Undoing(transitions, undo_seconds),
    )
