"""A tenant from nothing: its record, its default policies and its first administrator; once, and harmlessly again."""

from dataclasses import dataclass, replace

from portico.domain.errors import AlreadyExists, LostRace
from portico.domain.gateway import PolicyTable
from portico.domain.policy import Policy
from portico.domain.records import Create, Replace, Require
from portico.domain.tenant import Tenant
from portico.ports import Clock, Records
from portico.services.policies import default_policies, mirror_of

ATTEMPTS = 5


@dataclass(frozen=True)
class Tenants:
    """Tenants and what each begins with."""

    records: Records
    clock: Clock

    def prepare(self, name: str) -> Tenant:
        """The tenant with its default policies; makes what is missing, changes nothing that an administrator did.

        Defaults are made with the tenant and never again, so that one that was deleted or changed stays so. The
        authorizer's copy of the policies is corrected whenever it differs from them.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return self._prepare(name)
            except (LostRace, AlreadyExists):
                continue  # another run, or an administrator at work
        return self._prepare(name)

    def _prepare(self, name: str) -> Tenant:
        tenant = self.records.get(Tenant, tenant=name)
        table = self.records.get(PolicyTable, tenant=name) or PolicyTable(tenant=name)
        policies = self.records.list(Policy, tenant=name)
        if tenant is None:
            present = {(policy.level, policy.name) for policy in policies}
            missing = [policy for policy in default_policies(name) if (policy.level, policy.name) not in present]
            mirror = mirror_of(name, [*policies, *missing], table.stamp)
            tenant = Tenant(tenant=name, created=int(self.clock.now()))
            self.records.commit(Create(tenant), *map(Create, missing), Replace(mirror))
            return replace(tenant, stamp=1)
        mirror = mirror_of(name, policies, table.stamp)
        if mirror != table:
            self.records.commit(Require(tenant), Replace(mirror))
        return tenant

    def remember(self, name: str, setting: str, value: str) -> None:
        """Note something in the tenant's settings."""
        for _ in range(ATTEMPTS):
            tenant = self.records.get(Tenant, tenant=name)
            if tenant is None:
                tenant = Tenant(tenant=name, created=int(self.clock.now()))
            if tenant.settings.get(setting) == value:
                return
            try:
                self.records.commit(Replace(replace(tenant, settings={**tenant.settings, setting: value})))
            except LostRace:
                continue
            return
        raise LostRace(f"Tenant {name} is being changed")
