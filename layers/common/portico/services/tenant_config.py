"""What an administrator sets for a whole tenant; each setting has a default."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.backend_jwt import BackendJwtRules
from portico.domain.errors import InvalidInput, LostRace, Problem, Stale
from portico.domain.gateway import PolicyTable
from portico.domain.records import Change, Replace
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.backend_jwt_rules import RulingBackendJwt
from portico.services.policy_mirror import with_failure
from portico.services.token_rules import Draft, RulingTokens

TRIES = 5
# Whether the box "Deprecate old versions" is ticked before anybody has touched it.
DEPRECATE_OLD_VERSIONS = "DeprecateOldVersions"
# The headers that APIs read credentials from, unless an API names its own; in force for an API with
# its next deployment.
AUTHORIZATION_HEADER = "AuthorizationHeader"
API_KEY_HEADER = "ApiKeyHeader"
# Whether calls with a limit are refused while the counters do not answer; else they pass uncounted.
THROTTLING_FAILS_CLOSED = "ThrottlingFailsClosed"
DEFAULTS: Mapping[str, bool | str] = {
    DEPRECATE_OLD_VERSIONS: False,
    AUTHORIZATION_HEADER: "Authorization",
    API_KEY_HEADER: "apikey",
    THROTTLING_FAILS_CLOSED: False,
}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 section 5.6.2

Values = dict[str, bool | str]


def setting(records: Records, tenant: str, name: str) -> bool:
    """Whether a setting of a tenant that is a switch is on."""
    return _value(records.get(Tenant, tenant=tenant), name) is True


def headers(records: Records, tenant: str) -> tuple[str, str]:
    """The tenant's names of the headers for tokens and for API keys."""
    known = records.get(Tenant, tenant=tenant)
    return str(_value(known, AUTHORIZATION_HEADER)), str(_value(known, API_KEY_HEADER))


def _value(tenant: Tenant | None, name: str) -> bool | str:
    value, default = tenant.settings.get(name) if tenant else None, DEFAULTS[name]
    if value is None:
        return default
    return value == "true" if isinstance(default, bool) else value


def _problem(name: str, value: Any) -> str:
    """What is wrong with a setting; "" when it is right."""
    if name not in DEFAULTS:
        return f"is not known; known are {', '.join(DEFAULTS)}"
    if isinstance(DEFAULTS[name], bool):
        return "" if isinstance(value, bool) else "must be true or false"
    named = isinstance(value, str) and _HEADER.fullmatch(value)
    return "" if named else "must be the name of a header"


@dataclass(frozen=True)
class TenantConfig:
    """Reads and changes the settings of a tenant."""

    records: Records
    clock: Clock

    def show(self, tenant: str) -> Values:
        """All settings with their values."""
        return values_of(self.records.get(Tenant, tenant=tenant))

    def change(self, caller: Caller, values: Mapping[str, Any]) -> Values:
        """Set them all; what is left out has its default again. InvalidInput for others."""
        for attempt in range(TRIES):
            known = self.records.get(Tenant, tenant=caller.tenant) or Tenant(tenant=caller.tenant)
            wanted, changes = self.prepare(caller, known, values)
            try:
                self.records.commit(*changes)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return wanted
        raise AssertionError("the last attempt returns or raises")

    def prepare(
        self, caller: Caller, known: Tenant, values: Mapping[str, Any]
    ) -> tuple[Values, list[Change]]:
        """All settings as they would be over those that are known, and what to commit for them;
        InvalidInput.
        """
        problems = [
            Problem(name, problem)
            for name, value in values.items()
            if (problem := _problem(name, value))
        ]
        if problems:
            raise InvalidInput("The tenant configuration is not valid", problems)
        before = values_of(known)
        wanted: Values = {name: values.get(name, default) for name, default in DEFAULTS.items()}
        texts = {
            name: value if isinstance(value, str) else ("true" if value else "false")
            for name, value in wanted.items()
        }
        entry = audit(self.clock, caller, "update", "tenant-config", caller.tenant, before, wanted)
        changes: list[Change] = [
            Replace(replace(known, settings={**known.settings, **texts})),
            entry,
        ]
        if wanted[THROTTLING_FAILS_CLOSED] != before[THROTTLING_FAILS_CLOSED]:
            table = self.records.get(PolicyTable, tenant=caller.tenant) or PolicyTable(
                tenant=caller.tenant
            )
            closed = wanted[THROTTLING_FAILS_CLOSED] is True
            changes.append(Replace(with_failure(table, closed=closed)))
        return wanted, changes


@dataclass(frozen=True)
class Config:
    """A tenant's whole configuration; `stamp` changes with every part of it."""

    settings: Mapping[str, bool | str]
    rules: TokenRules
    backend_jwt: BackendJwtRules
    stamp: int


@dataclass(frozen=True)
class WholeConfig:
    """The settings of a tenant and its rules about tokens and backend JWTs, as one thing."""

    settings: TenantConfig
    tokens: RulingTokens
    backend_jwt: RulingBackendJwt

    def show(self, tenant: str) -> Config:
        """All that is set."""
        known, rules, backend = self._read(tenant)
        # All count their writes: their sum never comes twice.
        return Config(values_of(known), rules, backend, known.stamp + rules.stamp + backend.stamp)

    def change(
        self,
        caller: Caller,
        values: Mapping[str, Any],
        draft: Draft | None = None,
        stamp: int | None = None,
        wanted_backend: BackendJwtRules | None = None,
    ) -> Config:
        """Set all settings, and the rules about tokens when there is a draft, those about backend
        JWTs when there are some, or nothing at all.

        InvalidInput names what is wrong; Stale unless the configuration still has the stamp, where
        one is given.
        """
        for attempt in range(TRIES):
            known, rules, backend = self._read(caller.tenant)
            before = known.stamp + rules.stamp + backend.stamp
            if stamp is not None and stamp != before:
                raise Stale("The tenant configuration was changed meanwhile; look at it again")
            wanted, changes = self.settings.prepare(caller, known, values)
            if draft:
                rules, ruling = self.tokens.prepare(caller, rules, draft)
                changes = [*changes, *ruling]
            if wanted_backend:
                backend, ruling = self.backend_jwt.prepare(caller, backend, wanted_backend)
                changes = [*changes, *ruling]
            try:
                self.settings.records.commit(*changes)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                writes = 1 + bool(draft) + bool(wanted_backend)
                return Config(wanted, rules, backend, before + writes)
        raise AssertionError("the last attempt returns or raises")

    def _read(self, tenant: str) -> tuple[Tenant, TokenRules, BackendJwtRules]:
        known = self.settings.records.get(Tenant, tenant=tenant) or Tenant(tenant=tenant)
        return known, self.tokens.show(tenant), self.backend_jwt.show(tenant)


def values_of(tenant: Tenant | None) -> Values:
    """All settings with their values, those that nobody has set too."""
    return {name: _value(tenant, name) for name in DEFAULTS}
