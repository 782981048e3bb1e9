"""Delivers a call as its API asks: checked, changed by rules, from memory, or from the endpoint
that works.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from functions.gateway import caching, mediation
from functions.gateway.answers import Answer
from functions.gateway.caching import Cache
from functions.gateway.credentials import NoCredential
from functions.gateway.deadline import Deadline
from functions.gateway.endpoints import FAILURES, Endpoint
from functions.gateway.forward import IDEMPOTENT, Forwarder, NotDelivered
from functions.gateway.requests import Outgoing, outgoing
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from functions.gateway.plans import Plan, Plans, Side

SUSPENDED = "303001"


@dataclass(frozen=True)
class Delivering:
    """`plans` is asked for APIs that have more than an address a side."""

    forwarder: Forwarder
    plans: "Callable[[], Plans]"
    cache: Cache = field(default_factory=Cache)
    # Hears of endpoints that failed, though the call may have been answered by another one.
    note: Callable[[str, NotDelivered], None] = lambda url, failure: None

    def deliver(self, event: Mapping[str, Any], decision: Mapping[str, Any]) -> Answer:
        """The answer for a decided call. Raises NotDelivered."""
        if decision.get("plan") != "true":
            return self.forwarder.forward(event, decision)
        try:
            plan = self.plans().of(decision)
        except Unavailable as exc:
            raise NotDelivered("900900", str(exc), sent=False) from exc
        if plan is None:
            # It was taken off the gateway a moment ago.
            raise NotDelivered("404", "The revision is not deployed any more", sent=False)
        return self._planned(plan, outgoing(event, decision), decision)

    def _planned(self, plan: "Plan", request: Outgoing, decision: Mapping[str, Any]) -> Answer:
        operation = str(decision.get("resource") or "")
        if plan.validator:
            problems = plan.validator.problems(operation, request)
            if problems:
                told = f"Schema validation failed in the Request: {'; '.join(problems)}"
                raise NotDelivered("400", "The request does not fit", sent=False, told=told)
        if plan.rules:
            mediation.change_request(plan.rules, operation, request)
        side = plan.sides[decision.get("sandbox") == "true"]
        if side is None:
            raise NotDelivered("101503", "There is no endpoint for keys of this type", sent=False)
        if plan.cache_seconds:
            answer = self._from_memory(side, request, decision, plan.cache_seconds)
        else:
            answer = self._from(side, request)
        return mediation.change_answer(plan.rules, operation, answer) if plan.rules else answer

    def _from_memory(
        self, side: "Side", request: Outgoing, decision: Mapping[str, Any], seconds: int
    ) -> Answer:
        asked = caching.asked(request, decision)
        answer = self.cache.find(asked)
        if answer is None:
            answer = self._from(side, request)
            self.cache.keep(asked, answer, seconds)
        return answer

    def _from(self, side: "Side", request: Outgoing) -> Answer:
        """The answer of the first endpoint that works; another one is tried only if the failed one
        cannot have acted, or acting twice does no harm.
        """
        deadline = self.forwarder.deadline()
        candidates = side.group.candidates()
        if not candidates:
            raise NotDelivered(SUSPENDED, "All endpoints are suspended", sent=False)
        for left in range(len(candidates), 0, -1):
            endpoint = candidates[-left]
            # Who names no time for an endpoint leaves the others their share.
            share = max(deadline.remaining, 0.0) / left
            within = deadline.within(endpoint.seconds or share)

            def send(
                request: Outgoing, endpoint: Endpoint = endpoint, within: Deadline = within
            ) -> Answer:
                return self.forwarder.exchange(request, endpoint.url, within, endpoint.authorities)

            try:
                answer = side.credential.exchange(request, endpoint.url, send, within)
            except NoCredential:
                raise
            except NotDelivered as failure:
                side.group.failed(endpoint, failure.code)
                self.note(endpoint.url, failure)
                again = failure.code in FAILURES and left > 1 and not deadline.over
                if not again or (failure.sent and request.method not in IDEMPOTENT):
                    raise
            else:
                endpoint.worked()
                return answer
        raise NotDelivered(SUSPENDED, "No endpoint is left", sent=False)
