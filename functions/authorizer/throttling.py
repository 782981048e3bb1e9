"""Which limits a call must fit into, and whether it does; a call that is refused uses none of them
up.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from functions.authorizer.calls import Call, Refused
from functions.authorizer.leases import Counters, Lease, Leases
from functions.authorizer.throttle.guard import Guarded
from functions.authorizer.throttle.metering import Meters
from functions.authorizer.throttle.table import Policy, Quota, Table, Tables
from portico.domain.errors import Unavailable
from portico.domain.gateway import PolicyTable
from portico.domain.windows import Limit
from portico.domain.words import UNLIMITED, KeyType
from portico.storage.readmodel import Key, key

UNAUTHENTICATED = (
    "Unauthenticated"  # subscription policy of calls without a credential, per address
)
DENIED, CUSTOM = "900805", "900806"
BURSTS = {"subscription": "900807", "application": "900809"}


class Named(NamedTuple):
    """A policy that applies to a call: the fault when its limit is reached, and what is counted."""

    fault: str
    level: str
    policy: str
    subject: str
    shown: str = ""  # the level as headers name it, where that is another word


class Rule(NamedTuple):
    """One limit that a call must fit into."""

    fault: str
    shown: str
    counter: str
    limit: Limit
    stop: bool


def policies(tenant: str) -> Key[PolicyTable]:
    """Where a tenant's policies are."""
    return key(PolicyTable, tenant=tenant)


def silent(call: Call, open_: bool, reason: Unavailable) -> None:
    """Nobody is told."""


class Throttling:
    """Applies all levels of policies: the API's or the resource's, subscription, application and
    custom ones, in WSO2's order, which decides whose fault a call over several limits gets.

    `on_failure` is told when the counters did not answer, and whether calls pass uncounted.
    """

    def __init__(
        self,
        counters: Counters,
        clock: Callable[[], float],
        on_failure: Callable[[Call, bool, Unavailable], None] = silent,
    ) -> None:
        guarded = Guarded(counters, clock)
        self._leases = Leases(guarded, clock)
        self._meters = Meters(guarded, clock)
        self._tables = Tables(clock)
        self._on_failure = on_failure

    def check_denied(self, call: Call) -> None:
        """No deny policy of the tenant is for this call."""
        table = self._table(call)
        if table is not None and table.denials.hit(call):
            raise Refused(DENIED)

    def __call__(self, call: Call) -> None:
        """Let the call pass and count it, or refuse it. Raises Unavailable where the tenant wants
        that rather than calls that nobody counts.
        """
        table = self._table(call)
        counted, measured = self._rules(call, table)
        if not counted and not measured:
            return
        leases = [self._leases.lease(rule.counter, rule.limit) for rule in counted]
        try:
            self._measure(call, measured)
            self._fit(call, counted, leases)
        except Unavailable as reason:
            passes = table is None or table.fails_open
            self._on_failure(call, passes, reason)
            if not passes:
                raise
        else:
            call.limits = _told(counted, leases, call.limits, spent=1)
        # Only now, so that a call that one limit refuses uses up none of the others.
        for lease in leases:
            if lease.held:
                lease.spend()

    def _fit(self, call: Call, rules: Sequence[Rule], leases: Sequence[Lease]) -> None:
        """Hold a call of each lease, but for those that are empty and do not stop calls."""
        while True:
            for rule, lease in zip(rules, leases, strict=True):
                if rule.stop and lease.empty:
                    call.limits = _told(rules, leases, call.limits)
                    raise Refused(rule.fault, until=lease.end)
            if self._leases.fill([lease for lease in leases if not lease.empty]):
                return

    def _measure(self, call: Call, rules: Sequence[Rule]) -> None:
        """The bytes of the calls before this one have left some of each limit."""
        if not rules:
            return
        used = self._meters.used([(rule.counter, rule.limit) for rule in rules])
        call.usage = json.dumps([[rule.counter, *rule.limit] for rule in rules])
        shown = [
            _shown(rule, max(0, rule.limit.amount - bytes_), end)
            for rule, (bytes_, end) in zip(rules, used, strict=True)
        ]
        call.limits = ",".join(f"{text} bytes" for text in shown)
        for rule, (bytes_, end) in zip(rules, used, strict=True):
            if rule.stop and bytes_ >= rule.limit.amount:
                raise Refused(rule.fault, until=end)

    def _rules(self, call: Call, table: Table | None) -> tuple[list[Rule], list[Rule]]:
        """The limits of calls and those of bytes."""
        counted: list[Rule] = []
        measured: list[Rule] = []
        sandbox = call.identity is not None and call.identity.key_type == KeyType.SANDBOX
        apart = ":SANDBOX" if sandbox else ""

        def add(
            fault: str, level: str, subject: str, shown: str, quota: Quota, policy: Policy
        ) -> None:
            counter = f"{call.tenant}#WINDOW#{level}#{subject}{apart}"
            if not quota.bytes:
                counted.append(Rule(fault, shown, counter, quota.limit, policy.stop))
            elif call.api.delivery != "pass-through":
                # Nobody sees the bytes of a pass-through API.
                measured.append(Rule(fault, shown, f"{counter}:bytes", quota.limit, policy.stop))

        for each in named(call):
            policy = self._policy(call, table, each)
            if policy is None:
                continue  # a policy that is gone
            if policy.burst is not None:
                code = BURSTS.get(each.level, each.fault)
                add(code, "burst", each.subject, "burst", Quota(policy.burst), _STOPS)
            quota, group = policy.applied(call)
            if quota is not None:
                shown = each.shown or each.level
                add(each.fault, each.level, each.subject + group, shown, quota, policy)
        for custom in table.customs if table else ():
            subject = custom.template.key(call)
            if subject is not None and custom.policy.quota is not None:
                subject = f"{custom.name}#{subject}"
                add(CUSTOM, "custom", subject, "custom", custom.policy.quota, custom.policy)
        return counted, measured

    def _policy(self, call: Call, table: Table | None, named_: Named) -> Policy | None:
        """A policy may have been made after the table was cached, so its absence is looked at
        again.
        """
        if named_.policy == UNLIMITED:
            return None
        found = table.policy(named_.level, named_.policy) if table else None
        if found is None:
            call.view.again(policies(call.tenant))
            table = self._table(call)
            found = table.policy(named_.level, named_.policy) if table else None
        return found

    def _table(self, call: Call) -> Table | None:
        return self._tables.of(call.view.get(policies(call.tenant)))


_STOPS = Policy(None)


def named(call: Call) -> list[Named]:
    """The policies that the call's API, resource, subscription and application name. A resource's
    policy counts only when its API has none, as in WSO2.
    """
    api = call.api
    found = []
    if api.api_policy and api.api_policy != UNLIMITED:
        found.append(Named("900800", "api", api.api_policy, api.context))
    elif call.resource and call.resource.policy and call.resource.policy != UNLIMITED:
        which = f"{api.context}:{call.resource.verb} {call.resource.template}"
        found.append(Named("900802", "api", call.resource.policy, which, "resource"))
    if call.identity and call.grant and call.application:
        who = f"{call.application.application_id}:{call.identity.user}"
        found.append(Named("900804", "subscription", call.grant.policy, call.grant.subscription_id))
        found.append(Named("900803", "application", call.application.policy, who))
    else:
        who = f"{api.api_id}:{call.source_ip}"
        found.append(Named("900804", "subscription", UNAUTHENTICATED, who))
    return found


def _told(rules: Sequence[Rule], leases: Sequence[Lease], before: str, spent: int = 0) -> str:
    """The limits as the gateway function writes them into headers (`functions.gateway.quotas`)."""
    texts = [
        _shown(rule, max(0, lease.remaining - spent), lease.end)
        for rule, lease in zip(rules, leases, strict=True)
    ]
    return ",".join([before, *texts] if before else texts)


def _shown(rule: Rule, left: int, end: int) -> str:
    return f"{rule.shown} {rule.limit.amount} {rule.limit.window} {left} {end}"
