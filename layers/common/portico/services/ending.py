"""Ending all tokens of an application, a subscription or a user at once, at somebody's wish.

Single tokens are `portico.services.revoking`'s business.
"""

from dataclasses import dataclass, replace

from portico.domain.application import Application, Subscription
from portico.domain.errors import Forbidden, LostRace, NotFound
from portico.domain.gateway import GatewayApplication
from portico.domain.records import Put, Replace
from portico.domain.user import ADMIN, Caller, User
from portico.ports import Clock, Records
from portico.services.applications import seen_by_gateway
from portico.services.auditing import audit
from portico.services.families import user_ended
from portico.services.subscribing import grant_of

ATTEMPTS = 8  # the record may be changed by others at the same moment


@dataclass(frozen=True)
class Ending:
    """Refuses every token that was issued up to now: owners may for what is theirs, administrators
    for all of their tenant. Tokens issued in this very second are refused, too.
    """

    records: Records
    clock: Clock

    def end_application(self, caller: Caller, application_id: str) -> Application:
        """End all access and refresh tokens of an application; NotFound when it is another's."""
        for attempt in range(ATTEMPTS):
            found = self._application(caller, application_id)
            ended = replace(found, since=int(self.clock.now()))
            entry = audit(self.clock, caller, "revoke-tokens", "application", found.id)
            try:
                self.records.commit(Replace(ended), Put(seen_by_gateway(ended)), entry)
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return replace(ended, stamp=found.stamp + 1)
        raise AssertionError("the last attempt returns or raises")

    def end_subscription(self, caller: Caller, subscription_id: str) -> Subscription:
        """End the tokens of an application for one API, of which it needs new ones."""
        for attempt in range(ATTEMPTS):
            found = self.records.get(
                Subscription, by="id", tenant=caller.tenant, id=subscription_id
            )
            if found is None or not _may(caller, found.application_owner):
                raise NotFound("Subscription", subscription_id)
            ended = replace(found, since=int(self.clock.now()))
            entry = audit(self.clock, caller, "revoke-tokens", "subscription", found.id)
            try:
                self.records.commit(Replace(ended), Put(grant_of(ended)), entry)
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return replace(ended, stamp=found.stamp + 1)
        raise AssertionError("the last attempt returns or raises")

    def end_user(self, caller: Caller, name: str) -> None:
        """End all access and refresh tokens of a user, given without tenant, and all sign-ins that
        could give new ones; Forbidden for others than the user and administrators.
        """
        if not _may(caller, name.lower()):
            raise Forbidden("Only administrators may end the tokens of others")
        for attempt in range(ATTEMPTS):
            user = self.records.get(User, tenant=caller.tenant, name=name.lower())
            if user is None:
                raise NotFound("User", name)
            ends = user_ended(self.clock, user.tenant, user.name)
            entry = audit(self.clock, caller, "revoke-tokens", "user", user.name)
            try:
                self.records.commit(Replace(replace(user, era=user.era + 1)), ends, entry)
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def _application(self, caller: Caller, application_id: str) -> Application:
        tenant = caller.tenant
        seen = self.records.get(GatewayApplication, tenant=tenant, application_id=application_id)
        owner = seen.owner if seen else caller.user
        found = self.records.get(Application, tenant=tenant, owner=owner, id=application_id)
        if found is None or found.status == "DELETE_PENDING" or not _may(caller, owner):
            raise NotFound("Application", application_id)
        return found


def _may(caller: Caller, owner: str) -> bool:
    return caller.user == owner or ADMIN in caller.roles
