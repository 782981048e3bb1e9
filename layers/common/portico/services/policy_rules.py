"""What a throttling policy may say: its draft, and every rule about it, each problem by the field
of the contract.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address
from typing import Any

from portico.domain.errors import InvalidInput, Problem
from portico.domain.policy import BYTES, SECONDS, Condition, Group, Level, Limit, Policy, Sign
from portico.services import siddhi

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
MAX_CALLS = 2_147_483_647  # WSO2's number for "no limit"
MAX_UNIT_TIME = 1_000_000
MAX_GROUPS = 20  # of a policy: each call may be held against all of them
MAX_CONDITIONS = 10  # of a group
MAX_TEXT = 500  # characters of what a condition looks for
MAX_BURST = 100_000
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 section 5.6.2
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, kw_only=True)
class PolicyDraft:
    """What an administrator says of a policy; `request_count` 0 means no limit.

    The fields are those of `Policy`. A custom policy may have a `siddhi_query` in place of a limit.
    """

    name: str
    display_name: str = ""
    description: str = ""
    request_count: int = 0
    unit_time: int = 1
    time_unit: str = "min"
    data_amount: int = 0
    data_unit: str = ""
    burst_count: int = 0
    burst_unit: str = ""
    stop_on_quota_reach: bool = True
    billing_plan: str = "FREE"
    groups: tuple[Group, ...] = ()
    key_template: str = ""
    siddhi_query: str = ""
    only: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> Limit:
        """The draft's own limit."""
        amount = self.data_amount if self.data_unit else self.request_count
        return Limit(amount, self.unit_time, self.time_unit, self.data_unit)


def with_limit(draft: PolicyDraft, limit: Limit) -> PolicyDraft:
    """The draft with this limit."""
    return replace(
        draft,
        request_count=0 if limit.data_unit else limit.amount,
        data_amount=limit.amount if limit.data_unit else 0,
        data_unit=limit.data_unit,
        unit_time=limit.unit_time,
        time_unit=limit.time_unit,
    )


def checked(draft: PolicyDraft, level: str) -> PolicyDraft:
    """The draft in its one form: a Siddhi query read, addresses as they are usually written.

    InvalidInput with a problem for every fault.
    """
    problems = list(_problems(draft, level))
    if not problems and level == Level.CUSTOM:
        draft = _with_query(draft)
    if problems:
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
        raise InvalidInput(f"The policy is not valid: {text}", problems[:50])
    groups = tuple(
        replace(one, conditions=tuple(map(_canonical, one.conditions))) for one in draft.groups
    )
    return replace(draft, groups=groups)


def filled(policy: Policy, draft: PolicyDraft) -> Policy:
    """The policy with what the draft says."""
    values = {one.name: getattr(draft, one.name) for one in fields(draft)}
    values |= {
        "display_name": draft.display_name or draft.name,
        "extra": dict(draft.extra),
        "only": dict(draft.only),
    }
    return replace(policy, **values)


def _problems(draft: PolicyDraft, level: str) -> Iterator[Problem]:
    if not NAME.fullmatch(draft.name):
        text = "1 to 60 letters, digits, '_', '-' or '.', beginning with a letter or digit"
        yield Problem("policyName", text)
    if len(draft.display_name) > 512:
        yield Problem("displayName", "at most 512 characters")
    if len(draft.description) > 1024:
        yield Problem("description", "at most 1024 characters")
    if draft.billing_plan not in ("FREE", "COMMERCIAL"):
        yield Problem("billingPlan", "FREE or COMMERCIAL")
    yield from _limit_problems("defaultLimit", draft.limit)
    yield from _burst_problems(draft, level)
    if level == Level.CUSTOM:
        yield from _custom_problems(draft)
    if len(draft.groups) > MAX_GROUPS:
        yield Problem("conditionalGroups", f"has {len(draft.groups)}; {MAX_GROUPS} are allowed")
        return
    for number, group in enumerate(draft.groups):
        yield from _group_problems(f"conditionalGroups.{number}", group)


def _limit_problems(where: str, limit: Limit) -> Iterator[Problem]:
    part = f"{where}.{'bandwidth' if limit.data_unit else 'requestCount'}"
    amount = "dataAmount" if limit.data_unit else "requestCount"
    least = 1 if limit.data_unit else 0
    if not least <= limit.amount <= MAX_CALLS:
        yield Problem(f"{part}.{amount}", f"1 to {MAX_CALLS}")
    if limit.data_unit and limit.data_unit not in BYTES:
        yield Problem(f"{part}.dataUnit", f"one of {', '.join(BYTES)}")
    if not 1 <= limit.unit_time <= MAX_UNIT_TIME:
        yield Problem(f"{part}.unitTime", f"1 to {MAX_UNIT_TIME}")
    if limit.time_unit not in SECONDS:
        yield Problem(f"{part}.timeUnit", f"one of {', '.join(SECONDS)}")


def _burst_problems(draft: PolicyDraft, level: str) -> Iterator[Problem]:
    where = "burstLimit." if level == Level.APPLICATION else ""
    if not 0 <= draft.burst_count <= MAX_BURST:
        yield Problem(f"{where}rateLimitCount", f"0 to {MAX_BURST}")
    if draft.burst_count and draft.burst_unit not in SECONDS:
        yield Problem(f"{where}rateLimitTimeUnit", f"one of {', '.join(SECONDS)}")


def _custom_problems(draft: PolicyDraft) -> Iterator[Problem]:
    if problem := siddhi.template_problem(draft.key_template):
        yield Problem("keyTemplate", problem)
    if draft.limit.is_bandwidth:
        yield Problem("defaultLimit.type", "a custom rule counts calls: REQUESTCOUNTLIMIT")
    if not draft.siddhi_query and not draft.limit.amount:
        yield Problem("siddhiQuery", "is needed, or else a defaultLimit")


def _with_query(draft: PolicyDraft) -> PolicyDraft:
    """The draft with the limit that its query says, or with the query that says its limit."""
    if not draft.siddhi_query:
        query = siddhi.write(draft.key_template, draft.limit, draft.only)
        return replace(draft, siddhi_query=query)
    rule = siddhi.read(draft.siddhi_query, draft.key_template)
    if draft.limit.amount and draft.limit != rule.limit:
        raise InvalidInput.of("defaultLimit", f"siddhiQuery says another limit: {rule.limit}")
    return with_limit(replace(draft, only=dict(rule.only)), rule.limit)


def _group_problems(where: str, group: Group) -> Iterator[Problem]:
    if len(group.description) > 1024:
        yield Problem(f"{where}.description", "at most 1024 characters")
    if not group.conditions:
        yield Problem(f"{where}.conditions", "a group needs at least one")
    if len(group.conditions) > MAX_CONDITIONS:
        count = len(group.conditions)
        yield Problem(f"{where}.conditions", f"has {count}; {MAX_CONDITIONS} are allowed")
    yield from _limit_problems(f"{where}.limit", group.limit)
    for number, condition in enumerate(group.conditions):
        yield from _condition_problems(f"{where}.conditions.{number}", condition)


def _condition_problems(where: str, condition: Condition) -> Iterator[Problem]:
    match condition.kind:
        case Sign.IP:
            if problem := address_problem(condition.value):
                yield Problem(f"{where}.ipCondition.specificIP", problem)
        case Sign.IP_RANGE:
            yield from range_problems(
                f"{where}.ipCondition.startingIP",
                f"{where}.ipCondition.endingIP",
                condition.start,
                condition.end,
            )
        case Sign.HEADER:
            part = f"{where}.headerCondition"
            if not _TOKEN.fullmatch(condition.name):
                yield Problem(f"{part}.headerName", "is not the name of a header")
            yield from _text_problems(f"{part}.headerValue", condition.value)
        case Sign.QUERY:
            part = f"{where}.queryParameterCondition"
            yield from _text_problems(f"{part}.parameterName", condition.name)
            yield from _text_problems(f"{part}.parameterValue", condition.value)
        case Sign.CLAIM:
            part = f"{where}.jwtClaimsCondition"
            yield from _text_problems(f"{part}.claimUrl", condition.name)
            yield from _text_problems(f"{part}.attribute", condition.value)
        case _:
            yield Problem(f"{where}.type", "is not a known condition")


def _text_problems(where: str, text: str) -> Iterator[Problem]:
    if len(text) > MAX_TEXT or not _PRINTABLE.fullmatch(text):
        yield Problem(where, f"1 to {MAX_TEXT} printable characters")


def address_problem(text: str) -> str:
    """What is wrong with an IP address, or ''."""
    try:
        address = ip_address(text)
    except ValueError:
        return "is not an IP address"
    return "has a zone, which callers' addresses have not" if "%" in str(address) else ""


def range_problems(start_field: str, end_field: str, start: str, end: str) -> Iterator[Problem]:
    """What is wrong with a range of addresses."""
    faults = [
        Problem(where, problem)
        for where, text in ((start_field, start), (end_field, end))
        if (problem := address_problem(text))
    ]
    yield from faults
    if faults:
        return
    first, last = ip_address(start), ip_address(end)
    if first.version != last.version:
        yield Problem(end_field, f"is not an IPv{first.version} address, as the first one is")
    elif int(last) < int(first):
        yield Problem(end_field, "lies before the first address")


def canonical_address(text: str) -> str:
    """The address as it is usually written; callers' addresses are compared as text."""
    address = ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _canonical(condition: Condition) -> Condition:
    if condition.kind == Sign.IP:
        return replace(condition, value=canonical_address(condition.value))
    if condition.kind == Sign.IP_RANGE:
        return replace(
            condition,
            start=canonical_address(condition.start),
            end=canonical_address(condition.end),
        )
    return condition
