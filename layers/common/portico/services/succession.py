"""What a transition does to subscriptions and to older versions, after its commit.

Each function may be repeated: it looks at what is left to do, and each step is a commit of its own.
"""

from dataclasses import dataclass, replace
from uuid import uuid4

from portico.domain.api import Api, State
from portico.domain.application import Subscription
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import AlreadyExists, LostRace
from portico.domain.policy import Level
from portico.domain.records import Create, Put, Require
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.policies import policy_uses
from portico.services.subscribing import counted, grant_of, removal
from portico.services.transitions import Transitions
from portico.services.versions import older_versions

TRIES = 8  # all subscribers of an API share its count
BATCH = 200  # subscriptions of one run; the rest waits for the next


@dataclass(frozen=True)
class Succession:
    """Closes subscriptions, carries them forward, deprecates older versions."""

    records: Records
    clock: Clock
    transitions: Transitions

    def close_subscriptions(self, tenant: str, api_id: str) -> bool:
        """Remove the subscriptions of a retired API, with their grants. False: some are left."""
        api = self.records.get(Api, tenant=tenant, id=api_id)
        if api is None or behaviour_of(api).keeps_subscriptions:
            return True
        caller = Caller(tenant, api.updated_by)
        found = self.records.list(Subscription, by="api", tenant=tenant, api_id=api_id)
        for subscription in found[:BATCH]:
            self._close(caller, subscription)
        return len(found) <= BATCH

    def carry_subscriptions(self, tenant: str, api_id: str, until: int) -> bool:
        """Give the subscribers of older versions the same subscription, policy and status, to this
        one.

        Of those made `until` it was published (epoch milliseconds): who subscribes to an older
        version afterwards wants that one. An application that subscribed to several versions gets
        what it had to the newest of them. False: some are left.
        """
        api = self.records.get(Api, tenant=tenant, id=api_id)
        if api is None or not behaviour_of(api).subscribable:
            return True
        there = self._subscribers(api)
        carried = 0
        for older in older_versions(self.records, api):
            for subscription in self._subscribers(older).values():
                if subscription.application_id in there or subscription.created > until:
                    continue
                if carried == BATCH:
                    return False
                self._carry(api, subscription)
                there[subscription.application_id] = subscription
                carried += 1
        return True

    def deprecate_older(self, caller: Caller, api_id: str) -> None:
        """Deprecate the published older versions of an API, in the name of who published it."""
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None or not behaviour_of(api).subscribable:
            return
        for older in older_versions(self.records, api):
            if older.state == State.PUBLISHED:
                self.transitions.change(caller, older.id, "Deprecate", {})

    def _subscribers(self, api: Api) -> dict[str, Subscription]:
        found = self.records.list(Subscription, by="api", tenant=api.tenant, api_id=api.id)
        return {subscription.application_id: subscription for subscription in found}

    def _close(self, caller: Caller, subscription: Subscription) -> None:
        for attempt in range(TRIES):
            current = self._again(subscription)
            if current is None:
                return
            before = {"application": current.application_id, "api": current.api_id}
            entry = audit(self.clock, caller, "close", "subscription", current.id, before)
            try:
                self.records.commit(*removal(self.records, current), entry)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return

    def _carry(self, api: Api, old: Subscription) -> None:
        caller = Caller(api.tenant, api.updated_by)
        for attempt in range(TRIES):
            current = self._again(old)
            if current is None:
                return
            new = replace(
                current,
                stamp=0,
                id=str(uuid4()),
                api_id=api.id,
                api_version=api.version,
                api_context=api.full_context,
                created=int(self.clock.now() * 1000),
            )
            after = {"application": new.application_id, "api": new.api_id, "from": old.id}
            try:
                self.records.commit(
                    Create(new),
                    counted(self.records, new, 1),
                    Put(grant_of(new)),
                    # As it was just read: not one that is blocked or removed at this moment.
                    Require(current),
                    *policy_uses(
                        new.tenant, Level.SUBSCRIPTION, "subscription", new.id, [], [new.policy]
                    ),
                    audit(self.clock, caller, "carry", "subscription", new.id, after=after),
                )
            except AlreadyExists:
                return  # the developer was faster
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return

    def _again(self, subscription: Subscription) -> Subscription | None:
        return self.records.get(
            Subscription,
            tenant=subscription.tenant,
            application_id=subscription.application_id,
            api_id=subscription.api_id,
        )
