"""The console's pages of throttling and deny policies, through the real handler."""

import re
import uuid
from typing import Any

import pytest
from lxml import html

from portico.domain.gateway import PolicyTable
from portico.domain.policy import DenyPolicy, Policy
from portico.services.policies import policy_uses
from tests.conftest import Aws
from tests.functions.admin.conftest import TENANT, Client
from tests.functions.admin.test_pages import send

LIMIT = {"amount": "30", "unit": "calls", "unit_time": "2", "time_unit": "min"}
GROUP = {f"g0.{name}": value for name, value in LIMIT.items()} | {"g0.amount": "5"}
ADDRESS = {"g0.c0.kind": "ip", "g0.c0.value": "192.0.2.7"}


def a_name() -> str:
    return f"P{uuid.uuid4().hex[:8]}"


def stored(aws: Aws, level: str, name: str) -> Policy | None:
    return aws.records.get(Policy, tenant=TENANT, level=level, name=name)


def made(aws: Aws, slug: str, level: str, **more: str) -> Policy:
    name = a_name()
    status, page = send(aws, "admin", "POST", f"/policies/{slug}/new", name=name, **LIMIT, **more)
    assert status == 303, page
    policy = stored(aws, level, name)
    assert policy is not None
    return policy


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the form of a policy, but for its buttons."""
    form = html.fromstring(page).xpath("//form[contains(@action, '/policies/')]")[0]
    return {name: value for name, value in form.fields.items() if value is not None}


def problem(page: str) -> str:
    return str(html.fromstring(page).xpath("string(//*[@role='alert'])"))


@pytest.mark.parametrize(
    ("slug", "level"),
    [("subscription", "subscription"), ("application", "application"), ("advanced", "api")],
)
def test_a_policys_life(client: Client, aws: Aws, slug: str, level: str) -> None:
    policy = made(aws, slug, level, description="for tests")
    assert str(policy.limit) == "30 calls in 2 min"
    page = send(aws, "admin", "GET", "/policies")[1]
    assert f"/policies/{slug}/{policy.id}" in page
    where = f"/policies/{slug}/{policy.id}"
    status, page = send(aws, "admin", "GET", where)
    assert status == 200
    fields = fields_of(page) | {"amount": "40", "do": "save"}
    assert send(aws, "admin", "POST", where, **fields)[0] == 303
    changed = stored(aws, level, policy.name)
    assert changed is not None
    assert (str(changed.limit), changed.description) == ("40 calls in 2 min", "for tests")
    # The same form again was made from a state that is no longer the current one.
    assert send(aws, "admin", "POST", where, **fields)[0] == 412
    assert send(aws, "admin", "POST", f"{where}/delete")[0] == 303
    assert stored(aws, level, policy.name) is None
    assert send(aws, "admin", "GET", where)[0] == 404


def test_bandwidth_bursts_and_no_limit(client: Client, aws: Aws) -> None:
    policy = made(aws, "subscription", "subscription", burst_count="7", burst_unit="sec")
    assert (policy.burst_count, policy.burst_unit, policy.stop_on_quota_reach) == (7, "sec", False)
    fields = {**LIMIT, "amount": "20", "unit": "MB", "stamp": "1", "stop": "on"}
    where = f"/policies/subscription/{policy.id}"
    assert send(aws, "admin", "POST", where, **fields)[0] == 303
    found = stored(aws, "subscription", policy.name)
    assert found is not None
    assert (str(found.limit), found.burst_count) == ("20 MB in 2 min", 0)
    assert found.stop_on_quota_reach
    assert send(aws, "admin", "POST", where, **{**fields, "amount": "", "stamp": "2"})[0] == 303
    found = stored(aws, "subscription", policy.name)
    assert found is not None
    assert str(found.limit) == "no limit"


def test_what_the_form_does_not_show_stays(client: Client, aws: Aws) -> None:
    body = {
        "policyName": a_name(),
        "defaultLimit": {
            "type": "REQUESTCOUNTLIMIT",
            "requestCount": {"timeUnit": "days", "unitTime": 1, "requestCount": 3},
        },
        "billingPlan": "COMMERCIAL",
        "customAttributes": [{"name": "team", "value": "payments"}],
    }
    made = client.rest("POST", "/throttling/policies/subscription", body).json
    where = f"/policies/subscription/{made['policyId']}"
    fields = fields_of(send(aws, "admin", "GET", where)[1])
    assert send(aws, "admin", "POST", where, **fields)[0] == 303
    now = client.rest("GET", f"/throttling/policies/subscription/{made['policyId']}").json
    made["defaultLimit"]["requestCount"]["timeUnit"] = "day"
    assert now == made


def test_groups_come_and_go_by_buttons(client: Client, aws: Aws) -> None:
    where, name = "/policies/advanced/new", a_name()
    fields = {"name": name, **LIMIT}

    def press(do: str, **more: str) -> None:
        nonlocal fields
        status, page = send(aws, "admin", "POST", where, **{**fields, **more, "do": do})
        assert status == 200
        assert len(html.fromstring(page).xpath("//*[@autofocus]")) == 1
        fields = fields_of(page)

    press("add-group")
    for kind in ("ip", "iprange", "header", "query", "claim"):
        press("add:0", **{"g0.new": kind})
    assert [fields[f"g0.c{one}.kind"] for one in range(5)] == [
        "ip",
        "iprange",
        "header",
        "query",
        "claim",
    ]
    press("remove:0:1")
    assert "g0.c4.kind" not in fields
    press("add-group")
    press("add:1", **{"g1.new": "ip"})
    press("remove-group:0")
    assert (fields["g0.c0.kind"], "g1.amount" in fields) == ("ip", False)
    assert fields["name"] == name
    fields |= GROUP | {"g0.c0.value": "192.0.2.7", "g0.c0.invert": "on", "do": "save"}
    assert send(aws, "admin", "POST", where, **fields)[0] == 303
    found = stored(aws, "api", name)
    assert found is not None
    (group,) = found.groups
    assert str(group.limit) == "5 calls in 2 min"
    assert [(one.kind, one.value, one.invert) for one in group.conditions] == [
        ("ip", "192.0.2.7", True)
    ]
    table = aws.records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    entry: Any = table.policies["api"][name]
    assert entry["groups"] == [
        {
            "conditions": [{"kind": "ip", "value": "192.0.2.7", "invert": True}],
            "limit": {"kind": "requests", "amount": 5, "seconds": 120},
        }
    ]


@pytest.mark.parametrize(
    "do", ["remove:0:9", "remove:9:0", "remove-group:9", "add:9", "add:x", "remove:0", "dance", ":"]
)
def test_a_button_that_is_not_there_does_nothing(client: Client, aws: Aws, do: str) -> None:
    name = a_name()
    fields = {"name": name, **LIMIT, **GROUP, **ADDRESS, "do": do}
    status, page = send(aws, "admin", "POST", "/policies/advanced/new", **fields)
    assert status == 200
    assert fields_of(page)["g0.c0.value"] == "192.0.2.7"
    assert stored(aws, "api", name) is None


@pytest.mark.parametrize(
    ("slug", "change", "field"),
    [
        ("subscription", {"name": "a b"}, "policyName"),
        ("subscription", {"amount": "many"}, "defaultLimit.requestCount.requestCount"),
        ("subscription", {"amount": "0"}, "defaultLimit"),
        ("subscription", {"unit_time": ""}, "defaultLimit.requestCount.unitTime"),
        ("subscription", {"time_unit": "moon"}, "defaultLimit.requestCount.timeUnit"),
        ("subscription", {"burst_count": "x"}, "rateLimitCount"),
        ("application", {"burst_count": "-1"}, "burstLimit.rateLimitCount"),
        ("advanced", {**GROUP, "do": "save"}, "conditionalGroups.0.conditions"),
        ("advanced", {**GROUP, **ADDRESS, "g0.c0.value": "here"}, "ipCondition.specificIP"),
        ("advanced", {**GROUP, **ADDRESS, "g0.amount": "x"}, "conditionalGroups.0.limit"),
        ("custom", {"key_template": "all"}, "keyTemplate"),
        ("custom", {"key_template": "$userId", "amount": ""}, "siddhiQuery"),
    ],
)
def test_a_bad_form_says_what_is_wrong_and_keeps_what_was_typed(
    client: Client, aws: Aws, slug: str, change: dict[str, str], field: str
) -> None:
    fields = {"name": a_name(), "display_name": "<kept>", **LIMIT, "by": "limit", **change}
    status, page = send(aws, "admin", "POST", f"/policies/{slug}/new", **fields)
    assert status == 400
    assert field in problem(page)
    assert fields_of(page)["display_name"] == "<kept>"


def test_a_custom_rule(client: Client, aws: Aws) -> None:
    policy = made(aws, "custom", "custom", key_template="$userId:$apiContext", by="limit")
    assert "count(userId) >= 30" in policy.siddhi_query
    where = f"/policies/custom/{policy.id}"
    fields = fields_of(send(aws, "admin", "GET", where)[1])
    assert fields["by"] == "limit"
    query = re.sub("true \\)", "apiContext == '/pizza/1' )", policy.siddhi_query)
    changed = {**fields, "by": "query", "siddhi_query": query}
    assert send(aws, "admin", "POST", where, **changed)[0] == 303
    found = stored(aws, "custom", policy.name)
    assert found is not None
    assert found.only == {"apiContext": "/pizza/1"}
    page = send(aws, "admin", "GET", "/policies")[1]
    assert "apiContext = /pizza/1" in page
    assert fields_of(send(aws, "admin", "GET", where)[1])["by"] == "query"


def test_a_policy_in_use_is_not_deleted(client: Client, aws: Aws) -> None:
    policy = made(aws, "application", "application")
    uses = policy_uses(TENANT, "application", "application", "a1", [], [policy.name])
    aws.records.commit(*uses)
    status, page = send(aws, "admin", "POST", f"/policies/application/{policy.id}/delete")
    assert status == 409
    assert "a1" in problem(page)
    assert stored(aws, "application", policy.name) is not None


def test_what_the_gateway_needs_has_no_button_to_delete_it(client: Client, aws: Aws) -> None:
    policy = stored(aws, "subscription", "Unlimited")
    assert policy is not None
    page = send(aws, "admin", "GET", f"/policies/subscription/{policy.id}")[1]
    assert "/delete" not in page
    assert send(aws, "admin", "POST", f"/policies/subscription/{policy.id}/delete")[0] == 409


def test_what_happens_when_calls_cannot_be_counted(client: Client, aws: Aws) -> None:
    def told() -> Any:
        table: Any = aws.records.get(PolicyTable, tenant=TENANT)
        return table.policies.get("settings")

    def ticked() -> list[str]:
        page = html.fromstring(send(aws, "admin", "GET", "/policies")[1])
        return [str(one) for one in page.xpath("//input[@name='fails'][@checked]/@value")]

    assert (told(), ticked()) == (None, ["open"])
    for fails in ("closed", "open"):
        assert send(aws, "admin", "POST", "/policies", fails=fails)[0] == 303
        assert (told(), ticked()) == ({"on_failure": fails}, [fails])
        # It stays when policies change.
        policy = made(aws, "advanced", "api")
        assert told() == {"on_failure": fails}
        assert send(aws, "admin", "POST", f"/policies/advanced/{policy.id}/delete")[0] == 303
    config = client.rest("GET", "/tenant-config")
    assert config.json["ThrottlingFailsClosed"] is False
    wish = {"ThrottlingFailsClosed": True}
    assert client.rest("PUT", "/tenant-config", wish).status == 200
    assert told() == {"on_failure": "closed"}
    assert client.rest("PUT", "/tenant-config", {}).status == 200
    assert told() == {"on_failure": "open"}
    assert client.rest("PUT", "/tenant-config", {"ThrottlingFailsClosed": 1}).status == 400


def denied(aws: Aws) -> list[DenyPolicy]:
    return aws.records.list(DenyPolicy, tenant=TENANT)


def test_calls_are_denied_switched_and_allowed_again(client: Client, aws: Aws) -> None:
    fields = {"kind": "USER", "value": "mallory"}
    assert send(aws, "admin", "POST", "/deny-policies", **fields)[0] == 303
    (one,) = [each for each in denied(aws) if each.value == "mallory"]
    page = send(aws, "admin", "GET", "/deny-policies")[1]
    row = html.fromstring(page).xpath("//li[contains(., 'mallory')]")[0].text_content()
    assert "by admin" in row
    assert "denied" in row
    where = f"/deny-policies/{one.id}"
    assert send(aws, "admin", "POST", f"{where}/switch", active="off")[0] == 303
    assert not next(each for each in denied(aws) if each.id == one.id).active
    assert send(aws, "admin", "POST", f"{where}/delete")[0] == 303
    assert one.id not in {each.id for each in denied(aws)}
    assert send(aws, "admin", "POST", f"{where}/delete")[0] == 404


def test_a_range_of_addresses_is_denied(client: Client, aws: Aws) -> None:
    fields = {"kind": "IPRANGE", "value": "192.0.2.1", "end": "192.0.2.9", "invert": "on"}
    assert send(aws, "admin", "POST", "/deny-policies", **fields)[0] == 303
    (one,) = [each for each in denied(aws) if each.kind == "IPRANGE"]
    assert (one.start, one.end, one.invert) == ("192.0.2.1", "192.0.2.9", True)
    status, page = send(aws, "admin", "POST", "/deny-policies", **{**fields, "end": "192.0.2.0"})
    assert status == 400
    assert "endingIp" in problem(page)
    assert 'value="192.0.2.0"' in page


@pytest.mark.parametrize("path", ["/policies", "/policies/custom/new", "/deny-policies"])
def test_only_administrators_see_policies(client: Client, aws: Aws, path: str) -> None:
    assert send(aws, "admin", "GET", path)[0] == 200
    assert send(aws, "jane", "GET", path)[0] == 403


@pytest.mark.parametrize("path", ["/policies/other/new", "/policies/custom/none"])
def test_pages_that_are_not_there(client: Client, aws: Aws, path: str) -> None:
    assert send(aws, "admin", "GET", path)[0] == 404
    given: dict[str, Any] = {"name": "x", **LIMIT}
    assert send(aws, "admin", "POST", path, **given)[0] == 404
