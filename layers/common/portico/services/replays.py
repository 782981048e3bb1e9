"""What may come once only: assertions and the like, remembered until they have expired.

The change that remembers one is committed with whatever it leads to, or before it: when it cannot
be written, nothing is given (RFC 7523 section 3, RFC 7522 section 3).
"""

import hashlib
from dataclasses import dataclass

from portico.domain.authorization import Seen
from portico.domain.records import Create
from portico.ports import Records

MARGIN = 300  # seconds that an id is kept beyond its end, more than any clock may differ


@dataclass(frozen=True)
class Replays:
    """Ids that have been seen, of each tenant."""

    records: Records

    def first(self, tenant: str, kind: str, issuer: str, name: str, expires: int) -> Create:
        """The change that lets an issuer's id come once: it is AlreadyExists the second time.

        `expires` is the assertion's own end, in epoch seconds.
        """
        # Digested: ids may be long, and their parts must not run into one another.
        parts = "\n".join(f"{len(part)}:{part}" for part in (issuer, name))
        subject = f"{kind}:{hashlib.sha256(parts.encode()).hexdigest()}"
        return Create(Seen(tenant=tenant, subject=subject, expires=expires + MARGIN))

    def once(self, tenant: str, kind: str, issuer: str, name: str, expires: int) -> None:
        """Remember at once; AlreadyExists when it has come before."""
        self.records.commit(self.first(tenant, kind, issuer, name, expires))
