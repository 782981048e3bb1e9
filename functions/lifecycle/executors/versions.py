"""Entries of kind "deprecate-older": the older versions of a published API are deprecated."""

from dataclasses import dataclass

from portico.domain.operations import OutboxEntry
from portico.domain.user import Caller
from portico.services.succession import Succession


@dataclass(frozen=True)
class DeprecateOlder:
    """In the name and with the roles of who published the new version."""

    succession: Succession

    def __call__(self, entry: OutboxEntry) -> bool:
        roles = tuple(str(role) for role in entry.payload["roles"])
        caller = Caller(entry.tenant, str(entry.payload["user"]), roles)
        self.succession.deprecate_older(caller, str(entry.payload["api_id"]))
        return True
