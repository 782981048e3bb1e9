"""What is deployed on the HTTP API, read from the embedded AWS's control plane."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.local.routes import Routes

STALE_SECONDS = 0.5


@dataclass(frozen=True)
class Deployed:
    """One moment of the API's configuration."""

    routes: Routes
    integrations: dict[str, dict[str, Any]]
    authorizers: dict[str, dict[str, Any]]
    seen: float


class ControlPlane:
    """What is deployed: changes of the API at once, whole deployments within half a second.

    `changes` gives another value whenever the API was changed.
    """

    def __init__(
        self,
        api: Any,
        api_id: str,
        changes: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changes = changes
        self._seen_changes = ""
        self._api = api
        self._id = api_id
        self._clock = clock
        self._lock = threading.Lock()
        self._deployed: Deployed | None = None

    def current(self, not_older_than: float = STALE_SECONDS) -> Deployed:
        now = self._clock()
        deployed = self._deployed
        changes = self._changes()
        if changes != self._seen_changes:
            not_older_than = -1.0
        if deployed and now - deployed.seen <= not_older_than:
            return deployed
        with self._lock:
            # Another thread may have read it while this one waited.
            if self._deployed and self._deployed.seen >= now:
                return self._deployed
            started = self._clock()
            self._seen_changes = changes
            self._deployed = Deployed(
                Routes(self._all("get_routes")),
                {i["IntegrationId"]: i for i in self._all("get_integrations")},
                {a["AuthorizerId"]: a for a in self._all("get_authorizers")},
                started,
            )
            return self._deployed

    def _all(self, operation: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = getattr(self._api, operation)(ApiId=self._id, MaxResults="500", **token)
            items += page["Items"]
            if not page.get("NextToken"):
                return items
            token = {"NextToken": page["NextToken"]}
