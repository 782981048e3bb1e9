"""A tenant's policy table as the authorizer applies it: compiled once for each of its stamps."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from functions.authorizer.calls import Call
from functions.authorizer.throttle.conditions import Test, test_of
from functions.authorizer.throttle.denying import Denials
from functions.authorizer.throttle.templates import Template
from portico.domain.bounded import Bounded
from portico.domain.gateway import PolicyTable
from portico.domain.windows import Limit

MAX_TABLES = 1_000  # tenants whose tables are kept compiled
OPEN, CLOSED = "open", "closed"


class Quota(NamedTuple):
    """A limit, of calls or of bytes."""

    limit: Limit
    bytes: bool = False


class Group(NamedTuple):
    """A quota of its own for calls that pass all tests."""

    number: int  # calls of different groups are counted apart
    tests: Sequence[Test]
    quota: Quota | None


class Policy(NamedTuple):
    """What a named policy allows; None: anything."""

    quota: Quota | None
    burst: Limit | None = None
    stop: bool = True  # False: a call over the limit passes
    groups: Sequence[Group] = ()

    def applied(self, call: Call) -> tuple[Quota | None, str]:
        """The quota of the first group that the call belongs to, else the policy's own; and what
        to add to the name of its counter.
        """
        for group in self.groups:
            if all(test(call) for test in group.tests):
                return group.quota, f"@{group.number}"
        return self.quota, ""


class Custom(NamedTuple):
    """A limit for whatever its template takes together."""

    name: str
    template: Template
    policy: Policy


class Table:
    """The policies of a tenant."""

    def __init__(self, record: PolicyTable) -> None:
        levels: Mapping[str, Mapping[str, Any]] = record.policies
        self._policies = {
            level: {name: policy_of(entry) for name, entry in names.items()}
            for level, names in levels.items()
            if level in ("application", "subscription", "api")
        }
        self.customs = [
            Custom(name, Template(str(entry["key"]), entry.get("only") or {}), policy_of(entry))
            for name, entry in sorted(levels.get("custom", {}).items())
        ]
        self.denials = Denials(record.tenant, levels.get("deny", {}))
        failing = levels.get("settings", {}).get("on_failure", OPEN)
        self.fails_open = failing != CLOSED

    def policy(self, level: str, name: str) -> Policy | None:
        """The policy of this name; None when there is none."""
        return self._policies.get(level, {}).get(name)


class Tables:
    """The compiled tables of all tenants that this environment has met."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._compiled: Bounded[str, tuple[PolicyTable, Table]] = Bounded(MAX_TABLES, clock)

    def of(self, record: PolicyTable | None) -> Table | None:
        """The table of a record; compiled when it has changed."""
        if record is None:
            return None
        held = self._compiled.get(record.tenant)
        if held is not None and held[0] is record:
            return held[1]
        # A tenant that was made anew begins its stamps anew.
        if held is None or held[0] != record:
            held = (record, Table(record))
        self._compiled.put(record.tenant, (record, held[1]), float("inf"))
        return held[1]


def policy_of(entry: Any) -> Policy:
    """A policy from its entry in the table (`portico.domain.gateway.PolicyTable`)."""
    if not isinstance(entry, Mapping):
        # Tables that were written before there were other limits than calls.
        calls, seconds, stop = entry
        return Policy(_quota({"amount": calls, "seconds": seconds}), stop=bool(stop))
    burst = entry.get("burst")
    groups = [
        Group(
            number,
            [test_of(condition) for condition in group.get("conditions") or ()],
            _quota(group.get("limit")),
        )
        for number, group in enumerate(entry.get("groups") or (), 1)
    ]
    return Policy(
        _quota(entry.get("limit")),
        Limit(int(burst[0]), int(burst[1])) if burst and burst[0] and burst[1] else None,
        bool(entry.get("stop", True)),
        groups,
    )


def _quota(limit: Mapping[str, Any] | None) -> Quota | None:
    if not limit or not limit.get("amount") or not limit.get("seconds"):
        return None
    given = Limit(int(limit["amount"]), int(limit["seconds"]))
    return Quota(given, limit.get("kind") == "bandwidth")
