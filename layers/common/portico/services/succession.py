"""What a transition does to subscriptions and to older versions, after its commit.

Each function may be repeated: it looks at what is left to do and takes it in small commits, for a
bounded time; what is left is for the next run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from portico.domain.api import Api, State, SubscriberCount
from portico.domain.application import Subscription
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import AlreadyExists, LostRace
from portico.domain.policy import Level
from portico.domain.records import Change, Create, Discard, Put, Remove, Replace, Require
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.approving import Approving
from portico.services.auditing import audit
from portico.services.policies import policy_uses
from portico.services.subscribing import grant_of, left
from portico.services.transitions import Transitions
from portico.services.versions import older_versions

TRIES = 8  # all subscribers of an API share its count
TOGETHER = 12  # subscriptions of one commit: up to seven items each, of a transaction's hundred
PAGE = 2_400  # subscriptions of one run
RUN_SECONDS = 6.0  # no commit begins after that: whoever asked for the transition may be waiting


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
        return self._run(
            self.records.list(Subscription, by="api", tenant=tenant, api_id=api_id),
            lambda found: self._closing(api, found),
        )

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
        there = {one.application_id for one in self._subscriptions(api)}
        wanted = []
        for older in older_versions(self.records, api):
            for one in self._subscriptions(older):
                if one.application_id not in there and one.created <= until:
                    there.add(one.application_id)
                    wanted.append(one)
        return self._run(wanted, lambda found: self._carrying(api, found))

    def deprecate_older(self, caller: Caller, api_id: str) -> None:
        """Deprecate the published older versions of an API, in the name of who published it."""
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None or not behaviour_of(api).subscribable:
            return
        approving = Approving(self.transitions)
        for older in older_versions(self.records, api):
            if older.state == State.PUBLISHED and not approving.of_api(caller, older.id):
                approving.take(caller, older.id, "Deprecate", {})

    def _subscriptions(self, api: Api) -> list[Subscription]:
        return self.records.list(Subscription, by="api", tenant=api.tenant, api_id=api.id)

    def _run(
        self,
        wanted: Sequence[Subscription],
        changes: Callable[[Sequence[Subscription]], list[Change]],
    ) -> bool:
        """Commit what is wanted until the page or the time is over; False: some is left."""
        end = self.clock.now() + RUN_SECONDS
        for start in range(0, min(len(wanted), PAGE), TOGETHER):
            if start and self.clock.now() >= end:
                return False
            self._commit(wanted[start : start + TOGETHER], changes)
        return len(wanted) <= PAGE

    def _commit(
        self,
        wanted: Sequence[Subscription],
        changes: Callable[[Sequence[Subscription]], list[Change]],
    ) -> None:
        """Together, or each on its own where one of them is in somebody else's hands."""
        keys = [
            {"tenant": one.tenant, "application_id": one.application_id, "api_id": one.api_id}
            for one in wanted
        ]
        for attempt in range(TRIES):
            # As they are now: a developer may have gone, a publisher may be blocking one.
            current = self.records.get_many(Subscription, keys)
            if not current:
                return
            try:
                self.records.commit(*changes(current))
            except AlreadyExists:
                if len(wanted) == 1:
                    return  # the developer was faster
                break
            except LostRace:
                if attempt == TRIES - 1 and len(wanted) == 1:
                    raise
            else:
                return
        for one in wanted:
            self._commit([one], changes)

    def _closing(self, api: Api, found: Sequence[Subscription]) -> list[Change]:
        caller = Caller(api.tenant, api.updated_by)
        changes = [self._counted(api, -len(found))]
        for one in found:
            before = {"application": one.application_id, "api": one.api_id}
            changes += [Remove(one), Discard(grant_of(one)), left(self.clock, one)]
            changes += _uses(one, [one.policy], [])
            changes.append(audit(self.clock, caller, "close", "subscription", one.id, before))
        return changes

    def _carrying(self, api: Api, found: Sequence[Subscription]) -> list[Change]:
        caller = Caller(api.tenant, api.updated_by)
        made = int(self.clock.now() * 1000)
        changes = [self._counted(api, len(found))]
        for old in found:
            new = replace(
                old,
                stamp=0,
                id=str(uuid4()),
                api_id=api.id,
                api_version=api.version,
                api_context=api.full_context,
                created=made,
            )
            after = {"application": new.application_id, "api": new.api_id, "from": old.id}
            # The old one as it was just read: not one that is blocked or removed at this moment.
            changes += [Create(new), Put(grant_of(new)), Require(old)]
            changes += _uses(new, [], [new.policy])
            changes.append(audit(self.clock, caller, "carry", "subscription", new.id, after=after))
        return changes

    def _counted(self, api: Api, difference: int) -> Change:
        found = self.records.get(
            SubscriberCount, tenant=api.tenant, api_id=api.id
        ) or SubscriberCount(tenant=api.tenant, api_id=api.id, count=0)
        return Replace(replace(found, count=max(0, found.count + difference)))


def _uses(one: Subscription, before: list[str], after: list[str]) -> list[Change]:
    return policy_uses(one.tenant, Level.SUBSCRIPTION, "subscription", one.id, before, after)
