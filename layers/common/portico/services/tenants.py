"""A tenant from nothing: its record, default policies and first administrator.

All of it happens once, and may be asked for again at any time.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from portico.domain.errors import AlreadyExists, LostRace, NotFound
from portico.domain.gateway import PolicyTable
from portico.domain.policy import DenyPolicy, Policy
from portico.domain.records import Create, Replace, Require
from portico.domain.tenant import Tenant
from portico.domain.user import ADMIN, ROLES, Caller, User
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.gateway_users import told_to_gateway
from portico.services.policies import default_policies
from portico.services.policy_mirror import mirror_of

T = TypeVar("T")
ATTEMPTS = 5
FIRST_ADMIN = "first_admin"  # setting of a tenant: the name of the administrator made for it
SYSTEM = "system"  # who, in the audit trail, did what no person asked for


@dataclass(frozen=True)
class Tenants:
    """Tenants and what each begins with."""

    records: Records
    clock: Clock

    def prepare(self, name: str) -> Tenant:
        """The tenant with its default policies; makes what is missing.

        Defaults are made with the tenant and never again: one that an administrator deleted or
        changed stays so. The authorizer's copy is corrected whenever it differs from the policies.
        """
        return _retried(lambda: self._prepare(name))

    def first_admin(self, tenant: str, name: str, hashed: Callable[[], str]) -> bool:
        """Make the first administrator; whether one was made now.

        `hashed` gives the hash of the password and is asked only when it is needed. Once for each
        name: who was removed does not come back with a deployment, and a changed password stays.
        Another name makes another administrator, the way back in when all others are lost.
        """
        return _retried(lambda: self._first_admin(tenant, name, hashed))

    def _prepare(self, name: str) -> Tenant:
        # The mirror before the policies: a change of these after it makes the commit lose the race.
        table = self.records.get(PolicyTable, tenant=name) or PolicyTable(tenant=name)
        tenant = self.records.get(Tenant, tenant=name)
        policies = self.records.list(Policy, tenant=name)
        denies = self.records.list(DenyPolicy, tenant=name)
        if tenant is None:
            present = {(policy.level, policy.name) for policy in policies}
            missing = [
                policy
                for policy in default_policies(name)
                if (policy.level, policy.name) not in present
            ]
            mirror = mirror_of(name, [*policies, *missing], denies, table)
            tenant = Tenant(tenant=name, created=int(self.clock.now()))
            self.records.commit(Create(tenant), *map(Create, missing), Replace(mirror))
            return replace(tenant, stamp=1)
        mirror = mirror_of(name, policies, denies, table)
        if mirror != table:
            self.records.commit(Require(tenant), Replace(mirror))
        return tenant

    def _first_admin(self, tenant: str, name: str, hashed: Callable[[], str]) -> bool:
        known = self.records.get(Tenant, tenant=tenant)
        if known is None:
            raise NotFound("Tenant", tenant)
        if known.settings.get(FIRST_ADMIN) == name:
            return False
        noted = Replace(replace(known, settings={**known.settings, FIRST_ADMIN: name}))
        if self.records.get(User, tenant=tenant, name=name.lower()):
            self.records.commit(noted)
            return False
        user = User(
            tenant=tenant,
            name=name.lower(),
            id=str(uuid.uuid4()),
            password=hashed(),
            roles=ROLES,
            created=int(self.clock.now()),
        )
        caller = Caller(tenant, SYSTEM, (ADMIN,))
        entry = audit(self.clock, caller, "create", "user", user.name, after={"roles": list(ROLES)})
        self.records.commit(Create(user), told_to_gateway(user), noted, entry)
        return True


def _retried(work: Callable[[], T]) -> T:
    """Once more after a lost race: with another run, or with an administrator at work."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except (LostRace, AlreadyExists):
            continue
    return work()
