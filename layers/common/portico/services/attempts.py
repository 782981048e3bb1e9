"""Failed sign-ins, counted for each user name and each address, so that guessing soon stops."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from portico.domain.errors import AlreadyExists, LostRace, TooManyAttempts
from portico.domain.records import Create, Discard, Replace
from portico.domain.user import Attempts
from portico.ports import Clock, Records

WINDOW = 300  # seconds; it begins with the first failure
PER_USER = 5
PER_ADDRESS = 50  # many people may sit behind one address
TRIES = 8


@dataclass(frozen=True)
class Guard:
    """Counts failures in the store, for all environments of all functions together."""

    records: Records
    clock: Clock

    def take(self, tenant: str, limits: Mapping[str, int], window: int) -> None:
        """Count a request for each of these subjects, unless one of them has had as many as its
        limit within the window (seconds): TooManyAttempts.
        """
        now = self.clock.now()
        keys = [{"tenant": tenant, "subject": subject} for subject in limits]
        waits = [
            one.expires - now
            for one in self.records.get_many(Attempts, keys)
            if one.expires > now and one.count >= limits[one.subject]
        ]
        if waits:
            raise TooManyAttempts("Too many requests; try again later", int(max(waits)) + 1)
        for subject, limit in limits.items():
            self._count(tenant, subject, limit, window)

    def check(self, tenant: str, name: str, address: str) -> bool:
        """Whether the name has failed before, the user being known or not.

        Refuses with TooManyAttempts while name or address has failed too often.
        """
        now = self.clock.now()
        limits = dict(_subjects(name, address))
        keys = [{"tenant": tenant, "subject": subject} for subject in limits]
        found = self.records.get_many(Attempts, keys)
        waits = [
            one.expires - now
            for one in found
            if one.expires > now and one.count >= limits[one.subject]
        ]
        if waits:
            raise TooManyAttempts("Too many failed attempts; try again later", int(max(waits)) + 1)
        return any(one.subject == _user(name) for one in found)

    def failed(self, tenant: str, name: str, address: str) -> None:
        """Count a failure for both."""
        for subject, limit in _subjects(name, address):
            self._count(tenant, subject, limit)

    def forget(self, tenant: str, name: str) -> None:
        """Forget a user's failures; those of an address stay, or one good account frees it."""
        forgotten = Attempts(tenant=tenant, subject=_user(name), count=0, expires=0)
        self.records.commit(Discard(forgotten))

    def _count(self, tenant: str, subject: str, limit: int, window: int = WINDOW) -> None:
        for _ in range(TRIES):
            now = self.clock.now()
            found = self.records.get(Attempts, tenant=tenant, subject=subject)
            running = found is not None and found.expires > now
            changed = Attempts(
                tenant=tenant,
                subject=subject,
                count=found.count + 1 if found and running else 1,
                expires=found.expires if found and running else int(now) + window,
                stamp=found.stamp if found else 0,
            )
            if found and running and found.count >= limit:
                return
            try:
                self.records.commit(Replace(changed) if found else Create(changed))
                return
            except (LostRace, AlreadyExists):
                continue
        # So many failures at once that they cannot even be counted are too many.
        raise TooManyAttempts("Too many failed attempts; try again later", window)


def _subjects(name: str, address: str) -> list[tuple[str, int]]:
    subjects = [(_user(name), PER_USER)]
    if address:
        subjects.append((f"address:{network(address)}", PER_ADDRESS))
    return subjects


def network(address: str) -> str:
    """An address as it is counted: IPv4, or the /64 of IPv6, usually one customer's."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:100]
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))


def _user(name: str) -> str:
    return f"user:{name.lower()}"
