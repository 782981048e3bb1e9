"""Deny policies: made, switched and removed by administrators, mirrored for the authorizer, which
refuses the calls.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.api import ApiCard, full_context
from portico.domain.application import ApplicationName
from portico.domain.errors import AlreadyExists, InvalidInput, NotFound, Problem, Stale
from portico.domain.gateway import PolicyTable
from portico.domain.policy import DenyKind, DenyPolicy
from portico.domain.records import Change, Create, Remove, Replace
from portico.domain.tenant import split_user
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.policy_mirror import commit_mirrored, with_deny
from portico.services.policy_rules import address_problem, canonical_address, range_problems

FIELD = "conditionValue"
_USER = re.compile(r"[^\x00-\x20\x7f#]{1,255}")


@dataclass(frozen=True, kw_only=True)
class Denial:
    """What an administrator wants denied; the fields are those of `DenyPolicy`."""

    kind: str
    value: str = ""
    start: str = ""
    end: str = ""
    invert: bool = False
    active: bool = True


@dataclass(frozen=True)
class DenyPolicies:
    """The deny policies of a tenant."""

    records: Records
    clock: Clock

    def list(self, tenant: str, kind: str = "", value: str = "") -> "list[DenyPolicy]":
        """All of them, oldest first, or those of a kind or with exactly this value."""
        found = [
            one
            for one in self.records.list(DenyPolicy, tenant=tenant)
            if kind in ("", one.kind) and value in ("", one.value, one.value.lstrip("/"), one.start)
        ]
        return sorted(found, key=lambda one: (one.created, one.id))

    def get(self, tenant: str, policy_id: str) -> DenyPolicy:
        """The deny policy with this id; NotFound."""
        found = self.records.get(DenyPolicy, tenant=tenant, id=policy_id)
        if found is None:
            raise NotFound("Deny policy", policy_id)
        return found

    def create(self, caller: Caller, denial: Denial) -> DenyPolicy:
        """A new deny policy, in force as soon as authorizers read it.

        Raises InvalidInput, for an API or application that is not there too, or AlreadyExists.
        """
        made = self._made(caller, denial)
        for one in self.list(caller.tenant, made.kind):
            if _meant(one) == _meant(made):
                raise AlreadyExists(f"There is a deny policy for this already: {one.id}")
        self._commit(made, True, Create(made), self._audit(caller, "create", None, made))
        return replace(made, stamp=1)

    def switch(
        self, caller: Caller, policy_id: str, active: bool, stamp: int | None = None
    ) -> DenyPolicy:
        """The deny policy switched on or off. Stale when `stamp` is not its present one."""
        old = self.get(caller.tenant, policy_id)
        if stamp is not None and stamp != old.stamp:
            raise Stale("The deny policy has been changed since it was read")
        if old.active == active:
            return old
        new = replace(old, active=active)
        self._commit(new, True, Replace(new), self._audit(caller, "update", old, new))
        return replace(new, stamp=old.stamp + 1)

    def delete(self, caller: Caller, policy_id: str) -> None:
        """Remove a deny policy; NotFound."""
        old = self.get(caller.tenant, policy_id)
        self._commit(old, False, Remove(old), self._audit(caller, "delete", old, None))

    def _made(self, caller: Caller, denial: Denial) -> DenyPolicy:
        problems = list(_problems(denial))
        if problems:
            text = "; ".join(f"{one.field}: {one.message}" for one in problems)
            raise InvalidInput(text, problems)
        policy = DenyPolicy(
            tenant=caller.tenant,
            id=str(uuid.uuid4()),
            kind=DenyKind(denial.kind).value,
            value=denial.value,
            invert=denial.invert,
            active=denial.active,
            created=int(self.clock.now()),
            created_by=caller.user,
        )
        match policy.kind:
            case DenyKind.IP:
                return replace(policy, value=canonical_address(denial.value))
            case DenyKind.IP_RANGE:
                start, end = canonical_address(denial.start), canonical_address(denial.end)
                return replace(policy, value="", start=start, end=end)
            case DenyKind.API:
                return replace(policy, value=self._context(caller.tenant, denial.value))
            case DenyKind.APPLICATION:
                return self._application(policy)
            case _:
                return replace(policy, value=_own_name(caller.tenant, denial.value))

    def _context(self, tenant: str, value: str) -> str:
        wanted = "/" + value.strip("/")
        for card in self.records.list(ApiCard, tenant=tenant):
            if full_context(card.context, card.version) == wanted:
                return wanted
        raise InvalidInput.of(
            FIELD, f"no API has the context '{wanted}'; it has the version too, as in /pizza/1.0.0"
        )

    def _application(self, policy: DenyPolicy) -> DenyPolicy:
        owner, colon, name = policy.value.partition(":")
        owner = _own_name(policy.tenant, owner)
        found = (
            self.records.get(
                ApplicationName, tenant=policy.tenant, owner=owner, name=name.strip().lower()
            )
            if colon
            else None
        )
        if found is None:
            text = f"'{policy.value}' is no application; it has the form owner:name"
            raise InvalidInput.of(FIELD, text)
        return replace(policy, value=f"{owner}:{name.strip()}", subject=found.application_id)

    def _audit(
        self, caller: Caller, action: str, old: DenyPolicy | None, new: DenyPolicy | None
    ) -> Change:
        subject = (old or new or DenyPolicy(tenant="", id="", kind="")).id
        return audit(
            self.clock, caller, action, "deny-policy", subject, _telling(old), _telling(new)
        )

    def _commit(self, policy: DenyPolicy, present: bool, *changes: Change) -> None:
        def edit(table: PolicyTable) -> PolicyTable:
            return with_deny(table, policy, present)

        commit_mirrored(self.records, policy.tenant, edit, *changes)


def _problems(denial: Denial) -> Iterator[Problem]:
    if denial.kind not in set(DenyKind):
        yield Problem("conditionType", f"must be one of {', '.join(DenyKind)}")
    elif denial.kind == DenyKind.IP_RANGE:
        yield from range_problems(
            f"{FIELD}.startingIp", f"{FIELD}.endingIp", denial.start, denial.end
        )
    elif denial.kind == DenyKind.IP:
        if problem := address_problem(denial.value):
            yield Problem(f"{FIELD}.fixedIp", problem)
    elif denial.invert:
        yield Problem(f"{FIELD}.invert", "only addresses can be inverted")
    elif denial.kind == DenyKind.USER and not _USER.fullmatch(denial.value):
        yield Problem(FIELD, "is not the name of a user")
    elif len(denial.value) > 512 or not denial.value.strip():
        yield Problem(FIELD, "must have 1 to 512 characters")


def _own_name(tenant: str, name: str) -> str:
    """A user's name without the caller's own tenant; another tenant's users do not call here."""
    short, theirs = split_user(name)
    return short if theirs == tenant else name


def _meant(policy: DenyPolicy) -> tuple[object, ...]:
    value = policy.value.lower() if policy.kind == DenyKind.USER else policy.value
    return (policy.kind, policy.subject or value, policy.start, policy.end, policy.invert)


def _telling(policy: DenyPolicy | None) -> dict[str, Any]:
    if policy is None:
        return {}
    value = policy.value or f"{policy.start} - {policy.end}"
    return {
        "kind": str(policy.kind),
        "value": f"not {value}" if policy.invert else value,
        "active": policy.active,
    }
