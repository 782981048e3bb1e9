"""Throttling policies: made, changed and removed by administrators, mirrored for the authorizer.

Not the counting of calls, which is the authorizer's; what a policy may say is `policy_rules`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import Api, Delivery, Revision
from portico.domain.errors import (
    AlreadyExists,
    Conflict,
    InUse,
    InvalidInput,
    NotFound,
    Stale,
)
from portico.domain.gateway import PolicyTable
from portico.domain.policy import UNLIMITED, Level, Policy, PolicyUse
from portico.domain.records import Change, Create, Put, Remove, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.policy_mirror import commit_mirrored, with_policy
from portico.services.policy_rules import PolicyDraft, checked, filled
from portico.services.policy_uses import API
from portico.services.policy_uses import policy_uses as policy_uses

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


@dataclass(frozen=True)
class Policies:
    """The policies of a tenant at every level."""

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
        draft = checked(draft, _level(level))
        lower = draft.name.lower()
        if any(policy.name.lower() == lower for policy in self.list(caller.tenant, level)):
            raise AlreadyExists(f"A policy with the name '{draft.name}' exists already")
        policy = filled(
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
        draft = checked(draft, _level(level))
        if stamp is not None and stamp != old.stamp:
            raise Stale("The policy has been changed since it was read")
        if draft.name != old.name:
            raise InvalidInput.of("policyName", "the name of a policy cannot be changed")
        if old.name == UNLIMITED and (draft.limit.amount or draft.burst_count or draft.groups):
            raise InvalidInput.of("defaultLimit", "the policy Unlimited has no limit")
        new = filled(old, draft)
        if new.measures_bandwidth and not old.measures_bandwidth:
            self._refuse_on_pass_through(new)
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
        for use in self._uses(policy):
            if use.kind != API:
                raise InUse(f"The policy '{policy.name}' is used by the {use.kind} '{use.subject}'")
            # What an API used may outlive it: its removal has room for so many changes only.
            api = self.records.get(Api, tenant=policy.tenant, id=use.subject)
            if api is not None:
                raise InUse(
                    f"The policy '{policy.name}' is used by the API '{api.name}' {api.version} "
                    f"({api.id}) or a revision of it"
                )

    def _refuse_on_pass_through(self, policy: Policy) -> None:
        keys = [
            {"tenant": policy.tenant, "id": use.subject}
            for use in self._uses(policy)
            if use.kind == API
        ]
        for api in self.records.get_many(Api, keys) if keys else ():
            if api.delivery == Delivery.PASS_THROUGH or self._passes_through(api):
                raise Conflict(
                    f"The pass-through API '{api.name}' {api.version} uses the policy "
                    f"'{policy.name}', and nobody sees the bandwidth of its calls: they go from "
                    "API Gateway to the back end"
                )

    def _passes_through(self, api: Api) -> bool:
        deployed = self.records.get(
            Revision, tenant=api.tenant, api_id=api.id, id=api.deployed_revision
        )
        return deployed is not None and deployed.api.delivery == Delivery.PASS_THROUGH

    def _uses(self, policy: Policy) -> Sequence[PolicyUse]:
        return self.records.list(
            PolicyUse, tenant=policy.tenant, level=policy.level, policy=policy.name
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
        def edit(table: PolicyTable) -> PolicyTable:
            return with_policy(table, policy, present)

        commit_mirrored(self.records, policy.tenant, edit, *changes)


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


def _level(level: str) -> str:
    try:
        return Level(level).value
    except ValueError:
        raise NotFound("Policy level", level) from None


def _telling(policy: Policy | None) -> dict[str, Any]:
    if policy is None:
        return {}
    told: dict[str, Any] = {
        "limit": str(policy.limit),
        "stop_on_quota_reach": policy.stop_on_quota_reach,
    }
    if policy.burst_count:
        told["burst"] = f"{policy.burst_count} in 1 {policy.burst_unit}"
    if policy.groups:
        told["groups"] = len(policy.groups)
    if policy.key_template:
        told["key_template"] = policy.key_template
    return told
