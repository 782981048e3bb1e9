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
SCHEMAS = {
    "application": "ApplicationThrottlePolicy",
    "subscription": "SubscriptionThrottlePolicy",
    "advanced": "AdvancedThrottlePolicy",
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
    made = client.rest("POST", path, {"policyName": "Contract", "defaultLimit": LIMIT})
    assert made.status == 201
    conforms(schema, made.json)
    shown = client.rest("GET", path)
    assert shown.status == 200
    conforms(f"{schema}List", shown.json)
    for policy in shown.json["list"]:
        conforms(schema, policy)
        # What was given may be sent back as it is.
        again = client.rest("PUT", f"{path}/{policy['policyId']}", policy)
        assert (again.status, again.json) == (200, policy)


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
