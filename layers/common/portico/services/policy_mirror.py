"""The authorizer's copy of a tenant's throttling and deny policies: one item, written in the same
transaction as what it copies.

`PolicyTable.policies` is level -> name -> entry; `entry_of` and `deny_entry` say what an entry is.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from portico.domain.errors import LimitReached, LostRace
from portico.domain.gateway import PolicyTable
from portico.domain.policy import Condition, DenyKind, DenyPolicy, Level, Limit, Policy, Sign
from portico.domain.records import Change, Replace
from portico.ports import Records

DENY = "deny"  # the level of deny policies
SETTINGS = "settings"  # what holds for all policies of the tenant
LEVELS = frozenset({*(level.value for level in Level), DENY})
# Bytes of JSON: an item may have 400 KB, and every authorizer reads all of it every few seconds.
MAX_TABLE = 350_000
ATTEMPTS = (
    5  # the mirror is one item for all policies of a tenant, so two administrators may meet there
)


def entry_of(policy: Policy) -> dict[str, Any]:
    """A policy as the authorizer reads it.

    `{"limit": {"kind": "requests"|"bandwidth", "amount": calls or bytes, "seconds": n}, "stop":
    bool}`, with `"burst": [calls, seconds]` and `"groups": [{"conditions": [...], "limit": ...}]`
    where there are any; amount 0 is no limit. A custom policy is `{"key": template, "limit": ...}`,
    with `"only": {variable: value}` where calls must have certain values.
    """
    if policy.level == Level.CUSTOM:
        custom = {"key": policy.key_template, "limit": _limit(policy.limit)}
        return custom | ({"only": dict(policy.only)} if policy.only else {})
    entry: dict[str, Any] = {
        "limit": _limit(policy.limit),
        "stop": policy.stop_on_quota_reach,
    }
    if policy.burst_count:
        entry["burst"] = [policy.burst_count, Limit(1, 1, policy.burst_unit).seconds]
    if policy.groups:
        entry["groups"] = [
            {
                "conditions": [_condition(one) for one in group.conditions],
                "limit": _limit(group.limit),
            }
            for group in policy.groups
        ]
    return entry


def deny_entry(policy: DenyPolicy) -> dict[str, Any]:
    """A deny policy as the authorizer reads it: `{"kind", "value", "invert", "active"}`.

    `value` is an API's full context, a user's name in lower case without tenant, an address, or
    `{"from", "to"}` of a range. An application has `owner:name` and its id as `subject`, which
    decides: a new name leaves it denied.
    """
    value: Any = policy.value
    if policy.kind == DenyKind.IP_RANGE:
        value = {"from": policy.start, "to": policy.end}
    if policy.kind == DenyKind.USER:
        value = policy.value.lower()
    entry = {
        "kind": str(policy.kind),
        "value": value,
        "invert": policy.invert,
        "active": policy.active,
    }
    return entry | ({"subject": policy.subject} if policy.subject else {})


def with_policy(table: PolicyTable, policy: Policy, present: bool = True) -> PolicyTable:
    """The table with this policy put in or taken out."""
    return _with(table, policy.level, policy.name, entry_of(policy) if present else None)


def with_deny(table: PolicyTable, policy: DenyPolicy, present: bool = True) -> PolicyTable:
    """The table with this deny policy put in or taken out."""
    return _with(table, DENY, policy.id, deny_entry(policy) if present else None)


def with_failure(table: PolicyTable, *, closed: bool) -> PolicyTable:
    """The table of a tenant whose calls are refused (`closed`) or pass while counters do not
    answer.
    """
    told: dict[str, Any] = {"on_failure": "closed" if closed else "open"}
    return replace(table, policies={**table.policies, SETTINGS: told})


def mirror_of(
    tenant: str,
    policies: Iterable[Policy],
    denies: Iterable[DenyPolicy] = (),
    over: PolicyTable | None = None,
) -> PolicyTable:
    """The table of exactly these policies, in place of those in `over`."""
    kept = over.policies if over else {}
    table = PolicyTable(
        tenant=tenant,
        stamp=over.stamp if over else 0,
        policies={level: names for level, names in kept.items() if level not in LEVELS},
    )
    for policy in policies:
        table = with_policy(table, policy)
    for deny in denies:
        table = with_deny(table, deny)
    return table


def commit_mirrored(
    records: Records, tenant: str, edit: Callable[[PolicyTable], PolicyTable], *changes: Change
) -> None:
    """Write the changes together with the edited mirror.

    Raises LimitReached when the mirror would no longer fit into its item, and what a commit does.
    """
    for attempt in range(ATTEMPTS):
        table = records.get(PolicyTable, tenant=tenant) or PolicyTable(tenant=tenant)
        wanted = edit(table)
        _check_size(table, wanted)
        try:
            records.commit(*changes, Replace(wanted))
        except LostRace:
            # A race about the mirror is worth another try; one about the policy itself is lost
            # again at once.
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


def _check_size(before: PolicyTable, after: PolicyTable) -> None:
    size = _size(after)
    # What is too large already may still become smaller.
    if size > MAX_TABLE and size >= _size(before):
        raise LimitReached(
            f"All policies and deny policies together would take {size} bytes; {MAX_TABLE} are "
            "allowed, so remove some first"
        )


def _size(table: PolicyTable) -> int:
    return len(json.dumps(table.policies, ensure_ascii=False).encode())


def _with(table: PolicyTable, level: str, name: str, entry: dict[str, Any] | None) -> PolicyTable:
    levels: dict[str, dict[str, Any]] = {key: dict(value) for key, value in table.policies.items()}
    names = levels.setdefault(level, {})
    if entry is None:
        names.pop(name, None)
        if level == DENY and not names:
            del levels[level]
    else:
        names[name] = entry
    return replace(table, policies=levels)


def _limit(limit: Limit) -> dict[str, Any]:
    kind = "bandwidth" if limit.is_bandwidth else "requests"
    return {"kind": kind, "amount": limit.total, "seconds": limit.seconds}


def _condition(condition: Condition) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": str(condition.kind)}
    match condition.kind:
        case Sign.IP:
            told["value"] = condition.value
        case Sign.IP_RANGE:
            told |= {"from": condition.start, "to": condition.end}
        case _:
            told |= {"name": condition.name, "value": condition.value}
    return told | {"invert": condition.invert}
