"""The form of a throttling policy: its fields as they were typed, what its buttons do to them, and
the draft that they say.

Without JavaScript, a button that adds or removes a part sends the form, which comes back changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from functions.admin.pages.fields import number_in
from portico.domain.errors import InvalidInput
from portico.domain.policy import BYTES, Condition, Group, Level, Limit, Policy, Sign
from portico.services import siddhi
from portico.services.policy_rules import MAX_CONDITIONS, MAX_GROUPS, PolicyDraft, with_limit

CALLS = "calls"  # the unit of limits that are not of bandwidth
UNITS = (CALLS, *BYTES)
TIMES = ("sec", "min", "hour", "day", "week", "month", "year")
SIGNS = {
    Sign.IP.value: "IP address",
    Sign.IP_RANGE.value: "IP range",
    Sign.HEADER.value: "Header",
    Sign.QUERY.value: "Query parameter",
    Sign.CLAIM.value: "JWT claim",
}
TEXTS = ("name", "display_name", "description", "key_template", "siddhi_query", "stamp")
LIMIT = ("amount", "unit", "unit_time", "time_unit")
PARTS = ("kind", "name", "value", "start", "end", "invert")
Form = dict[str, Any]


def blank() -> Form:
    """The form of a new policy."""
    return {
        **dict.fromkeys(TEXTS, ""),
        **_limit_fields(Limit(0)),
        "burst_count": "",
        "burst_unit": "sec",
        "stop": "on",
        "by": "limit",
        "groups": [],
    }


def shown(policy: Policy) -> Form:
    """The form of a policy as it is."""
    own = siddhi.write(policy.key_template, policy.limit, {}) if policy.key_template else ""
    return blank() | {
        **{name: getattr(policy, name) for name in TEXTS if name != "stamp"},
        **_limit_fields(policy.limit),
        "stamp": str(policy.stamp),
        "burst_count": str(policy.burst_count or ""),
        "burst_unit": policy.burst_unit or "sec",
        "stop": "on" if policy.stop_on_quota_reach else "",
        "by": "limit" if policy.siddhi_query == own else "query",
        "groups": [
            {
                "description": group.description,
                **_limit_fields(group.limit),
                "conditions": [
                    {
                        **{name: getattr(one, name) for name in PARTS},
                        "invert": "on" if one.invert else "",
                    }
                    for one in group.conditions
                ],
            }
            for group in policy.groups
        ],
    }


def typed(fields: Mapping[str, str]) -> Form:
    """The form as it was sent."""
    names = (*TEXTS, *LIMIT, "burst_count", "burst_unit", "stop", "by")
    found: Form = {name: fields.get(name, "").strip() for name in names}
    found["groups"] = [
        {
            **{
                name: fields.get(f"g{number}.{name}", "").strip()
                for name in (*LIMIT, "description")
            },
            "conditions": [
                {name: fields.get(f"g{number}.c{one}.{name}", "").strip() for name in PARTS}
                for one in range(MAX_CONDITIONS)
                if fields.get(f"g{number}.c{one}.kind") in SIGNS
            ],
        }
        for number in range(MAX_GROUPS)
        if f"g{number}.amount" in fields
    ]
    return found


def pressed(form: Form, fields: Mapping[str, str]) -> str | None:
    """Do what a button says that adds or removes a part; the field to go on with, None when it was
    the button that saves.
    """
    action, *at = fields.get("do", "save").split(":")
    groups: list[Form] = form["groups"]
    places = [int(one) for one in at if one.isascii() and one.isdigit() and len(one) < 4]
    if action == "add-group" and len(groups) < MAX_GROUPS:
        groups.append({**_limit_fields(Limit(0)), "description": "", "conditions": []})
        return f"g{len(groups) - 1}.new"
    if not places or places[0] >= len(groups):
        return None if action == "save" else ""
    conditions: list[Form] = groups[places[0]]["conditions"]
    if action == "remove-group":
        del groups[places[0]]
        return "add-group"
    if action == "add" and len(conditions) < MAX_CONDITIONS:
        kind = fields.get(f"g{places[0]}.new", "")
        conditions.append(
            {**dict.fromkeys(PARTS, ""), "kind": kind if kind in SIGNS else Sign.IP.value}
        )
        return f"g{places[0]}.c{len(conditions) - 1}"
    if action == "remove" and len(places) > 1 and places[1] < len(conditions):
        del conditions[places[1]]
        return f"g{places[0]}.new"
    return ""


def draft_of(form: Form, level: str, old: Policy | None) -> PolicyDraft:
    """The draft that a form says; InvalidInput naming the field. What the form does not show stays
    as it is.
    """
    draft = PolicyDraft(
        name=old.name if old else form["name"],
        display_name=form["display_name"],
        description=form["description"],
        billing_plan=old.billing_plan if old else "FREE",
        extra=old.extra if old else {},
    )
    if level == Level.CUSTOM:
        draft = replace(draft, key_template=form["key_template"])
        if form["by"] == "query":
            return replace(draft, siddhi_query=form["siddhi_query"])
        return with_limit(draft, _limit("defaultLimit", form))
    draft = with_limit(draft, _limit("defaultLimit", form))
    if level == Level.API:
        return replace(
            draft, groups=tuple(_group(*numbered) for numbered in enumerate(form["groups"]))
        )
    count = form["burst_count"]
    where = "burstLimit.rateLimitCount" if level == Level.APPLICATION else "rateLimitCount"
    burst = int(number_in(where, count)) if count else 0
    draft = replace(draft, burst_count=burst, burst_unit=form["burst_unit"] if burst else "")
    if level == Level.SUBSCRIPTION:
        draft = replace(draft, stop_on_quota_reach=bool(form["stop"]))
    return draft


def _limit_fields(limit: Limit) -> Form:
    return {
        "amount": str(limit.amount or ""),
        "unit": limit.data_unit or CALLS,
        "unit_time": str(limit.unit_time),
        "time_unit": "day" if limit.time_unit == "days" else limit.time_unit,
    }


def _limit(where: str, form: Form) -> Limit:
    if not form["amount"]:
        return Limit(0)
    data = form["unit"] in BYTES
    part = f"{where}.{'bandwidth' if data else 'requestCount'}"
    amount = int(number_in(f"{part}.{'dataAmount' if data else 'requestCount'}", form["amount"]))
    span = int(number_in(f"{part}.unitTime", form["unit_time"]))
    if amount < 1:
        raise InvalidInput.of(where, "is at least 1, or empty for no limit")
    return Limit(amount, span, form["time_unit"], form["unit"] if data else "")


def _group(number: int, form: Form) -> Group:
    conditions = tuple(
        Condition(**{**{name: one[name] for name in PARTS}, "invert": bool(one["invert"])})
        for one in form["conditions"]
    )
    limit = _limit(f"conditionalGroups.{number}.limit", form)
    return Group(conditions, limit, form["description"])
