"""What an administrator sets for a whole tenant; each setting has a default."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.errors import InvalidInput, LostRace, Problem
from portico.domain.records import Replace
from portico.domain.tenant import Tenant
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit

TRIES = 5
# Whether the box "Deprecate old versions" is ticked before anybody has touched it.
DEPRECATE_OLD_VERSIONS = "DeprecateOldVersions"
DEFAULTS: Mapping[str, bool] = {DEPRECATE_OLD_VERSIONS: False}


def setting(records: Records, tenant: str, name: str) -> bool:
    """One setting of a tenant."""
    found = records.get(Tenant, tenant=tenant)
    value = found.settings.get(name) if found else None
    return DEFAULTS[name] if value is None else value == "true"


@dataclass(frozen=True)
class TenantConfig:
    """Reads and changes the settings of a tenant."""

    records: Records
    clock: Clock

    def show(self, tenant: str) -> dict[str, bool]:
        """All settings with their values."""
        return {name: setting(self.records, tenant, name) for name in DEFAULTS}

    def change(self, caller: Caller, values: Mapping[str, Any]) -> dict[str, bool]:
        """Set them all; what is left out has its default again. InvalidInput for others."""
        problems = [
            Problem(name, f"is not known; known are {', '.join(DEFAULTS)}")
            if name not in DEFAULTS
            else Problem(name, "must be true or false")
            for name, value in values.items()
            if name not in DEFAULTS or not isinstance(value, bool)
        ]
        if problems:
            raise InvalidInput("The tenant configuration is not valid", problems)
        wanted = {name: bool(values.get(name, default)) for name, default in DEFAULTS.items()}
        for attempt in range(TRIES):
            before = self.show(caller.tenant)
            known = self.records.get(Tenant, tenant=caller.tenant) or Tenant(tenant=caller.tenant)
            texts = {name: "true" if value else "false" for name, value in wanted.items()}
            entry = audit(
                self.clock, caller, "update", "tenant-config", caller.tenant, before, wanted
            )
            try:
                self.records.commit(
                    Replace(replace(known, settings={**known.settings, **texts})), entry
                )
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return wanted
        raise AssertionError("the last attempt returns or raises")
