"""Entries of kind "route": an API's route on the HTTP API is as its deployment wants it. Entries of
kind "reconcile-routes": all of them are.
"""

from dataclasses import dataclass

from portico.domain.operations import OutboxEntry
from portico.ports import Clock, Records, Routes
from portico.services.reconciling_routes import ReconcilingRoutes, put_right

SECONDS = 40.0  # of one run: shorter than the outbox's lease


@dataclass(frozen=True)
class RouteExecutor:
    """Compares with the present deployment, so late and repeated entries do no harm."""

    records: Records
    routes: Routes

    def __call__(self, entry: OutboxEntry) -> bool:
        api_id, prefix = str(entry.payload["api_id"]), str(entry.payload["prefix"])
        put_right(self.records, self.routes, entry.tenant, api_id, prefix)
        return True


@dataclass(frozen=True)
class ReconcileExecutor:
    """Compares all of them; what is left after a while is done in another turn."""

    reconciling: ReconcilingRoutes
    clock: Clock

    def __call__(self, entry: OutboxEntry) -> bool:
        return self.reconciling.run(self.clock.now() + SECONDS)
