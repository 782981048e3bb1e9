"""Which limits a call must fit into, and whether it does; a call that is refused uses none of them
up.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from functions.authorizer.calls import Call, Refused
from functions.authorizer.leases import Lease, Leases, Limit
from portico.domain.gateway import PolicyTable
from portico.domain.words import UNLIMITED
from portico.storage.readmodel import Key, key

UNAUTHENTICATED = (
    "Unauthenticated"  # subscription policy of calls without a credential, per address
)


class Rule(NamedTuple):
    """One limit that applies to a call: the fault when it is reached, and what is counted."""

    fault: str
    level: str
    policy: str
    subject: str


def policies(tenant: str) -> Key[PolicyTable]:
    """Where a tenant's policies are."""
    return key(PolicyTable, tenant=tenant)


class Throttling:
    """Applies subscription, application and API or resource policies, in this order."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def __call__(self, call: Call) -> None:
        """Let the call pass and count it, or refuse it."""
        held: list[Lease] = []
        for rule in rules(call):
            if rule.policy == UNLIMITED:
                continue
            entry = _entry(call, rule) or _entry(call, rule, again=True)
            if entry is None or not entry[0]:
                continue  # no such limit, or a policy that is gone
            limit = Limit(int(entry[0]), int(entry[1]))
            lease = self._leases.hold(f"{call.tenant}#WINDOW#{rule.level}#{rule.subject}", limit)
            if lease is not None:
                held.append(lease)
            elif entry[2]:
                raise Refused(rule.fault, until=self._leases.window_end(limit))
        # Only now, so that a call that one limit refuses uses up none of the others.
        for lease in held:
            lease.spend()


def _entry(call: Call, rule: Rule, *, again: bool = False) -> Sequence[Any] | None:
    """Calls, seconds and whether to stop of a rule's policy; None when the table has none.

    A policy may have been made after the table was cached, so its absence is looked at `again`.
    """
    where = policies(call.tenant)
    if again:
        call.view.again(where)
    table = call.view.get(where)
    return table.policies.get(rule.level, {}).get(rule.policy) if table else None


def rules(call: Call) -> list[Rule]:
    """The limits of a call. A resource's policy counts only when its API has none, as in WSO2."""
    api = call.api
    found = []
    if call.identity and call.grant and call.application:
        who = f"{call.application.application_id}:{call.identity.user}"
        found.append(Rule("900804", "subscription", call.grant.policy, call.grant.subscription_id))
        found.append(Rule("900803", "application", call.application.policy, who))
    else:
        who = f"{api.api_id}:{call.source_ip}"
        found.append(Rule("900804", "subscription", UNAUTHENTICATED, who))
    if api.api_policy and api.api_policy != UNLIMITED:
        found.append(Rule("900800", "api", api.api_policy, api.context))
    elif call.resource and call.resource.policy and call.resource.policy != UNLIMITED:
        which = f"{api.context}:{call.resource.verb} {call.resource.template}"
        found.append(Rule("900802", "api", call.resource.policy, which))
    return found
