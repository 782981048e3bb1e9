"""Entries that close the subscriptions of a retired API, or carry them forward to a new version."""

from dataclasses import dataclass

from portico.domain.operations import OutboxEntry
from portico.services.succession import Succession


@dataclass(frozen=True)
class CloseSubscriptions:
    """Kind "close-subscriptions"."""

    succession: Succession

    def __call__(self, entry: OutboxEntry) -> bool:
        return self.succession.close_subscriptions(entry.tenant, str(entry.payload["api_id"]))


@dataclass(frozen=True)
class CarrySubscriptions:
    """Kind "carry-subscriptions"."""

    succession: Succession

    def __call__(self, entry: OutboxEntry) -> bool:
        api_id, until = str(entry.payload["api_id"]), int(entry.payload["until"])
        return self.succession.carry_subscriptions(entry.tenant, api_id, until)
