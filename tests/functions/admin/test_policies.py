"""The Admin REST API's throttling policies, through the handler."""

import json
import uuid
from typing import Any

import pytest

from portico.domain.gateway import PolicyTable
from portico.domain.operations import AuditEntry
from portico.services.policies import policy_uses
from tests.conftest import Aws
from tests.functions.admin.conftest import PASSWORD, TENANT, Client, basic

LIMIT = {
    "type": "REQUESTCOUNTLIMIT",
    "requestCount": {"timeUnit": "min", "unitTime": 2, "requestCount": 30},
}
KINDS = ["application", "subscription", "advanced"]
LEVELS = {"application": "application", "subscription": "subscription", "advanced": "api"}


def path(kind: str, policy_id: str = "") -> str:
    return f"/throttling/policies/{kind}" + (f"/{policy_id}" if policy_id else "")


def draft(**more: Any) -> dict[str, Any]:
    return {"policyName": f"P{uuid.uuid4().hex[:8]}", "defaultLimit": LIMIT, **more}


def limited(calls: int, seconds: int, stop: bool = True) -> dict[str, Any]:
    """A policy in the authorizer's table."""
    limit = {"kind": "requests", "amount": calls, "seconds": seconds}
    return {"limit": limit, "stop": stop}


def mirror(aws: Aws, kind: str) -> dict[str, Any]:
    table = aws.records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    return table.policies[LEVELS[kind]]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("application", {"10PerMin", "20PerMin", "50PerMin", "Unlimited"}),
        (
            "subscription",
            {"Bronze", "Silver", "Gold", "Unlimited", "Unauthenticated", "DefaultSubscriptionless"},
        ),
        ("advanced", {"10KPerMin", "20KPerMin", "50KPerMin", "Unlimited"}),
    ],
)
def test_the_defaults_are_listed(client: Client, kind: str, names: set[str]) -> None:
    answer = client.rest("GET", path(kind))
    assert answer.status == 200
    assert answer.json["count"] == len(answer.json["list"])
    assert names <= {policy["policyName"] for policy in answer.json["list"]}


def test_a_policy_without_limit_has_wso2s_number(client: Client) -> None:
    policies = client.rest("GET", path("subscription")).json["list"]
    limits = {one["policyName"]: one["defaultLimit"]["requestCount"] for one in policies}
    assert limits["Unlimited"]["requestCount"] == 2147483647
    assert limits["Gold"] == {"timeUnit": "min", "unitTime": 1, "requestCount": 5000}


@pytest.mark.parametrize("kind", KINDS)
def test_a_policys_life(client: Client, aws: Aws, kind: str) -> None:
    body = draft(description="for tests")
    made = client.rest("POST", path(kind), body)
    assert made.status == 201, made.text
    policy_id, name = made.json["policyId"], body["policyName"]
    assert made.headers["location"] == f"/api/am/admin/v4{path(kind, policy_id)}"
    assert made.json["displayName"] == name
    assert made.json["defaultLimit"] == LIMIT
    assert mirror(aws, kind)[name] == limited(30, 120)

    shown = client.rest("GET", path(kind, policy_id))
    assert (shown.status, shown.json) == (200, made.json)
    assert shown.headers["etag"] == made.headers["etag"]

    changed = {**shown.json, "description": "changed"}
    changed["defaultLimit"] = {**LIMIT, "requestCount": {**LIMIT["requestCount"], "unitTime": 1}}  # type: ignore[dict-item] # a nested literal
    answer = client.rest("PUT", path(kind, policy_id), changed)
    assert (answer.status, answer.json) == (200, changed)
    assert client.rest("GET", path(kind, policy_id)).json == changed
    assert mirror(aws, kind)[name] == limited(30, 60)

    deleted = client.rest("DELETE", path(kind, policy_id))
    assert (deleted.status, deleted.text) == (200, "")
    assert client.rest("GET", path(kind, policy_id)).status == 404
    assert name not in mirror(aws, kind)


def test_every_change_is_in_the_audit_trail(client: Client, aws: Aws) -> None:
    body = draft()
    made = client.rest("POST", path("subscription"), body).json
    client.rest("DELETE", path("subscription", made["policyId"]))
    subject = f"subscription/{body['policyName']}"
    entries = [
        entry
        for entry in aws.records.list(AuditEntry, tenant=TENANT, day=_today(aws))
        if entry.subject == subject
    ]
    assert [(entry.user, entry.action) for entry in entries] == [
        ("admin", "create"),
        ("admin", "delete"),
    ]


def _today(aws: Aws) -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()


def test_fields_without_behaviour_come_back(client: Client) -> None:
    body = draft(
        displayName="Shown",
        stopOnQuotaReach=False,
        billingPlan="COMMERCIAL",
        rateLimitCount=10,
        rateLimitTimeUnit="sec",
        subscriberCount=3,
        graphQLMaxComplexity=400,
        graphQLMaxDepth=10,
        customAttributes=[{"name": "team", "value": "payments"}],
        monetization={"monetizationPlan": "FIXEDRATE", "properties": {"price": "1"}},
    )
    made = client.rest("POST", path("subscription"), body)
    assert made.status == 201, made.text
    assert {name: made.json[name] for name in body} == body
    assert client.rest("GET", path("subscription", made.json["policyId"])).json == made.json


def test_a_limit_takes_effect_unless_it_is_said_that_it_should_not(
    client: Client, aws: Aws
) -> None:
    said, unsaid = draft(stopOnQuotaReach=False), draft()
    for body in (said, unsaid):
        assert client.rest("POST", path("subscription"), body).status == 201
    table = mirror(aws, "subscription")
    assert table[said["policyName"]] == limited(30, 120, stop=False)
    assert table[unsaid["policyName"]] == limited(30, 120)


def _with_limit(**requests: Any) -> dict[str, Any]:
    return draft(
        defaultLimit={
            "type": "REQUESTCOUNTLIMIT",
            "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 5, **requests},
        }
    )


BAD = {
    "no body": ("", "body"),
    "not JSON": ("{policyName", "body"),
    "a list": ("[]", "body"),
    "nothing in it": ({}, "policyName"),
    "unknown field": (draft(quota=5), "quota"),
    "no limit": ({"policyName": "X1"}, "defaultLimit"),
    "name missing": ({"defaultLimit": LIMIT}, "policyName"),
    "empty name": (draft(policyName=""), "policyName"),
    "name with space": (draft(policyName="ten a day"), "policyName"),
    "name with hash": (draft(policyName="a#b"), "policyName"),
    "name with markup": (draft(policyName="<b>"), "policyName"),
    "name with slash": (draft(policyName="../x"), "policyName"),
    "long name": (draft(policyName="x" * 61), "policyName"),
    "name not text": (draft(policyName=5), "policyName"),
    "long display name": (draft(displayName="x" * 513), "displayName"),
    "long description": (draft(description="x" * 1025), "description"),
    "count as text": (_with_limit(requestCount="5"), "defaultLimit.requestCount.requestCount"),
    "count as truth": (_with_limit(requestCount=True), "defaultLimit.requestCount.requestCount"),
    "count a fraction": (_with_limit(requestCount=1.5), "defaultLimit.requestCount.requestCount"),
    "count zero": (_with_limit(requestCount=0), "defaultLimit.requestCount.requestCount"),
    "count negative": (_with_limit(requestCount=-1), "defaultLimit.requestCount.requestCount"),
    "count too big": (_with_limit(requestCount=2**31), "defaultLimit.requestCount.requestCount"),
    "unit unknown": (_with_limit(timeUnit="fortnight"), "defaultLimit.requestCount.timeUnit"),
    "unit time zero": (_with_limit(unitTime=0), "defaultLimit.requestCount.unitTime"),
    "unit time huge": (_with_limit(unitTime=10**9), "defaultLimit.requestCount.unitTime"),
    "bandwidth without its part": (draft(defaultLimit={"type": "BANDWIDTHLIMIT"}), "defaultLimit"),
    "NaN": ('{"policyName": "X2", "defaultLimit": NaN}', "body"),
    "half a surrogate": (draft(policyName="\ud800"), "body"),
    "a million brackets": ("[" * 1_000_000, "body"),
}


@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused_with_the_field(
    client: Client, kind: str, body: Any, field: str
) -> None:
    before = client.rest("GET", path(kind)).json
    answer = client.rest("POST", path(kind), body)
    assert answer.status == 400, answer.text
    assert field in [one["code"] for one in answer.json["error"]]
    assert client.rest("GET", path(kind)).json == before


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("subscription", {"permissions": {"permissionType": "DENY", "roles": ["x"]}}),
        ("subscription", {"billingPlan": "GRATIS"}),
        ("advanced", {"conditionalGroups": [{"conditions": [], "limit": LIMIT}]}),
        ("application", {"stopOnQuotaReach": True}),
        ("application", {"burstLimit": {"rateLimitCount": -1}}),
    ],
)
def test_what_would_have_no_effect_is_refused(
    client: Client, kind: str, more: dict[str, Any]
) -> None:
    answer = client.rest("POST", path(kind), draft(**more))
    assert answer.status == 400
    assert answer.json["error"][0]["code"].startswith(next(iter(more)))


@pytest.mark.parametrize("name", ["Gold", "gold", "GOLD"])
def test_a_name_that_is_taken_is_a_conflict(client: Client, name: str) -> None:
    assert client.rest("POST", path("subscription"), draft(policyName=name)).status == 409
    # Names are unique in a level, not over all of them.
    made = client.rest("POST", path("advanced"), draft(policyName=f"{name}Advanced"))
    assert made.status == (201 if name == "Gold" else 409)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy_id", ["none", str(uuid.uuid4()), "%23", "x" * 500])
def test_an_unknown_id_is_not_found(client: Client, method: str, kind: str, policy_id: str) -> None:
    body = draft() if method == "PUT" else None
    assert client.rest(method, path(kind, policy_id), body).status == 404


def test_a_policy_of_another_kind_is_not_found(client: Client) -> None:
    made = client.rest("POST", path("application"), draft()).json
    assert client.rest("GET", path("subscription", made["policyId"])).status == 404
    assert client.rest("DELETE", path("subscription", made["policyId"])).status == 404


def test_a_stale_update_is_refused(client: Client) -> None:
    body = draft()
    made = client.rest("POST", path("application"), body)
    where, old = path("application", made.json["policyId"]), {"if-match": made.headers["etag"]}
    assert client.rest("PUT", where, body, headers=old).status == 200
    assert client.rest("PUT", where, {**body, "description": "2"}, headers=old).status == 412
    assert client.rest("GET", where).json["description"] == ""


def test_a_name_cannot_be_changed(client: Client) -> None:
    made = client.rest("POST", path("application"), draft()).json
    answer = client.rest("PUT", path("application", made["policyId"]), draft())
    assert answer.status == 400
    assert answer.json["error"][0]["code"] == "policyName"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("application", "Unlimited"),
        ("subscription", "Unlimited"),
        ("subscription", "Unauthenticated"),
        ("subscription", "DefaultSubscriptionless"),
        ("advanced", "Unlimited"),
    ],
)
def test_what_the_gateway_needs_stays(client: Client, kind: str, name: str) -> None:
    policies = client.rest("GET", path(kind)).json["list"]
    policy_id = next(one["policyId"] for one in policies if one["policyName"] == name)
    answer = client.rest("DELETE", path(kind, policy_id))
    assert answer.status == 409
    assert client.rest("GET", path(kind, policy_id)).status == 200


@pytest.mark.parametrize("kind", ["application", "subscription", "advanced"])
def test_a_policy_in_use_is_not_deleted(client: Client, aws: Aws, kind: str) -> None:
    body = draft()
    made = client.rest("POST", path(kind), body).json
    name, where = body["policyName"], path(kind, made["policyId"])
    aws.records.commit(*policy_uses(TENANT, LEVELS[kind], "application", "a1", [], [name]))
    answer = client.rest("DELETE", where)
    assert answer.status == 409
    assert "a1" in answer.json["description"]
    assert mirror(aws, kind)[name] == limited(30, 120)
    aws.records.commit(*policy_uses(TENANT, LEVELS[kind], "application", "a1", [name], []))
    assert client.rest("DELETE", where).status == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"app", "sub", "api"}),
        ("query=type:all", {"app", "sub", "api"}),
        ("query=type:sub", {"sub"}),
        ("query=type:app%20name:unlimi", {"app"}),
        ("query=UNLIMITED", {"app", "sub", "api"}),
        ("query=type:global", set()),
        ("query=nosuchname", set()),
    ],
)
def test_search(client: Client, query: str, expected: set[str]) -> None:
    answer = client.rest("GET", "/throttling/policies/search", query=query)
    assert answer.status == 200
    assert {one["type"] for one in answer.json["list"]} == expected
    assert answer.json["count"] == len(answer.json["list"])


@pytest.mark.parametrize("query", ["query=type:other", "query=owner:jane"])
def test_a_search_that_means_nothing_is_refused(client: Client, query: str) -> None:
    assert client.rest("GET", "/throttling/policies/search", query=query).status == 400


def test_callers(client: Client) -> None:
    where = path("subscription")
    assert client.rest("GET", where, authorization="").status == 401
    assert client.rest("GET", where, authorization="Bearer nonsense").status == 401
    assert client.rest("GET", where, authorization=basic("admin", "wrong")).status == 401
    assert client.rest("GET", where, authorization=basic("admin", PASSWORD)).status == 200
    viewer = client.token("jane", "apim:tier_view")
    assert client.rest("GET", where, authorization=viewer).status == 200
    assert client.rest("POST", where, draft(), authorization=viewer).status == 401
    assert client.rest("POST", where, draft(), authorization=basic("jane", PASSWORD)).status == 401


def test_the_rest_of_the_contract_answers_501(client: Client) -> None:
    answer = client.rest("GET", "/monetization/publish-usage/status")
    assert answer.status == 501
    assert "/monetization/publish-usage/status" in answer.json["description"]
    assert client.rest("GET", "/no/such/path").status == 404


def test_text_that_is_no_text_is_refused(client: Client) -> None:
    # JSON can spell half of a surrogate pair (RFC 8259 section 8.2), which no store can keep.
    body = f'{{"policyName": "P{uuid.uuid4().hex[:8]}", "description": "\\ud800", "defaultLimit": '
    answer = client.rest("POST", path("application"), body + json.dumps(LIMIT) + "}")
    assert answer.status == 400, answer.text
