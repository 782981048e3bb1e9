"""Subscriptions: an application's use of an API under a policy, with the grant by which the gateway
knows it.

What publishers do to subscriptions (block, unblock) is not here.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import ApiCard, SubscriberCount, full_context
from portico.domain.application import Application, Subscription
from portico.domain.behaviour import Access, behaviour_of
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, NotFound, Stale
from portico.domain.gateway import Grant, Revocation
from portico.domain.policy import Level
from portico.domain.records import Change, Create, Discard, Put, Remove, Replace, Require
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.browsing import subscribed, visible
from portico.services.clients import LONGEST_TOKEN
from portico.services.policies import policy_uses

# All subscribers of an API share its count. A lost race is another's success, so as many may meet
# there as there are attempts.
ATTEMPTS = 30


@dataclass(frozen=True)
class Described:
    """A subscription with what there is to say of its two ends; `count` is of the application's
    subscriptions.
    """

    subscription: Subscription
    card: ApiCard | None
    application: Application | None
    count: int


@dataclass(frozen=True)
class Subscribing:
    """The subscriptions of the caller's applications; another's are not found."""

    records: Records
    clock: Clock

    def subscribe(
        self, caller: Caller, application_id: str, api_id: str, policy: str
    ) -> Subscription:
        """A new subscription. Raises NotFound, InvalidInput (state, policy) or AlreadyExists.

        It is written on condition that neither API nor application has changed since they were
        looked at, so a life-cycle change or a removal at the same moment either sees the
        subscription or prevents it.
        """
        for attempt in range(ATTEMPTS):
            application = self._application(caller, application_id)
            card = self._open(caller, api_id)
            _offered(card, policy)
            if self.records.get(
                Subscription, tenant=caller.tenant, application_id=application_id, api_id=api_id
            ):
                raise _twice(application, card)
            former = self._former(application, card)
            subscription = Subscription(
                tenant=caller.tenant,
                application_id=application.id,
                api_id=card.id,
                id=str(uuid.uuid4()),
                application_owner=application.owner,
                application_name=application.name,
                api_name=card.name,
                api_version=card.version,
                api_context=full_context(card.context, card.version),
                api_provider=card.provider,
                policy=policy,
                created=int(self.clock.now() * 1000),
                subscriber=caller.user,
                since=former.since,
            )
            try:
                self.records.commit(
                    Create(subscription),
                    counted(self.records, subscription, 1),
                    Put(grant_of(subscription)),
                    Require(application),
                    Require(card),
                    Require(former),
                    *_uses(subscription, "", policy),
                    self._audit(caller, "create", None, subscription),
                )
            except AlreadyExists:
                raise _twice(application, card) from None
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return replace(subscription, stamp=1)
        raise AssertionError("the last attempt returns or raises")

    def show(self, caller: Caller, subscription_id: str) -> Subscription:
        """One subscription by its id."""
        found = self.records.get(Subscription, by="id", tenant=caller.tenant, id=subscription_id)
        if found is None or found.application_owner != caller.user:
            raise NotFound("Subscription", subscription_id)
        return found

    def of_application(self, caller: Caller, application_id: str) -> list[Subscription]:
        """All subscriptions of one of the caller's applications, oldest first."""
        self._application(caller, application_id)
        found = self.records.list(Subscription, tenant=caller.tenant, application_id=application_id)
        return sorted(found, key=lambda one: (one.created, one.id))

    def of_api(self, caller: Caller, api_id: str) -> list[Subscription]:
        """The subscriptions of the caller's applications to an API, oldest first."""
        applications = self.records.list(Application, tenant=caller.tenant, owner=caller.user)
        keys = [
            {"tenant": caller.tenant, "application_id": application.id, "api_id": api_id}
            for application in applications
            if application.status != "DELETE_PENDING"
        ]
        return sorted(
            self.records.get_many(Subscription, keys), key=lambda one: (one.created, one.id)
        )

    def describe(self, caller: Caller, subscriptions: Sequence[Subscription]) -> list[Described]:
        """The caller's subscriptions with their APIs and applications, in the same order."""
        cards = self.records.get_many(
            ApiCard, [{"tenant": one.tenant, "id": one.api_id} for one in subscriptions]
        )
        applications = self.records.get_many(
            Application,
            [
                {"tenant": one.tenant, "owner": caller.user, "id": one.application_id}
                for one in subscriptions
            ],
        )
        card_of = {card.id: card for card in cards}
        application_of = {application.id: application for application in applications}
        counts = {
            id_: len(self.records.list(Subscription, tenant=caller.tenant, application_id=id_))
            for id_ in application_of
        }
        return [
            Described(
                one,
                card_of.get(one.api_id),
                application_of.get(one.application_id),
                counts.get(one.application_id, 0),
            )
            for one in subscriptions
        ]

    def change_policy(self, caller: Caller, subscription_id: str, policy: str) -> Subscription:
        """The subscription under another policy that its API offers; its status stays."""
        old = self.show(caller, subscription_id)
        if old.policy == policy:
            return old
        card = self.records.get(ApiCard, tenant=caller.tenant, id=old.api_id)
        if card is None:
            raise NotFound("API", old.api_id)
        if behaviour_of(card).access != Access.TOKEN:
            raise InvalidInput.of("apiId", f"the API is {card.state} and takes no changes")
        _offered(card, policy)
        new = replace(old, policy=policy)
        self.records.commit(
            Replace(new),
            Put(grant_of(new)),
            Require(card),
            *_uses(new, old.policy, policy),
            self._audit(caller, "update", old, new),
        )
        return replace(new, stamp=old.stamp + 1)

    def unsubscribe(self, caller: Caller, subscription_id: str, stamp: int | None = None) -> None:
        """Remove a subscription; calls under it fail from then on."""
        for attempt in range(ATTEMPTS):
            subscription = self.show(caller, subscription_id)
            if stamp is not None and stamp != subscription.stamp:
                raise Stale("The subscription has been changed since it was read")
            try:
                self.records.commit(
                    *removal(self.records, subscription),
                    left(self.clock, subscription),
                    self._audit(caller, "delete", subscription, None),
                )
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def _application(self, caller: Caller, application_id: str) -> Application:
        found = self.records.get(
            Application, tenant=caller.tenant, owner=caller.user, id=application_id
        )
        if found is None or found.status == "DELETE_PENDING":
            raise NotFound("Application", application_id)
        return found

    def _former(self, application: Application, card: ApiCard) -> Revocation:
        """What an earlier subscription left; an unwritten one when there was none of late."""
        empty = Revocation(
            tenant=application.tenant, subject=_left(application.id, card.id), expires=0
        )
        return (
            self.records.get(Revocation, tenant=application.tenant, subject=empty.subject) or empty
        )

    def _open(self, caller: Caller, api_id: str) -> ApiCard:
        card = self.records.get(ApiCard, tenant=caller.tenant, id=api_id)
        if card is None or not (visible(card, caller) or subscribed(self.records, card, caller)):
            raise NotFound("API", api_id)
        behaviour = behaviour_of(card)
        if not behaviour.subscribable:
            why = (
                "needs no subscription" if behaviour.access == Access.OPEN else "takes no new ones"
            )
            raise InvalidInput.of("apiId", f"the API is {card.state} and {why}")
        return card

    def _audit(
        self, caller: Caller, action: str, old: Subscription | None, new: Subscription | None
    ) -> Change:
        subjects = [one.id for one in (old, new) if one]
        return audit(
            self.clock, caller, action, "subscription", subjects[0], _telling(old), _telling(new)
        )


def grant_of(subscription: Subscription) -> Grant:
    """The subscription as the gateway sees it."""
    return Grant(
        tenant=subscription.tenant,
        application_id=subscription.application_id,
        prefix=subscription.api_context,
        api_id=subscription.api_id,
        subscription_id=subscription.id,
        status=subscription.status,
        policy=subscription.policy,
        since=subscription.since,
    )


def left(clock: Clock, subscription: Subscription) -> Put:
    """What a subscription leaves when it goes, so that a later one does not revive the tokens of
    before; for as long as these could live.
    """
    now = int(clock.now())
    return Put(
        Revocation(
            tenant=subscription.tenant,
            subject=_left(subscription.application_id, subscription.api_id),
            expires=now + LONGEST_TOKEN,
            since=now,
        )
    )


def _left(application_id: str, api_id: str) -> str:
    return f"subscription:{application_id}:{api_id}"


def counted(records: Records, subscription: Subscription, difference: int) -> Change:
    """The API's count of subscriptions, read now and written with the change; LostRace when another
    was faster.
    """
    found = records.get(
        SubscriberCount, tenant=subscription.tenant, api_id=subscription.api_id
    ) or SubscriberCount(tenant=subscription.tenant, api_id=subscription.api_id, count=0)
    return Replace(replace(found, count=max(0, found.count + difference)))


def removal(records: Records, subscription: Subscription) -> list[Change]:
    """Everything that goes with a subscription: at most seven items of a transaction."""
    return [
        Remove(subscription),
        Discard(grant_of(subscription)),
        counted(records, subscription, -1),
        *_uses(subscription, subscription.policy, ""),
    ]


def _uses(subscription: Subscription, before: str, after: str) -> list[Change]:
    return policy_uses(
        subscription.tenant,
        Level.SUBSCRIPTION,
        "subscription",
        subscription.id,
        [before] if before else [],
        [after] if after else [],
    )


def _offered(card: ApiCard, policy: str) -> None:
    if policy not in card.policies:
        offered = ", ".join(card.policies) or "none"
        raise InvalidInput.of("throttlingPolicy", f"the API offers {offered}, not '{policy}'")


def _twice(application: Application, card: ApiCard) -> AlreadyExists:
    text = f"'{application.name}' is subscribed to {card.name} {card.version} already"
    return AlreadyExists(text)


def _telling(subscription: Subscription | None) -> dict[str, Any]:
    if subscription is None:
        return {}
    return {
        "application": subscription.application_id,
        "api": subscription.api_id,
        "policy": subscription.policy,
    }
