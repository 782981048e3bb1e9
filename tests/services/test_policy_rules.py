"""What a policy may say, how the authorizer's table has it, and how much the table may hold."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.errors import InvalidInput, LimitReached
from portico.domain.gateway import PolicyTable
from portico.domain.policy import Condition, DenyPolicy, Group, Limit, Policy, Sign
from portico.domain.records import Put
from portico.domain.user import Caller
from portico.services.policies import Policies
from portico.services.policy_mirror import MAX_TABLE, deny_entry, entry_of, mirror_of
from portico.services.policy_rules import (
    MAX_CONDITIONS,
    MAX_GROUPS,
    PolicyDraft,
    checked,
    filled,
    with_limit,
)
from portico.services.tenants import Tenants
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
CALLER = Caller(TENANT, "admin", ("admin",))
ADDRESS = Condition(Sign.IP, value="192.0.2.7")


def draft(**fields: Any) -> PolicyDraft:
    return replace(PolicyDraft(name="Tiny", request_count=5), **fields)


def group(*conditions: Condition, limit: Limit = Limit(3)) -> tuple[Group, ...]:  # noqa: B008 - frozen
    return (Group(conditions, limit),)


def entry(new: PolicyDraft, level: str = "api") -> dict[str, Any]:
    return entry_of(
        filled(Policy(tenant=TENANT, level=level, name=new.name, id="1"), checked(new, level))
    )


@pytest.mark.parametrize(
    ("limit", "told", "total", "seconds"),
    [
        (Limit(5000), "5000 calls in 1 min", 5000, 60),
        (Limit(1, 2, "hour"), "1 call in 2 hour", 1, 7200),
        (Limit(20, 1, "day", "MB"), "20 MB in 1 day", 20 * 1024 * 1024, 86400),
        (Limit(3, 1, "month", "GB"), "3 GB in 1 month", 3 * 1024**3, 2592000),
        (Limit(7, 1, "sec", "KB"), "7 KB in 1 sec", 7168, 1),
        (Limit(0), "no limit", 0, 0),
    ],
)
def test_limits(limit: Limit, told: str, total: int, seconds: int) -> None:
    assert (str(limit), limit.total, limit.seconds) == (told, total, seconds)


def test_an_entry_of_calls() -> None:
    assert entry(draft()) == {
        "limit": {"kind": "requests", "amount": 5, "seconds": 60},
        "stop": True,
    }


def test_an_entry_of_bandwidth_with_a_burst() -> None:
    new = with_limit(
        draft(burst_count=4, burst_unit="sec", stop_on_quota_reach=False), Limit(2, 1, "day", "KB")
    )
    assert entry(new, "subscription") == {
        "limit": {"kind": "bandwidth", "amount": 2048, "seconds": 86400},
        "burst": [4, 1],
        "stop": False,
    }


def test_an_entry_with_groups() -> None:
    conditions = (
        Condition(Sign.IP, value="2001:DB8::0:1", invert=True),
        Condition(Sign.IP_RANGE, start="192.0.2.1", end="192.0.2.9"),
        Condition(Sign.HEADER, "User-Agent", "bot"),
        Condition(Sign.QUERY, "name", "admin"),
        Condition(Sign.CLAIM, "http://wso2.org/claims/role", "gold"),
    )
    found = entry(draft(groups=group(*conditions)))
    assert found["groups"] == [
        {
            "limit": {"kind": "requests", "amount": 3, "seconds": 60},
            "conditions": [
                {"kind": "ip", "value": "2001:db8::1", "invert": True},
                {"kind": "iprange", "from": "192.0.2.1", "to": "192.0.2.9", "invert": False},
                {"kind": "header", "name": "User-Agent", "value": "bot", "invert": False},
                {"kind": "query", "name": "name", "value": "admin", "invert": False},
                {
                    "kind": "claim",
                    "name": "http://wso2.org/claims/role",
                    "value": "gold",
                    "invert": False,
                },
            ],
        }
    ]


def test_an_entry_of_a_custom_rule() -> None:
    ours = entry(draft(key_template="$userId"), "custom")
    assert ours == {
        "key": "$userId",
        "limit": {"kind": "requests", "amount": 5, "seconds": 60},
    }
    query = checked(draft(key_template="$userId"), "custom").siddhi_query
    theirs = draft(
        key_template="$userId",
        siddhi_query=query.replace("( true )", "( userId == 'jane@acme.com' )"),
    )
    assert entry(theirs, "custom") == ours | {"only": {"userId": "jane@acme.com"}}


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"kind": "API", "value": "/pizza/1.0.0"}, {"value": "/pizza/1.0.0"}),
        ({"kind": "USER", "value": "Jane"}, {"value": "jane"}),
        (
            {"kind": "APPLICATION", "value": "jane:Shop", "subject": "a1"},
            {"value": "jane:Shop", "subject": "a1"},
        ),
        ({"kind": "IP", "value": "192.0.2.7", "invert": True}, {"value": "192.0.2.7"}),
        (
            {"kind": "IPRANGE", "start": "192.0.2.1", "end": "192.0.2.9", "active": False},
            {"value": {"from": "192.0.2.1", "to": "192.0.2.9"}},
        ),
    ],
)
def test_entries_of_deny_policies(policy: dict[str, Any], told: dict[str, Any]) -> None:
    made = DenyPolicy(tenant=TENANT, id="1", **policy)
    common = {"kind": policy["kind"], "invert": made.invert, "active": made.active}
    assert deny_entry(made) == common | told


BAD: dict[str, tuple[PolicyDraft, str, str]] = {
    "name": (draft(name="a b"), "api", "policyName"),
    "display name": (draft(display_name="x" * 513), "api", "displayName"),
    "plan": (draft(billing_plan="GRATIS"), "subscription", "billingPlan"),
    "negative": (draft(request_count=-1), "api", "defaultLimit.requestCount.requestCount"),
    "unit": (draft(time_unit="moon"), "api", "defaultLimit.requestCount.timeUnit"),
    "span": (draft(unit_time=0), "api", "defaultLimit.requestCount.unitTime"),
    "no data": (draft(data_unit="KB"), "api", "defaultLimit.bandwidth.dataAmount"),
    "data unit": (draft(data_unit="TB", data_amount=1), "api", "defaultLimit.bandwidth.dataUnit"),
    "burst": (draft(burst_count=-1), "subscription", "rateLimitCount"),
    "burst of applications": (draft(burst_count=-1), "application", "burstLimit.rateLimitCount"),
    "burst unit": (draft(burst_count=1), "subscription", "rateLimitTimeUnit"),
    "key": (draft(key_template="all"), "custom", "keyTemplate"),
    "no key": (draft(), "custom", "keyTemplate"),
    "bandwidth of custom": (
        draft(key_template="$userId", data_unit="KB", data_amount=1),
        "custom",
        "defaultLimit.type",
    ),
    "no limit of custom": (
        draft(key_template="$userId", request_count=0),
        "custom",
        "siddhiQuery",
    ),
    "siddhi": (draft(key_template="$userId", siddhi_query="FROM x"), "custom", "siddhiQuery"),
    "two limits": (
        draft(
            key_template="$userId",
            siddhi_query=checked(
                draft(key_template="$userId", request_count=6), "custom"
            ).siddhi_query,
        ),
        "custom",
        "defaultLimit",
    ),
    "groups": (draft(groups=group(ADDRESS) * (MAX_GROUPS + 1)), "api", "conditionalGroups"),
    "empty group": (draft(groups=group()), "api", "conditionalGroups.0.conditions"),
    "conditions": (
        draft(groups=group(*[ADDRESS] * (MAX_CONDITIONS + 1))),
        "api",
        "conditionalGroups.0.conditions",
    ),
    "limit of a group": (
        draft(groups=group(ADDRESS, limit=Limit(1, 1, "moon"))),
        "api",
        "conditionalGroups.0.limit.requestCount.timeUnit",
    ),
    "kind": (
        draft(groups=group(Condition("moon"))),
        "api",
        "conditionalGroups.0.conditions.0.type",
    ),
}
PART = "conditionalGroups.0.conditions.0."
BAD_CONDITIONS = {
    "no address": (Condition(Sign.IP, value="here"), "ipCondition.specificIP"),
    "zone": (Condition(Sign.IP, value="fe80::1%eth0"), "ipCondition.specificIP"),
    "network": (Condition(Sign.IP, value="192.0.2.0/24"), "ipCondition.specificIP"),
    "start": (Condition(Sign.IP_RANGE, start="", end="192.0.2.9"), "ipCondition.startingIP"),
    "versions": (Condition(Sign.IP_RANGE, start="192.0.2.1", end="::1"), "ipCondition.endingIP"),
    "backwards": (
        Condition(Sign.IP_RANGE, start="192.0.2.9", end="192.0.2.1"),
        "ipCondition.endingIP",
    ),
    "header name": (Condition(Sign.HEADER, "a b", "c"), "headerCondition.headerName"),
    "header value": (Condition(Sign.HEADER, "a", ""), "headerCondition.headerValue"),
    "two lines": (Condition(Sign.HEADER, "a", "b\r\nc"), "headerCondition.headerValue"),
    "parameter": (Condition(Sign.QUERY, "", "c"), "queryParameterCondition.parameterName"),
    "long value": (
        Condition(Sign.QUERY, "a", "x" * 501),
        "queryParameterCondition.parameterValue",
    ),
    "claim": (Condition(Sign.CLAIM, "", "c"), "jwtClaimsCondition.claimUrl"),
    "attribute": (Condition(Sign.CLAIM, "a", "\0"), "jwtClaimsCondition.attribute"),
}


@pytest.mark.parametrize(("new", "level", "field"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_named(new: PolicyDraft, level: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(new, level)
    assert field in [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(("condition", "field"), BAD_CONDITIONS.values(), ids=BAD_CONDITIONS.keys())
def test_what_is_wrong_with_a_condition_is_named(condition: Condition, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(draft(groups=group(condition)), "api")
    assert [problem.field for problem in caught.value.problems] == [PART + field]


def test_addresses_are_written_as_callers_have_them() -> None:
    (one,) = checked(
        draft(groups=group(Condition(Sign.IP, value="::ffff:192.0.2.7"))), "api"
    ).groups
    assert one.conditions[0].value == "192.0.2.7"


def many(count: int) -> dict[str, Any]:
    told = {"limit": {"kind": "requests", "amount": 1, "seconds": 60}, "stop": True}
    return {f"P{number}": told for number in range(count)}


def test_a_table_that_would_be_too_large_is_refused_until_something_goes() -> None:
    records = FakeRecords()
    Tenants(records, FakeClock()).prepare(TENANT)
    policies = Policies(records, FakeClock())
    tiny = policies.create(CALLER, "api", draft())
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    full = replace(table, policies={**table.policies, "application": many(MAX_TABLE // 50)})
    records.commit(Put(full))
    with pytest.raises(LimitReached, match=str(MAX_TABLE)):
        policies.create(CALLER, "api", draft(name="More"))
    assert all(one.name != "More" for one in policies.list(TENANT, "api"))
    policies.delete(CALLER, "api", tiny.id)


def test_other_settings_of_the_table_stay() -> None:
    records = FakeRecords()
    tenants = Tenants(records, FakeClock())
    tenants.prepare(TENANT)
    table = records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    told: dict[str, Any] = {"settings": {"on_failure": "closed"}}
    stale: Any = {**table.policies, **told, "deny": {"x": {}}}
    records.commit(Put(replace(table, policies=stale)))
    tenants.prepare(TENANT)
    now = records.get(PolicyTable, tenant=TENANT)
    assert now is not None
    assert now.policies == table.policies | told
    assert mirror_of(TENANT, [], over=now).policies == told
