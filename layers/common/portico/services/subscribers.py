"""The subscriptions of APIs as their publisher sees them: who subscribed, and blocking them.

Subscribing itself is the developers' side, in `portico.services.subscribing`.
"""

from dataclasses import dataclass, replace

from portico.domain.api import Api, ApiCard
from portico.domain.application import Subscription, SubscriptionStatus
from portico.domain.errors import InvalidInput, LostRace, NotFound, Stale
from portico.domain.records import Put, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.subscribing import grant_of

TRIES = 5
BLOCKED = (SubscriptionStatus.BLOCKED, SubscriptionStatus.PROD_ONLY_BLOCKED)
# An approval decides about the others; blocking and unblocking may not go round it.
CHANGEABLE = (SubscriptionStatus.UNBLOCKED, *BLOCKED)


@dataclass(frozen=True)
class Subscribers:
    """Subscriptions to the APIs of a tenant."""

    records: Records
    clock: Clock

    def of_api(self, caller: Caller, api_id: str = "", words: str = "") -> list[Subscription]:
        """The subscriptions to one API or to all, oldest first; `words` must be in names of
        application or subscriber.
        """
        if api_id and self.records.get(Api, tenant=caller.tenant, id=api_id) is None:
            raise NotFound("API", api_id)
        ids = (
            [api_id]
            if api_id
            else [card.id for card in self.records.list(ApiCard, tenant=caller.tenant)]
        )
        found = [
            subscription
            for each in ids
            for subscription in self.records.list(
                Subscription, by="api", tenant=caller.tenant, api_id=each
            )
            if _mentions(subscription, words)
        ]
        return sorted(found, key=lambda one: (one.created, one.id))

    def block(
        self, caller: Caller, subscription_id: str, state: str, stamp: int | None = None
    ) -> Subscription:
        """Block a subscription, wholly (BLOCKED) or for production keys (PROD_ONLY_BLOCKED)."""
        if state not in BLOCKED:
            raise InvalidInput.of("blockState", f"must be one of {', '.join(BLOCKED)}")
        return self._set(caller, subscription_id, SubscriptionStatus(state), stamp)

    def unblock(
        self, caller: Caller, subscription_id: str, stamp: int | None = None
    ) -> Subscription:
        """Take a block away, of either kind."""
        return self._set(caller, subscription_id, SubscriptionStatus.UNBLOCKED, stamp)

    def _set(
        self, caller: Caller, subscription_id: str, status: SubscriptionStatus, stamp: int | None
    ) -> Subscription:
        for attempt in range(TRIES):
            old = self.records.get(Subscription, by="id", tenant=caller.tenant, id=subscription_id)
            if old is None:
                raise NotFound("Subscription", subscription_id)
            if stamp is not None and stamp != old.stamp:
                raise Stale("The subscription has been changed since it was read")
            if old.status not in CHANGEABLE:
                raise InvalidInput.of("subscriptionId", f"the subscription is {old.status}")
            if old.status == status:
                return old
            new = replace(old, status=status.value)
            action = "unblock" if status == SubscriptionStatus.UNBLOCKED else "block"
            entry = audit(
                self.clock,
                caller,
                action,
                "subscription",
                old.id,
                {"status": old.status},
                {"status": new.status},
            )
            try:
                self.records.commit(Replace(new), Put(grant_of(new)), entry)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return replace(new, stamp=old.stamp + 1)
        raise AssertionError("the last attempt returns or raises")


def _mentions(subscription: Subscription, words: str) -> bool:
    names = (subscription.application_name, subscription.application_owner, subscription.subscriber)
    text = " ".join(names).lower()
    return all(word in text for word in words.lower().split())
