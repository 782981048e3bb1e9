"""The Admin REST API's limits other than plain counts of calls: bandwidth, bursts, groups, custom
rules; and policies in files.
"""

import json
import uuid
from typing import Any

import pytest

from portico.domain.gateway import PolicyTable
from tests.conftest import Aws
from tests.functions.admin.conftest import TENANT, Answer, Client

CALLS = {
    "type": "REQUESTCOUNTLIMIT",
    "requestCount": {"timeUnit": "min", "unitTime": 2, "requestCount": 30},
}
DATA = {
    "type": "BANDWIDTHLIMIT",
    "bandwidth": {"timeUnit": "day", "unitTime": 1, "dataAmount": 20, "dataUnit": "MB"},
}
EVENTS = {
    "type": "EVENTCOUNTLIMIT",
    "eventCount": {"timeUnit": "min", "unitTime": 5, "eventCount": 16},
}
# The contract's own example of conditions.
CONDITIONS: list[dict[str, Any]] = [
    {
        "type": "HEADERCONDITION",
        "invertCondition": False,
        "headerCondition": {"headerName": "Host", "headerValue": "10.100.7.77"},
    },
    {
        "type": "IPCONDITION",
        "invertCondition": False,
        "ipCondition": {
            "ipConditionType": "IPSPECIFIC",
            "specificIP": "10.100.1.22",
            "startingIP": None,
            "endingIP": None,
        },
    },
    {
        "type": "QUERYPARAMETERCONDITION",
        "invertCondition": False,
        "queryParameterCondition": {"parameterName": "name", "parameterValue": "admin"},
    },
    {
        "type": "JWTCLAIMSCONDITION",
        "invertCondition": True,
        "jwtClaimsCondition": {"claimUrl": "claimUrl0", "attribute": "claimAttr0"},
    },
]
SIDDHI = (
    "FROM RequestStream\nSELECT userId, ( userId == 'admin@carbon.super' ) AS isEligible , "
    "str:concat('admin@carbon.super','') as throttleKey\nINSERT INTO EligibilityStream; \n\n"
    "FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min) \nSELECT throttleKey, "
    "(count(userId) >= 10) as isThrottled, expiryTimeStamp group by throttleKey \n"
    "INSERT ALL EVENTS into ResultStream;"
)


def path(kind: str, policy_id: str = "") -> str:
    return f"/throttling/policies/{kind}" + (f"/{policy_id}" if policy_id else "")


def draft(**more: Any) -> dict[str, Any]:
    return {"policyName": f"P{uuid.uuid4().hex[:8]}", "defaultLimit": CALLS, **more}


def rule(**more: Any) -> dict[str, Any]:
    told = {"policyName": f"P{uuid.uuid4().hex[:8]}", "keyTemplate": "$userId", **more}
    return {name: value for name, value in told.items() if value is not None}


def entry(aws: Aws, level: str, name: str) -> Any:
    table = aws.records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    return table.policies[level].get(name)


@pytest.mark.parametrize("kind", ["application", "subscription", "advanced"])
def test_bandwidth(client: Client, aws: Aws, kind: str) -> None:
    made = client.rest("POST", path(kind), draft(defaultLimit=DATA))
    assert made.status == 201, made.text
    assert made.json["defaultLimit"] == DATA
    assert client.rest("GET", path(kind, made.json["policyId"])).json == made.json
    level = "api" if kind == "advanced" else kind
    limit = entry(aws, level, made.json["policyName"])["limit"]
    assert limit == {"kind": "bandwidth", "amount": 20 * 1024 * 1024, "seconds": 86400}


def test_the_type_chooses_among_limits(client: Client, aws: Aws) -> None:
    # As in the contract's example of an exported policy, which has all three.
    every = {**CALLS, **EVENTS, **DATA, "type": "BANDWIDTHLIMIT"}
    made = client.rest("POST", path("application"), draft(defaultLimit=every))
    assert made.status == 201, made.text
    assert made.json["defaultLimit"] == DATA


@pytest.mark.parametrize(
    ("limit", "field", "says"),
    [
        (EVENTS, "defaultLimit", "EVENTCOUNTLIMIT counts events of streaming APIs"),
        ({"type": "AIAPIQUOTALIMIT"}, "defaultLimit", "tokens of AI APIs"),
        ({"type": "SPEEDLIMIT"}, "defaultLimit.type", "REQUESTCOUNTLIMIT"),
        ({"type": "REQUESTCOUNTLIMIT"}, "defaultLimit", "requestCount is needed"),
        ({**DATA, "type": "REQUESTCOUNTLIMIT"}, "defaultLimit", "requestCount is needed"),
        ({**CALLS, "type": "BANDWIDTHLIMIT"}, "defaultLimit", "bandwidth is needed"),
        ({**DATA, "quota": 1}, "defaultLimit.quota", ""),
        (
            {**DATA, "bandwidth": {**DATA["bandwidth"], "dataUnit": "TB"}},  # type: ignore[dict-item]
            "defaultLimit.bandwidth.dataUnit",
            "KB, MB, GB",
        ),
        (
            {**DATA, "bandwidth": {**DATA["bandwidth"], "dataAmount": "20"}},  # type: ignore[dict-item]
            "defaultLimit.bandwidth.dataAmount",
            "",
        ),
        (
            {**DATA, "bandwidth": {**DATA["bandwidth"], "dataAmount": 0}},  # type: ignore[dict-item]
            "defaultLimit.bandwidth.dataAmount",
            "",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["application", "advanced"])
def test_limits_that_mean_nothing_are_refused(
    client: Client, kind: str, limit: dict[str, Any], field: str, says: str
) -> None:
    answer = client.rest("POST", path(kind), draft(defaultLimit=limit))
    assert answer.status == 400, answer.text
    assert field in [one["code"] for one in answer.json["error"]]
    assert says in answer.text


def test_bursts(client: Client, aws: Aws) -> None:
    burst = {"rateLimitCount": 7, "rateLimitTimeUnit": "sec"}
    subscription = client.rest("POST", path("subscription"), draft(**burst))
    assert {name: subscription.json[name] for name in burst} == burst
    assert entry(aws, "subscription", subscription.json["policyName"])["burst"] == [7, 1]
    application = client.rest("POST", path("application"), draft(burstLimit=burst))
    assert application.json["burstLimit"] == burst
    assert entry(aws, "application", application.json["policyName"])["burst"] == [7, 1]
    # WSO2 writes -1 and 0 for none.
    for count in (-1, 0):
        body = draft(rateLimitCount=count, rateLimitTimeUnit="min")
        made = client.rest("POST", path("subscription"), body)
        assert made.status == 201, made.text
        assert "burst" not in entry(aws, "subscription", body["policyName"])


@pytest.mark.parametrize(
    ("kind", "more", "field"),
    [
        ("subscription", {"rateLimitCount": 5}, "rateLimitTimeUnit"),
        ("subscription", {"rateLimitCount": -2}, "rateLimitCount"),
        ("subscription", {"rateLimitCount": 5, "rateLimitTimeUnit": "x"}, "rateLimitTimeUnit"),
        ("application", {"burstLimit": {"rateLimitCount": 5}}, "burstLimit.rateLimitTimeUnit"),
        ("application", {"burstLimit": {"rate": 5}}, "burstLimit.rate"),
        ("application", {"rateLimitCount": 5}, "rateLimitCount"),
        ("advanced", {"rateLimitCount": 5}, "rateLimitCount"),
    ],
)
def test_bursts_that_mean_nothing_are_refused(
    client: Client, kind: str, more: dict[str, Any], field: str
) -> None:
    answer = client.rest("POST", path(kind), draft(**more))
    assert answer.status == 400, answer.text
    assert field in [one["code"] for one in answer.json["error"]]


def grouped(*conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    group = {"description": "some", "conditions": list(conditions), "limit": DATA, **more}
    return draft(conditionalGroups=[group])


def test_conditional_groups(client: Client, aws: Aws) -> None:
    made = client.rest("POST", path("advanced"), grouped(*CONDITIONS))
    assert made.status == 201, made.text
    (group,) = made.json["conditionalGroups"]
    without_nulls = json.loads(json.dumps(CONDITIONS))
    without_nulls[1]["ipCondition"] = {"ipConditionType": "IPSPECIFIC", "specificIP": "10.100.1.22"}
    assert group["conditions"] == without_nulls
    assert (group["limit"], group["description"]) == (DATA, "some")
    where = path("advanced", made.json["policyId"])
    assert client.rest("GET", where).json == made.json
    assert client.rest("PUT", where, made.json).json == made.json
    (mirrored,) = entry(aws, "api", made.json["policyName"])["groups"]
    assert mirrored["limit"]["kind"] == "bandwidth"
    assert [one["kind"] for one in mirrored["conditions"]] == ["header", "ip", "query", "claim"]
    assert mirrored["conditions"][3] == {
        "kind": "claim",
        "name": "claimUrl0",
        "value": "claimAttr0",
        "invert": True,
    }
    emptied = {**made.json, "conditionalGroups": []}
    assert client.rest("PUT", where, emptied).json == emptied
    assert "groups" not in entry(aws, "api", made.json["policyName"])


GROUP = "conditionalGroups.0"
ADDRESS = CONDITIONS[1]
RANGE = {"ipConditionType": "IPRANGE", "startingIP": "10.0.0.9", "endingIP": "10.0.0.1"}
BAD_GROUPS: dict[str, tuple[dict[str, Any], str]] = {
    "no conditions": (grouped(), f"{GROUP}.conditions"),
    "no limit": (
        draft(conditionalGroups=[{"conditions": [ADDRESS]}]),
        f"{GROUP}.limit",
    ),
    "not a list": (draft(conditionalGroups={}), "conditionalGroups"),
    "no type": (grouped({"invertCondition": True}), f"{GROUP}.conditions.0.type"),
    "type": (grouped({"type": "MOONCONDITION"}), f"{GROUP}.conditions.0.type"),
    "no part": (grouped({"type": "IPCONDITION"}), f"{GROUP}.conditions.0"),
    "another part": (grouped({**ADDRESS, "type": "HEADERCONDITION"}), f"{GROUP}.conditions.0"),
    "two parts": (
        grouped({**ADDRESS, "headerCondition": {"headerName": "a", "headerValue": "b"}}),
        f"{GROUP}.conditions.0",
    ),
    "unknown field": (grouped({**ADDRESS, "moon": 1}), f"{GROUP}.conditions.0.moon"),
    "inversion as text": (
        grouped({**ADDRESS, "invertCondition": "true"}),
        f"{GROUP}.conditions.0.invertCondition",
    ),
    "no address": (
        grouped({**ADDRESS, "ipCondition": {"ipConditionType": "IPSPECIFIC"}}),
        f"{GROUP}.conditions.0.ipCondition.specificIP",
    ),
    "range": (
        grouped({**ADDRESS, "ipCondition": RANGE}),
        f"{GROUP}.conditions.0.ipCondition.endingIP",
    ),
    "kind of address": (
        grouped({**ADDRESS, "ipCondition": {"ipConditionType": "IPMOON"}}),
        f"{GROUP}.conditions.0.ipCondition.ipConditionType",
    ),
    "header": (
        grouped({**CONDITIONS[0], "headerCondition": {"headerName": "a b", "headerValue": "c"}}),
        f"{GROUP}.conditions.0.headerCondition.headerName",
    ),
    "events": (grouped(ADDRESS, limit=EVENTS), f"{GROUP}.limit"),
}


@pytest.mark.parametrize(("body", "field"), BAD_GROUPS.values(), ids=BAD_GROUPS.keys())
def test_groups_that_mean_nothing_are_refused(
    client: Client, body: dict[str, Any], field: str
) -> None:
    answer = client.rest("POST", path("advanced"), body)
    assert answer.status == 400, answer.text
    assert field in [one["code"] for one in answer.json["error"]]
    # Groups belong to advanced policies only.
    assert client.rest("POST", path("subscription"), body).status == 400


def test_a_custom_rule_of_wso2s(client: Client, aws: Aws) -> None:
    body = rule(siddhiQuery=SIDDHI, description="ten a minute")
    made = client.rest("POST", path("custom"), body)
    assert made.status == 201, made.text
    assert {name: made.json[name] for name in body} == body
    assert made.json["type"] == "CustomRule"
    where = path("custom", made.json["policyId"])
    assert made.headers["location"] == f"/api/am/admin/v4{where}"
    assert entry(aws, "custom", body["policyName"]) == {
        "key": "$userId",
        "limit": {"kind": "requests", "amount": 10, "seconds": 60},
        "only": {"userId": "admin@carbon.super"},
    }
    assert client.rest("PUT", where, client.rest("GET", where).json).status == 200
    changed = {**made.json, "siddhiQuery": SIDDHI.replace(">= 10", ">= 20")}
    assert client.rest("PUT", where, changed).json == changed
    assert entry(aws, "custom", body["policyName"])["limit"]["amount"] == 20
    assert made.json["policyId"] in client.rest("GET", path("custom")).text
    assert client.rest("DELETE", where).status == 200
    assert client.rest("GET", where).status == 404
    assert entry(aws, "custom", body["policyName"]) is None


def test_a_custom_rule_with_a_limit_is_told_as_a_query(client: Client, aws: Aws) -> None:
    body = rule(keyTemplate="$userId:$apiContext", defaultLimit=CALLS)
    made = client.rest("POST", path("custom"), body)
    assert made.status == 201, made.text
    assert "timeBatch(2 min)" in made.json["siddhiQuery"]
    assert entry(aws, "custom", body["policyName"]) == {
        "key": "$userId:$apiContext",
        "limit": {"kind": "requests", "amount": 30, "seconds": 120},
    }
    where = path("custom", made.json["policyId"])
    assert client.rest("PUT", where, made.json).json == made.json


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (rule(), "siddhiQuery"),
        (rule(siddhiQuery=""), "siddhiQuery"),
        (rule(siddhiQuery="FROM x SELECT y"), "siddhiQuery"),
        (rule(siddhiQuery=SIDDHI, keyTemplate="$apiContext"), "siddhiQuery"),
        (rule(siddhiQuery=SIDDHI, keyTemplate=None), "keyTemplate"),
        (rule(siddhiQuery=SIDDHI, keyTemplate="$moon"), "keyTemplate"),
        (rule(siddhiQuery=SIDDHI, defaultLimit=CALLS), "defaultLimit"),
        (rule(defaultLimit=DATA), "defaultLimit.type"),
        (rule(siddhiQuery=SIDDHI, stopOnQuotaReach=True), "stopOnQuotaReach"),
    ],
)
def test_custom_rules_that_mean_nothing_are_refused(
    client: Client, body: dict[str, Any], field: str
) -> None:
    answer = client.rest("POST", path("custom"), body)
    assert answer.status == 400, answer.text
    assert field in [one["code"] for one in answer.json["error"]]


def upload(client: Client, content: bytes | str, query: str = "", part: str = "file") -> Answer:
    text = content if isinstance(content, str) else content.decode()
    body = (
        f'--x\r\nContent-Disposition: form-data; name="{part}"; filename="policy.json"\r\n'
        f"Content-Type: application/json\r\n\r\n{text}\r\n--x--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    return client.rest("POST", path("import"), body, query=query, headers=headers)


@pytest.mark.parametrize(
    ("kind", "short", "body"),
    [
        ("application", "app", draft(burstLimit={"rateLimitCount": 7, "rateLimitTimeUnit": "sec"})),
        ("subscription", "sub", draft(defaultLimit=DATA, stopOnQuotaReach=False)),
        ("advanced", "api", grouped(*CONDITIONS)),
        ("custom", "global", rule(siddhiQuery=SIDDHI)),
    ],
)
def test_a_policy_goes_through_a_file(
    client: Client, kind: str, short: str, body: dict[str, Any]
) -> None:
    name = body["policyName"]
    made = client.rest("POST", path(kind), body).json
    by_id = client.rest("GET", path("export"), query=f"policyId={made['policyId']}")
    assert by_id.status == 200
    assert by_id.json["data"] == made
    assert by_id.json["subtype"] == kind
    by_name = client.rest("GET", path("export"), query=f"name={name}&type={short}")
    assert by_name.json == by_id.json
    assert upload(client, by_id.text).status == 409
    changed = {**by_id.json, "data": {**made, "description": "from a file"}}
    answer = upload(client, json.dumps(changed), "overwrite=true")
    assert (answer.status, answer.json) == (200, changed["data"])
    client.rest("DELETE", path(kind, made["policyId"]))
    answer = upload(client, by_id.text)
    assert answer.status == 200
    assert answer.json == {**made, "policyId": answer.json["policyId"]}


def test_a_file_of_wso2s_tool(client: Client, aws: Aws) -> None:
    name = f"P{uuid.uuid4().hex[:8]}"
    content = f"""
type: throttling policy
subtype: subscription policy
version: v4.3.0
data:
  policyId: 8d2d1a1c-0000-4000-8000-000000000001
  policyName: {name}
  displayName: {name}
  isDeployed: true
  type: SubscriptionThrottlePolicy
  graphQLMaxComplexity: 0
  graphQLMaxDepth: 0
  defaultLimit:
    type: REQUESTCOUNTLIMIT
    requestCount: {{timeUnit: min, unitTime: 1, requestCount: 50}}
    bandwidth: null
    eventCount: null
  monetization: null
  rateLimitCount: 0
  rateLimitTimeUnit: null
  subscriberCount: 0
  customAttributes: []
  stopOnQuotaReach: true
  billingPlan: FREE
  permissions: null
"""
    answer = upload(client, content)
    assert answer.status == 200, answer.text
    assert entry(aws, "subscription", name)["limit"]["amount"] == 50


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("", "file"),
        ("{", "file"),
        ("[]", "file"),
        ("{}", "file"),
        ('{"subtype": "moon", "data": {}}', "subtype"),
        ('{"subtype": "application", "data": {}}', "policyName"),
        ('{"data": {"type": "ApplicationThrottlePolicy"}}', "policyName"),
    ],
)
def test_files_that_mean_nothing_are_refused(client: Client, content: str, field: str) -> None:
    answer = upload(client, content)
    assert answer.status == 400, answer.text
    assert field in [one["code"] for one in answer.json["error"]]


def test_what_is_asked_for_wrongly(client: Client) -> None:
    assert upload(client, "{}", part="other").status == 400
    assert client.rest("POST", path("import"), {}).status == 400
    for query, status in (
        ("", 400),
        ("name=Gold", 400),
        ("name=Gold&type=moon", 400),
        ("name=Gold&type=sub", 200),
        ("name=Gold&type=app", 404),
        ("policyId=none", 404),
    ):
        assert client.rest("GET", path("export"), query=query).status == status, query


def test_custom_rules_are_searched_by_their_type(client: Client) -> None:
    made = client.rest("POST", path("custom"), rule(siddhiQuery=SIDDHI)).json
    found = client.rest("GET", path("search"), query="query=type:global").json["list"]
    assert made["policyName"] in [one["policyName"] for one in found]
    assert {one["type"] for one in found} == {"global"}
