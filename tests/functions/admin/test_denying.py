"""The Admin REST API's deny policies, through the handler."""

from typing import Any

import pytest

from portico.domain.api import Api, card_of
from portico.domain.application import ApplicationName
from portico.domain.gateway import PolicyTable
from portico.domain.records import Put
from tests.conftest import Aws
from tests.functions.admin.conftest import TENANT, Client

ALL, ONE = "/throttling/deny-policies", "/throttling/deny-policy"
CONTEXT = "/pizzashack/1.0.0"


@pytest.fixture(autouse=True, scope="module")
def _things(client: Client, aws: Aws) -> None:
    api = Api(
        tenant=TENANT, id="p1", name="P", version="1.0.0", context="/pizzashack", provider="jane"
    )
    application = ApplicationName(tenant=TENANT, owner="jane", name="shop", application_id="a1")
    aws.records.commit(Put(card_of(api)), Put(application))


def mirrored(aws: Aws, condition_id: str) -> Any:
    table = aws.records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    return table.policies.get("deny", {}).get(condition_id)


@pytest.mark.parametrize(
    ("kind", "value", "entry"),
    [
        ("API", CONTEXT, {"value": CONTEXT}),
        ("APPLICATION", "jane:shop", {"value": "jane:shop", "subject": "a1"}),
        ("USER", "mallory", {"value": "mallory"}),
        ("IP", {"fixedIp": "192.0.2.7", "invert": False}, {"value": "192.0.2.7"}),
        ("IP", {"fixedIp": "192.0.2.7", "invert": True}, {"value": "192.0.2.7", "invert": True}),
        (
            "IPRANGE",
            {"startingIp": "192.0.2.1", "endingIp": "192.0.2.9", "invert": False},
            {"value": {"from": "192.0.2.1", "to": "192.0.2.9"}},
        ),
    ],
)
def test_a_deny_policys_life(
    client: Client, aws: Aws, kind: str, value: Any, entry: dict[str, Any]
) -> None:
    body = {"conditionType": kind, "conditionValue": value, "conditionStatus": True}
    made = client.rest("POST", ALL, body)
    assert made.status == 201, made.text
    condition_id = made.json["conditionId"]
    where = f"{ONE}/{condition_id}"
    assert made.headers["location"] == f"/api/am/admin/v4{where}"
    assert made.json == {**body, "conditionId": condition_id}
    assert mirrored(aws, condition_id) == {
        "kind": kind,
        "invert": False,
        "active": True,
        **entry,
    }
    shown = client.rest("GET", where)
    assert (shown.status, shown.json) == (200, made.json)
    assert made.json in client.rest("GET", ALL).json["list"]
    assert client.rest("POST", ALL, body).status == 409

    off = client.rest("PATCH", where, {"conditionId": condition_id, "conditionStatus": False})
    assert (off.status, off.json) == (200, {**made.json, "conditionStatus": False})
    assert mirrored(aws, condition_id)["active"] is False
    old = {"if-match": made.headers["etag"]}
    assert client.rest("PATCH", where, {"conditionStatus": True}, headers=old).status == 412
    now = {"if-match": off.headers["etag"]}
    assert client.rest("PATCH", where, {"conditionStatus": True}, headers=now).status == 200

    deleted = client.rest("DELETE", where)
    assert (deleted.status, deleted.text) == (200, "")
    assert mirrored(aws, condition_id) is None
    for method, sent in (("GET", None), ("PATCH", {"conditionStatus": True}), ("DELETE", None)):
        assert client.rest(method, where, sent).status == 404


BAD: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "conditionType"),
    "no value": ({"conditionType": "USER"}, "conditionValue"),
    "unknown type": ({"conditionType": "MOON", "conditionValue": "x"}, "conditionType"),
    "unknown field": (
        {"conditionType": "USER", "conditionValue": "x", "until": 1},
        "until",
    ),
    "status as text": (
        {"conditionType": "USER", "conditionValue": "x", "conditionStatus": "true"},
        "conditionStatus",
    ),
    "API that is not there": (
        {"conditionType": "API", "conditionValue": "/moon/1"},
        "conditionValue",
    ),
    "API as object": ({"conditionType": "API", "conditionValue": {}}, "conditionValue"),
    "application": ({"conditionType": "APPLICATION", "conditionValue": "x"}, "conditionValue"),
    "user": ({"conditionType": "USER", "conditionValue": ""}, "conditionValue"),
    "address as text": ({"conditionType": "IP", "conditionValue": "192.0.2.7"}, "conditionValue"),
    "no address": ({"conditionType": "IP", "conditionValue": {}}, "conditionValue.fixedIp"),
    "address": (
        {"conditionType": "IP", "conditionValue": {"fixedIp": "x"}},
        "conditionValue.fixedIp",
    ),
    "field of another": (
        {"conditionType": "IP", "conditionValue": {"fixedIp": "192.0.2.7", "endingIp": "x"}},
        "conditionValue.endingIp",
    ),
    "half a range": (
        {"conditionType": "IPRANGE", "conditionValue": {"startingIp": "192.0.2.7"}},
        "conditionValue.endingIp",
    ),
    "backwards": (
        {
            "conditionType": "IPRANGE",
            "conditionValue": {"startingIp": "192.0.2.7", "endingIp": "192.0.2.1"},
        },
        "conditionValue.endingIp",
    ),
    "inverted as text": (
        {"conditionType": "IP", "conditionValue": {"fixedIp": "192.0.2.7", "invert": "no"}},
        "conditionValue.invert",
    ),
}


@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_the_field(client: Client, body: Any, field: str) -> None:
    before = client.rest("GET", ALL).json
    answer = client.rest("POST", ALL, body)
    assert answer.status == 400, answer.text
    assert any(one["code"].startswith(field) for one in answer.json["error"]), answer.text
    assert client.rest("GET", ALL).json == before


def test_a_change_of_the_status_alone(client: Client) -> None:
    body = {"conditionType": "USER", "conditionValue": "eve"}
    made = client.rest("POST", ALL, body).json
    assert made["conditionStatus"] is True
    where = f"{ONE}/{made['conditionId']}"
    for wrong in ({}, {"conditionStatus": 1}, {"conditionId": "x", "conditionStatus": False}):
        assert client.rest("PATCH", where, wrong).status == 400
    assert client.rest("GET", where).json == made


def test_lists_are_searched(client: Client) -> None:
    made = {}
    for kind, value in (("API", CONTEXT), ("USER", "oscar"), ("USER", "trudy")):
        body = {"conditionType": kind, "conditionValue": value}
        made[value] = client.rest("POST", ALL, body).json

    def found(query: str) -> list[Any]:
        answer = client.rest("GET", ALL, query=query)
        assert answer.status == 200, answer.text
        assert answer.json["count"] == len(answer.json["list"])
        return [one["conditionValue"] for one in answer.json["list"]]

    assert found("query=conditionType:API") == [CONTEXT]
    # As the contract writes it, without the first slash.
    both = "query=conditionType:API%20%26%20conditionValue:pizzashack/1.0.0"
    assert found(both) == [CONTEXT]
    assert found("query=conditionValue:trudy") == ["trudy"]
    assert {"oscar", "trudy"} <= set(found("query=conditionType:USER"))
    assert found("query=conditionType:API%20%26%20conditionValue:trudy") == []
    assert client.rest("GET", ALL, query="query=colour:red").status == 400
    assert client.rest("GET", ALL, query="query=conditionType:MOON").status == 400


def test_callers(client: Client) -> None:
    body = {"conditionType": "USER", "conditionValue": "walter"}
    assert client.rest("GET", ALL, authorization="").status == 401
    viewer = client.token("jane", "apim:bl_view")
    assert client.rest("GET", ALL, authorization=viewer).status == 200
    assert client.rest("POST", ALL, body, authorization=viewer).status == 401
    manager = client.token("jane", "apim:bl_manage")
    made = client.rest("POST", ALL, body, authorization=manager)
    assert made.status == 201
    where = f"{ONE}/{made.json['conditionId']}"
    off = {"conditionStatus": False}
    assert client.rest("PATCH", where, off, authorization=viewer).status == 401
    assert client.rest("DELETE", where, authorization=viewer).status == 401
    assert client.rest("DELETE", where, authorization=manager).status == 200
