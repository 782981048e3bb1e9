"""Delivery plans of deployed revisions, read once and made ready: what an address a side does not
say.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.gateway import credentials
from functions.gateway.answers import Answer
from functions.gateway.credentials import Credential, NoCredential, Send
from functions.gateway.deadline import Deadline
from functions.gateway.endpoints import Endpoint, Group
from functions.gateway.forward import Forwarder
from functions.gateway.requests import Outgoing
from functions.gateway.validation import Validator
from portico.domain.bounded import Bounded
from portico.domain.endpoints import SEALED
from portico.domain.errors import InvalidInput, Unavailable
from portico.domain.gateway import DeliveryPlan, RequestSchemas
from portico.ports import Sealer
from portico.storage.readmodel import ReadModel, key

MAX_PLANS = 500
# A revision never changes. A day's end bounds how long a credential that was sealed anew for the
# same revision could matter.
KEPT_SECONDS = 86_400.0


@dataclass(frozen=True)
class Side:
    """The endpoints for one kind of keys, and their credential."""

    group: Group
    credential: Credential


@dataclass(frozen=True)
class Plan:
    """A delivery plan in this environment."""

    sides: Mapping[bool, Side | None]  # sandbox or not
    cache_seconds: int
    rules: Mapping[str, Mapping[str, list[list[str]]]]
    validator: Validator | None


class Plans:
    """Plans by tenant and revision."""

    def __init__(
        self,
        model: Callable[[], ReadModel],
        sealer: Callable[[], Sealer],
        forwarder: Forwarder,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._sealer = sealer
        self._forwarder = forwarder
        self._clock = clock
        self._ready: Bounded[tuple[str, str], Plan] = Bounded(MAX_PLANS, clock)

    def of(self, decision: Mapping[str, Any]) -> Plan | None:
        """The plan that a decision names; None when it is not there any more.

        Raises Unavailable, or NoCredential when a credential cannot be opened.
        """
        name = (str(decision["tenant"]), str(decision["revision"]))
        ready = self._ready.get(name)
        if ready is None:
            ready = self._read(*name)
            if ready is not None:
                self._ready.put(name, ready, self._clock() + KEPT_SECONDS)
        return ready

    def _read(self, tenant: str, revision: str) -> Plan | None:
        wanted = key(DeliveryPlan, tenant=tenant, revision_id=revision)
        described = key(RequestSchemas, tenant=tenant, revision_id=revision)
        view = self._model().view()
        view.load((wanted, described))
        found, schemas = view.get(wanted), view.get(described)
        if found is None or (found.validated and schemas is None):
            return None
        return Plan(
            sides={
                False: self._side(found, "production", found.production),
                True: self._side(found, "sandbox", found.sandbox),
            },
            cache_seconds=found.cache_seconds,
            rules=found.rules,
            validator=Validator(schemas) if found.validated and schemas else None,
        )

    def _side(self, plan: DeliveryPlan, side: str, told: Mapping[str, Any]) -> Side | None:
        if not told:
            return None
        security = told.get("security") or {}
        # As `portico.services.endpoint_credentials` seals it.
        context = f"{plan.tenant}:endpoint:{plan.api_id}:{side}"
        group = Group(str(told["kind"]), [Endpoint(one) for one in told["endpoints"]])
        return Side(group, _Sealed(security, context, self._sealer, self._forwarder))


class _Sealed:
    """A credential that is opened when it is first needed."""

    def __init__(
        self,
        security: Mapping[str, Any],
        context: str,
        sealer: Callable[[], Sealer],
        forwarder: Forwarder,
    ) -> None:
        self._security = security
        self._context = context
        self._sealer = sealer
        self._forwarder = forwarder
        self._opened: Credential | None = None

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer:
        if self._opened is None:
            self._opened = credentials.made(self._security, self._secret, self._forwarder)
        return self._opened.exchange(request, url, send, deadline)

    def _secret(self) -> Mapping[str, str]:
        try:
            opened = self._sealer().open(str(self._security[SEALED]), self._context)
        except (InvalidInput, Unavailable, KeyError) as exc:
            raise NoCredential("101503", f"The endpoint's credential: {exc}") from exc
        told: dict[str, str] = json.loads(opened)
        return told
