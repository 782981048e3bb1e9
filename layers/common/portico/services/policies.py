"""Throttling policies: made, changed and removed by administrators, mirrored for the authorizer.

Not the counting of calls: that is the authorizer's. Burst limits are kept, not enforced.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from portico.domain.errors import (
    AlreadyExists,
    InUse,
    InvalidInput,
    LostRace,
    NotFound,
    Problem,
    Stale,
)
from portico.domain.gateway import PolicyTable
from portico.domain.policy import SECONDS, UNLIMITED, Level, Policy, PolicyUse
from portico.domain.records import Change, Create, Discard, Put, Remove, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
MAX_CALLS = 2_147_483_647  # WSO2's number for "no limit"
MAX_UNIT_TIME = 1_000_000
ATTEMPTS = (
    5  # the mirror is one item for all policies of a tenant, so two administrators may meet there
)

# The gateway falls back on these, whether or not anything names them.
INDISPENSABLE = frozenset(
    {
        (Level.APPLICATION.value, UNLIMITED),
        (Level.SUBSCRIPTION.value, UNLIMITED),
        (Level.SUBSCRIPTION.value, "Unauthenticated"),
        (Level.SUBSCRIPTION.value, "DefaultSubscriptionless"),
        (Level.API.value, UNLIMITED),
    }
)

# Level, name, calls a minute (0: no limit): what WSO2 gives a new tenant.
DEFAULTS: tuple[tuple[Level, str, int], ...] = (
    (Level.APPLICATION, "10PerMin", 10),
    (Level.APPLICATION, "20PerMin", 20),
    (Level.APPLICATION, "50PerMin", 50),
    (Level.APPLICATION, UNLIMITED, 0),
    (Level.SUBSCRIPTION, "Bronze", 1000),
    (Level.SUBSCRIPTION, "Silver", 2000),
    (Level.SUBSCRIPTION, "Gold", 5000),
    (Level.SUBSCRIPTION, UNLIMITED, 0),
    (Level.SUBSCRIPTION, "Unauthenticated", 500),
    (Level.SUBSCRIPTION, "DefaultSubscriptionless", 0),
    (Level.API, "10KPerMin", 10_000),
    (Level.API, "20KPerMin", 20_000),
    (Level.API, "50KPerMin", 50_000),
    (Level.API, UNLIMITED, 0),
)


@dataclass(frozen=True, kw_only=True)
class PolicyDraft:
    """What an administrator says of a policy; `request_count` 0 means no limit."""

    name: str
    display_name: str = ""
    description: str = ""
    request_count: int
    unit_time: int
    time_unit: str
    stop_on_quota_reach: bool = True
    billing_plan: str = "FREE"
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class Policies:
    """The policies of a tenant at the levels application, subscription and api."""

    records: Records
    clock: Clock

    def list(self, tenant: str, level: str) -> "list[Policy]":
        """All policies of a level, by name."""
        return self.records.list(Policy, tenant=tenant, level=_level(level))

    def get(self, tenant: str, level: str, name: str) -> Policy:
        """The policy with this name; NotFound."""
        found = self.records.get(Policy, tenant=tenant, level=_level(level), name=name)
        if found is None:
            raise NotFound("Policy", name)
        return found

    def find(self, tenant: str, level: str, policy_id: str) -> Policy:
        """The policy with this id; NotFound."""
        for policy in self.list(tenant, level):
            if policy.id == policy_id:
                return policy
        raise NotFound("Policy", policy_id)

    def create(self, caller: Caller, level: str, draft: PolicyDraft) -> Policy:
        """A new policy. Raises InvalidInput, or AlreadyExists for a name taken in any case."""
        _check(draft)
        lower = draft.name.lower()
        if any(policy.name.lower() == lower for policy in self.list(caller.tenant, level)):
            raise AlreadyExists(f"A policy with the name '{draft.name}' exists already")
        policy = _filled(
            Policy(
                tenant=caller.tenant, level=_level(level), name=draft.name, id=str(uuid.uuid4())
            ),
            draft,
        )
        self._commit(policy, True, Create(policy), self._audit(caller, "create", None, policy))
        return replace(policy, stamp=1)

    def replace(
        self,
        caller: Caller,
        level: str,
        policy_id: str,
        draft: PolicyDraft,
        stamp: int | None = None,
    ) -> Policy:
        """The policy with new limits and texts; its name stays.

        `stamp` is the state that the caller knows; Stale when it is no longer the current one.
        """
        old = self.find(caller.tenant, level, policy_id)
        _check(draft)
        if stamp is not None and stamp != old.stamp:
            raise Stale("The policy has been changed since it was read")
        if draft.name != old.name:
            raise InvalidInput.of("policyName", "the name of a policy cannot be changed")
        if old.name == UNLIMITED and draft.request_count:
            raise InvalidInput.of("defaultLimit", "the policy Unlimited has no limit")
        new = _filled(old, draft)
        self._commit(new, True, Replace(new), self._audit(caller, "update", old, new))
        return replace(new, stamp=old.stamp + 1)

    def delete(self, caller: Caller, level: str, policy_id: str) -> None:
        """Remove a policy. Raises InUse while something names it or the gateway needs it."""
        policy = self.find(caller.tenant, level, policy_id)
        if (policy.level, policy.name) in INDISPENSABLE:
            raise InUse(f"The policy '{policy.name}' is one that the gateway itself needs")
        self._refuse_when_used(policy)
        self._commit(policy, False, Remove(policy), self._audit(caller, "delete", policy, None))
        try:
            # What was subscribed between the first look and the removal is seen now.
            self._refuse_when_used(policy)
        except InUse:
            back = replace(policy, stamp=0)
            self._commit(back, True, Put(back), self._audit(caller, "create", None, back))
            raise

    def _refuse_when_used(self, policy: Policy) -> None:
        uses = self.records.list(
            PolicyUse, tenant=policy.tenant, level=policy.level, policy=policy.name, limit=1
        )
        if uses:
            raise InUse(
                f"The policy '{policy.name}' is used by the {uses[0].kind} '{uses[0].subject}'"
            )

    def _audit(self, caller: Caller, action: str, old: Policy | None, new: Policy | None) -> Change:
        subject = old or new
        assert subject is not None  # noqa: S101 - for the type checker: one of the two is always there
        return audit(
            self.clock,
            caller,
            action,
            "policy",
            f"{subject.level}/{subject.name}",
            _telling(old),
            _telling(new),
        )

    def _commit(self, policy: Policy, present: bool, *changes: Change) -> None:
        for attempt in range(ATTEMPTS):
            table = self.records.get(PolicyTable, tenant=policy.tenant) or PolicyTable(
                tenant=policy.tenant
            )
            try:
                self.records.commit(*changes, Replace(mirrored(table, policy, present)))
            except LostRace:
                # A race about the mirror is worth another try; one about the policy itself is
                # lost again at once.
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return


def default_policies(tenant: str) -> "list[Policy]":
    """The policies that every tenant begins with."""
    return [
        Policy(
            tenant=tenant,
            level=level.value,
            name=name,
            id=str(uuid.uuid4()),
            display_name=name,
            description=f"Allows {calls} requests per minute"
            if calls
            else "Allows unlimited requests",
            request_count=calls,
            default=True,
        )
        for level, name, calls in DEFAULTS
    ]


def mirrored(table: PolicyTable, policy: Policy, present: bool = True) -> PolicyTable:
    """The authorizer's table with this policy put in or taken out."""
    levels = {level: dict(names) for level, names in table.policies.items()}
    names = levels.setdefault(policy.level, {})
    if present:
        names[policy.name] = [policy.request_count, policy.window, policy.stop_on_quota_reach]
    else:
        names.pop(policy.name, None)
    return replace(table, policies=levels)


def mirror_of(tenant: str, policies: Iterable[Policy], stamp: int = 0) -> PolicyTable:
    """The authorizer's table of exactly these policies."""
    table = PolicyTable(tenant=tenant, stamp=stamp)
    for policy in policies:
        table = mirrored(table, policy)
    return table


def policy_uses(
    tenant: str,
    level: str,
    kind: str,
    subject: str,
    before: Collection[str],
    after: Collection[str],
) -> "list[Change]":
    """Changes to commit with what uses policies; their names go from `before` to `after`.

    `kind` is "application", "subscription" or "API", `subject` its id. They make `Policies.delete`
    refuse a policy that is in use; repeating them is harmless.
    """
    uses = {
        name: PolicyUse(tenant=tenant, level=_level(level), policy=name, kind=kind, subject=subject)
        for name in {*before, *after}
        if name
    }
    return [
        Put(use) if name in after else Discard(use)
        for name, use in sorted(uses.items())
        if (name in after) != (name in before)
    ]


def _level(level: str) -> str:
    try:
        return Level(level).value
    except ValueError:
        raise NotFound("Policy level", level) from None


def _check(draft: PolicyDraft) -> None:
    problems = []
    if not NAME.fullmatch(draft.name):
        text = "1 to 60 letters, digits, '_', '-' or '.', beginning with a letter or digit"
        problems.append(Problem("policyName", text))
    if len(draft.display_name) > 512:
        problems.append(Problem("displayName", "at most 512 characters"))
    if len(draft.description) > 1024:
        problems.append(Problem("description", "at most 1024 characters"))
    limit = "defaultLimit.requestCount"
    if not 0 <= draft.request_count <= MAX_CALLS:
        problems.append(Problem(f"{limit}.requestCount", f"1 to {MAX_CALLS}"))
    if not 1 <= draft.unit_time <= MAX_UNIT_TIME:
        problems.append(Problem(f"{limit}.unitTime", f"1 to {MAX_UNIT_TIME}"))
    if draft.time_unit not in SECONDS:
        problems.append(Problem(f"{limit}.timeUnit", f"one of {', '.join(SECONDS)}"))
    if draft.billing_plan not in ("FREE", "COMMERCIAL"):
        problems.append(Problem("billingPlan", "FREE or COMMERCIAL"))
    if problems:
        raise InvalidInput("The policy is not valid", problems)


def _filled(policy: Policy, draft: PolicyDraft) -> Policy:
    values = {field.name: getattr(draft, field.name) for field in fields(draft)}
    values |= {"display_name": draft.display_name or draft.name, "extra": dict(draft.extra)}
    return replace(policy, **values)


def _telling(policy: Policy | None) -> dict[str, Any]:
    if policy is None:
        return {}
    return {
        "request_count": policy.request_count,
        "window": policy.window,
        "stop_on_quota_reach": policy.stop_on_quota_reach,
    }
