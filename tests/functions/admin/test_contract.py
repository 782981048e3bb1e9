"""Answers of the Admin REST API against WSO2's own contract, where it lies beside the checkout.

Without the contract the statuses are still checked, and the fields by the other tests.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.functions.admin.conftest import Client

Conforms = Callable[[str, Any], None]
LIMIT = {
    "type": "REQUESTCOUNTLIMIT",
    "requestCount": {"timeUnit": "hour", "unitTime": 1, "requestCount": 3},
}
DATA = {
    "type": "BANDWIDTHLIMIT",
    "bandwidth": {"timeUnit": "day", "unitTime": 1, "dataAmount": 20, "dataUnit": "MB"},
}
CONDITIONS = [
    {
        "type": "HEADERCONDITION",
        "headerCondition": {"headerName": "User-Agent", "headerValue": "bot"},
    },
    {
        "type": "IPCONDITION",
        "ipCondition": {
            "ipConditionType": "IPRANGE",
            "startingIP": "192.0.2.1",
            "endingIP": "192.0.2.9",
        },
    },
    {
        "type": "JWTCLAIMSCONDITION",
        "jwtClaimsCondition": {"claimUrl": "sub", "attribute": "jane"},
    },
    {
        "type": "QUERYPARAMETERCONDITION",
        "queryParameterCondition": {"parameterName": "a", "parameterValue": "b"},
    },
]
BURST = {"rateLimitCount": 5, "rateLimitTimeUnit": "sec"}
MORE: dict[str, dict[str, Any]] = {
    "application": {"burstLimit": BURST},
    "subscription": BURST,
    "advanced": {"conditionalGroups": [{"conditions": CONDITIONS, "limit": DATA}]},
    "custom": {"keyTemplate": "$userId"},
}
SCHEMAS = {
    "application": "ApplicationThrottlePolicy",
    "subscription": "SubscriptionThrottlePolicy",
    "advanced": "AdvancedThrottlePolicy",
    "custom": "CustomRule",
}


@pytest.fixture(scope="module")
def conforms() -> Conforms:
    """Checks a body against a schema of the contract, which must know all its fields."""
    file = Path(__file__).parents[4] / "shared" / "wso2" / "rest" / "admin-api.yaml"
    if not file.is_file():
        return lambda name, body: None
    # OpenAPI 3.0's schemas are JSON Schema but for words that validation may ignore.
    components = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["components"]
    schemas = components["schemas"]

    def known(name: str) -> set[str]:
        return {field for part in _parts(schemas[name], schemas) for field in part}

    def check(name: str, body: Any) -> None:
        assert set(body) <= known(name), set(body) - known(name)
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema.Draft4Validator(schema).validate(body)

    return check


def _parts(schema: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        return _parts(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    own = [schema.get("properties", {})]
    return own + [part for one in schema.get("allOf", []) for part in _parts(one, schemas)]


@pytest.mark.parametrize(("kind", "schema"), SCHEMAS.items())
def test_policies(client: Client, conforms: Conforms, kind: str, schema: str) -> None:
    path = f"/throttling/policies/{kind}"
    draft = {"policyName": "Contract", "defaultLimit": LIMIT, **MORE[kind]}
    made = client.rest("POST", path, draft)
    assert made.status == 201, made.text
    conforms(schema, made.json)
    which = f"policyId={made.json['policyId']}"
    exported = client.rest("GET", "/throttling/policies/export", query=which)
    assert exported.status == 200
    conforms("ExportThrottlePolicy", exported.json)
    shown = client.rest("GET", path)
    assert shown.status == 200
    conforms(f"{schema}List", shown.json)
    for policy in shown.json["list"]:
        conforms(schema, policy)
        # What was given may be sent back as it is.
        again = client.rest("PUT", f"{path}/{policy['policyId']}", policy)
        assert (again.status, again.json) == (200, policy)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("IP", {"fixedIp": "192.0.2.7", "invert": False}),
        ("IPRANGE", {"startingIp": "192.0.2.1", "endingIp": "192.0.2.9", "invert": True}),
        ("USER", "mallory"),
    ],
)
def test_deny_policies(client: Client, conforms: Conforms, kind: str, value: Any) -> None:
    def check(body: Any) -> None:
        # The contract's text speaks of `/test/1.0.0` and WSO2 gives texts; its schema has an object
        # for all.
        text = isinstance(body["conditionValue"], str)
        conforms("BlockingCondition", {**body, "conditionValue": {}} if text else body)

    body = {"conditionType": kind, "conditionValue": value}
    made = client.rest("POST", "/throttling/deny-policies", body)
    assert made.status == 201, made.text
    check(made.json)
    shown = client.rest("GET", "/throttling/deny-policies").json
    assert set(shown) == {"count", "list"}
    for one in shown["list"]:
        check(one)
    wish = {"conditionId": made.json["conditionId"], "conditionStatus": False}
    conforms("BlockingConditionStatus", wish)
    check(client.rest("PATCH", f"/throttling/deny-policy/{made.json['conditionId']}", wish).json)


def test_search_settings_and_scopes(client: Client, conforms: Conforms) -> None:
    for path, schema in (
        ("/throttling/policies/search", "ThrottlePolicyDetailsList"),
        ("/settings", "Settings"),
        ("/system-scopes", "ScopeList"),
    ):
        answer = client.rest("GET", path)
        assert answer.status == 200
        conforms(schema, answer.json)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/throttling/policies/application", "{", 400),
        ("GET", "/throttling/policies/application/none", None, 404),
        ("POST", "/throttling/policies/subscription", {"policyName": "Gold"}, 400),
        ("GET", "/environments", None, 501),
        ("GET", "/nothing", None, 404),
    ],
)
def test_errors(
    client: Client, conforms: Conforms, method: str, path: str, body: Any, status: int
) -> None:
    answer = client.rest(method, path, body)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    conforms("Error", json.loads(answer.text))
