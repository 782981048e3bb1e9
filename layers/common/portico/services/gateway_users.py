"""What the gateway knows of users: a record of each user's claims, written with the user.

All claims, whether a tenant has them told or not: which of them go into backend JWTs may then
change at once, and no user must be written for it.
"""

from dataclasses import dataclass

from portico.domain.backend_jwt import GatewayUser
from portico.domain.claims import told
from portico.domain.errors import LostRace
from portico.domain.records import Change, Put, Require
from portico.domain.user import User
from portico.ports import Records

AT_ONCE = 40  # users in one transaction, with two actions each


def told_to_gateway(user: User) -> Put:
    """The user's claims for the authorizer; to commit with every change of the user."""
    return Put(mirror_of(user))


def mirror_of(user: User) -> GatewayUser:
    """The user as the authorizer reads it."""
    return GatewayUser(tenant=user.tenant, name=user.name, claims=told(user))


@dataclass(frozen=True)
class GatewayUsers:
    """The records of users who are older than these records."""

    records: Records

    def complete(self, tenant: str) -> int:
        """Write those that are missing or differ, and tell how many these were; harmless to repeat.

        Whoever changes a user meanwhile writes the record too, and wins.
        """
        users = self.records.list(User, tenant=tenant)
        written = 0
        for start in range(0, len(users), AT_ONCE):
            some = users[start : start + AT_ONCE]
            keys = [{"tenant": tenant, "name": user.name} for user in some]
            known = {one.name: one.claims for one in self.records.get_many(GatewayUser, keys)}
            stale = [user for user in some if known.get(user.name) != told(user)]
            if stale:
                written += self._write(stale)
        return written

    def _write(self, users: list[User]) -> int:
        changes: list[Change] = [
            change for user in users for change in (Require(user), told_to_gateway(user))
        ]
        try:
            self.records.commit(*changes)
        except LostRace:
            # One by one: only those that were not changed meanwhile.
            if len(users) == 1:
                return 0
            return sum(self._write([user]) for user in users)
        return len(users)
