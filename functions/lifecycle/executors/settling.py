"""Entries of kind "settle-apis": the APIs follow the life cycle that has been put in force."""

from dataclasses import dataclass

from portico.domain.operations import OutboxEntry
from portico.ports import Clock
from portico.services.settling import Settling

SECONDS = 20.0  # of one attempt; an entry that is not done by then goes on in the next one


@dataclass(frozen=True)
class SettleApis:
    """In the name of who put the life cycle in force."""

    settling: Settling
    clock: Clock

    def __call__(self, entry: OutboxEntry) -> bool:
        mapping = {str(old): str(new) for old, new in dict(entry.payload["mapping"]).items()}
        until = self.clock.now() + SECONDS
        return self.settling.settle(entry.tenant, mapping, str(entry.payload["user"]), until)
