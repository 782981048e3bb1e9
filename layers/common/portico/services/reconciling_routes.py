"""Compares the HTTP API with the pass-through APIs on the gateway, on a schedule: drift made by
hand is reported and repaired, and the quotas are counted.

Only what carries Portico's mark is changed. Each run looks anew, so one that died is made good by
the next.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import Api, Delivery
from portico.domain.errors import AlreadyExists, LostRace, PorticoError
from portico.domain.gateway import Deployment
from portico.domain.http_api import Drift, HttpApiUse, Survey, WantedRoute
from portico.domain.operations import OutboxEntry, OutboxTenant
from portico.domain.records import Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records, Routes
from portico.services.auditing import audit
from portico.services.deployments import routed
from portico.services.outbox import ANY_TENANT, enqueue
from portico.services.revisions import ROUTE
from portico.services.route_quota import EVERYBODY, in_use, warning
from portico.services.tenants import SYSTEM

RECONCILE = "reconcile-routes"  # the kind of outbox entry that asks for a run

# Says one thing that happened, with its details, to those who watch the log.
Note = Callable[[str, Mapping[str, Any]], None]


def put_right(records: Records, routes: Routes, tenant: str, api_id: str, prefix: str) -> None:
    """Make an API's routes what its deployment at the prefix wants now: there, or gone."""
    found = records.get(Deployment, tenant=tenant, prefix=prefix)
    wanted = routed([found] if found else [], api_id)
    if wanted:
        routes.ensure(tenant, api_id, wanted.prefix, wanted.production_endpoint)
    else:
        routes.remove(tenant, api_id)


@dataclass(frozen=True)
class ReconcilingRoutes:
    """Runs as an entry of the outbox: one worker at a time changes the HTTP API, and a run that
    fails is repeated after a pause.
    """

    records: Records
    clock: Clock
    routes: Routes
    route_limit: int
    integration_limit: int
    note: Note

    def ask(self) -> None:
        """Have a run done; one that is waiting, whatever has delayed it, is due now."""
        for waiting in self.records.list(OutboxEntry, tenant=ANY_TENANT):
            if waiting.kind == RECONCILE:
                with suppress(LostRace):  # it is being carried out
                    self.records.commit(Replace(replace(waiting, not_before=0)))
                return
        self.records.commit(enqueue(self.records, self.clock, ANY_TENANT, RECONCILE, {}))

    def run(self, deadline: float) -> bool:
        """Look, count and repair; False when the deadline (epoch seconds) came first.

        What cannot be repaired holds up nothing else; its error is raised when the rest is done.
        """
        # Read before the APIs: who deploys one meanwhile makes our count lose the race.
        use = in_use(self.records) or HttpApiUse(tenant=EVERYBODY)
        apis, wanted = self._deployed()
        survey = self.routes.survey(wanted)
        self._count(use, apis, survey)
        failed: PorticoError | None = None
        for drift in sorted(survey.drifts, key=lambda one: not one.urgent):
            if drift.taken:
                self.note("routes of others are in the way", _told(drift, routes=drift.taken))
            if not drift.found or (not drift.urgent and self._under_way(drift)):
                continue
            if self.clock.now() >= deadline:
                return False
            try:
                self._repair(drift)
            except PorticoError as exc:
                self.note("drift was not repaired", _told(drift, error=str(exc)))
                # Others in the way are not ours to remove, so trying again helps nobody.
                if not (drift.taken and isinstance(exc, AlreadyExists)):
                    failed = failed or exc
        if failed:
            raise failed
        return True

    def _deployed(self) -> tuple[int, list[WantedRoute]]:
        """How many pass-through APIs are on the gateway, and the routes of those callable now."""
        apis, wanted = 0, []
        for known in self.records.list(OutboxTenant, tenant=ANY_TENANT):
            for found in self.records.list(Deployment, by="all", tenant=known.name):
                if found.delivery != Delivery.PASS_THROUGH or found.prefix != found.context:
                    continue
                apis += 1
                if routed([found], found.api_id):
                    wanted.append(
                        WantedRoute(
                            found.tenant, found.api_id, found.prefix, found.production_endpoint
                        )
                    )
        return apis, wanted

    def _count(self, before: HttpApiUse, apis: int, survey: Survey) -> None:
        use = replace(
            before,
            apis=apis,
            other_routes=survey.other_routes,
            other_integrations=survey.other_integrations,
            route_limit=self.route_limit,
            integration_limit=self.integration_limit,
            counted=int(self.clock.now()),
        )
        try:
            self.records.commit(Replace(use))
        except LostRace:
            return  # the commit that won has counted itself; all are counted at the next run
        if text := warning(use):
            self.note("quota", {"warning": text})

    def _under_way(self, drift: Drift) -> bool:
        """Whether an entry of its own is about to put it right: then nobody drifted."""
        return any(
            waiting.kind == ROUTE and waiting.payload.get("api_id") == drift.api_id
            for waiting in self.records.list(OutboxEntry, tenant=drift.tenant)
        )

    def _repair(self, drift: Drift) -> None:
        caller = Caller(drift.tenant, SYSTEM)
        # Before the repair: one that is cut off must not leave a change that nobody knows of.
        told = {"drift": list(drift.found)}
        self.records.commit(
            audit(self.clock, caller, "repair-route", "api", drift.api_id, before=told)
        )
        self.note("drift is being repaired", _told(drift, urgent=drift.urgent))
        # As things are now, not as they were when we looked: the API may have been blocked since.
        api = self.records.get(Api, tenant=drift.tenant, id=drift.api_id)
        prefix = api.full_context if api else ""
        put_right(self.records, self.routes, drift.tenant, drift.api_id, prefix)


def _told(drift: Drift, **more: Any) -> dict[str, Any]:
    return {
        "tenant": drift.tenant,
        "api": drift.api_id,
        "drift": list(drift.found),
        **{
            name: list(value) if isinstance(value, tuple) else value for name, value in more.items()
        },
    }
