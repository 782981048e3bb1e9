"""Entries of kind "route": an API's route on the HTTP API is as its deployment wants it."""

from dataclasses import dataclass

from portico.domain.gateway import Deployment
from portico.domain.operations import OutboxEntry
from portico.ports import Records, Routes
from portico.services.deployments import routed


@dataclass(frozen=True)
class RouteExecutor:
    """Compares with the present deployment, so late and repeated entries do no harm."""

    records: Records
    routes: Routes

    def __call__(self, entry: OutboxEntry) -> bool:
        api_id, prefix = str(entry.payload["api_id"]), str(entry.payload["prefix"])
        found = self.records.get(Deployment, tenant=entry.tenant, prefix=prefix)
        wanted = routed([found] if found else [], api_id)
        if wanted:
            self.routes.ensure(entry.tenant, api_id, wanted.prefix, wanted.production_endpoint)
        else:
            self.routes.remove(entry.tenant, api_id)
        return True
