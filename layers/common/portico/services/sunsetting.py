"""The date from when on an API may be gone, told with its answers once it is deprecated."""

from dataclasses import dataclass, replace

from portico.domain.api import Api
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import Conflict, LostRace, NotFound, Stale
from portico.domain.records import Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.deployments import Deployments

TRIES = 5


@dataclass(frozen=True)
class Sunsetting:
    """Sets the date and takes it away; nothing else happens at it."""

    records: Records
    clock: Clock

    def set(self, caller: Caller, api_id: str, at: int, stamp: int | None = None) -> Api:
        """The API with its date in epoch seconds; 0: none. Raises NotFound, Stale, and Conflict
        for one that is gone already.
        """
        for attempt in range(TRIES):
            api = self.records.get(Api, tenant=caller.tenant, id=api_id)
            if api is None:
                raise NotFound("API", api_id)
            if stamp is not None and stamp != api.stamp:
                raise Stale("The API has been changed since it was read")
            if not behaviour_of(api).keeps_subscriptions:
                raise Conflict(f"The API is {api.state} already")
            if api.sunset == at:
                return api
            after = replace(api, sunset=at)
            entry = audit(
                self.clock,
                caller,
                "sunset",
                "api",
                api.id,
                {"sunset": api.sunset},
                {"sunset": at},
            )
            try:
                self.records.commit(Replace(after), *Deployments(self.records).mark(after), entry)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return replace(after, stamp=after.stamp + 1)
        raise AssertionError("the last attempt returns or raises")
