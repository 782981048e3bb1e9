"""Every operation's answer against the contract: WSO2's file where it lies beside the checkout
(`../shared/wso2`), and always our own small one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from functions.publisher.handler import ROUTES
from portico.domain.application import Subscription
from portico.domain.records import Put
from portico.services.definitions import texts
from tests.functions.publisher.conftest import BASE, TENANT, Answer, Publisher

OURS = Path(__file__).parents[2] / "data" / "contract" / "publisher.yaml"
SHOP = (Path(__file__).parents[2] / "data" / "definitions" / "shop-3.0.yaml").read_bytes()
# Real servers answer 201 where the contract says 200.
CREATED = ("/apis/{apiId}/deploy-revision",)
# Answers that are the document itself, or that the contract gives no or another body.
UNTYPED = (
    "/apis/{apiId}/swagger",
    "/apis/{apiId}/subscription-policies",
    "/apis/validate",
    "/subscriptions/block-subscription",
    "/subscriptions/unblock-subscription",
)


@dataclass
class Walk:
    """Calls every operation once, by its path in the contract."""

    publisher: Publisher
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def call(self, method: str, path: str, expect: int, body: Any = None, **values: Any) -> Any:
        query = values.pop("query", None)
        where = path
        for name, value in values.items():
            where = where.replace("{" + name + "}", value)
        send = self.publisher.form if body and is_form(body) else self.publisher.call
        answer = send(method, where, body, query=query, expect=expect)
        self.answers[method, path] = answer
        return answer.json if answer.text else None


def is_form(body: Any) -> bool:
    return isinstance(body, Mapping) and any(isinstance(one, bytes) for one in body.values())


@pytest.fixture
def walk(publisher: Publisher) -> Walk:
    """All operations, called in an order that makes each succeed."""
    walk = Walk(publisher)
    walk.call("POST", "/apis/import-openapi", 201, {"file": SHOP})
    walk.call("POST", "/apis/validate-openapi", 200, {"file": SHOP})
    walk.call("POST", "/uploads", 201)
    made = publisher.create(tags=["a"], description="b")
    made = walk.call("PUT", "/apis/{apiId}", 200, made, apiId=made["id"])
    walk.call("POST", "/apis", 201, {**made, "name": "Second", "context": "/second"})
    api = made["id"]
    walk.call("GET", "/apis", 200, query={"limit": "1", "offset": "1"})
    walk.call("GET", "/apis/{apiId}", 200, apiId=api)
    walk.call("GET", "/apis/{apiId}/swagger", 200, apiId=api)
    walk.call("GET", "/apis/{apiId}/subscription-policies", 200, apiId=api)
    walk.call("POST", "/apis/validate", 200, query={"query": "name:Pizza"})
    revisions(walk, api)
    walk.call("PUT", "/apis/{apiId}/swagger", 200, {"file": SHOP}, apiId=api)
    query = {"action": "Publish", "apiId": api}
    walk.call("GET", "/apis/{apiId}/lifecycle-preview", 200, apiId=api, query=query)
    walk.call("POST", "/apis/change-lifecycle", 200, query=query)
    plan = {"action": "Retire", "at": "2027-03-01T00:00:00+01:00"}
    made_plan = walk.call("POST", "/apis/{apiId}/lifecycle-plans", 201, plan, apiId=api)
    walk.call("GET", "/apis/{apiId}/lifecycle-plans", 200, apiId=api)
    path = "/apis/{apiId}/lifecycle-plans/{planId}"
    walk.call("DELETE", path, 200, apiId=api, planId=made_plan["id"])
    walk.call("GET", "/apis/{apiId}/lifecycle-undo", 200, apiId=api)
    walk.call("POST", "/apis/{apiId}/lifecycle-undo", 200, apiId=api)
    walk.call("POST", "/apis/change-lifecycle", 200, query=query)
    walk.call("GET", "/apis/{apiId}/lifecycle-state", 200, apiId=api)
    walk.call("GET", "/apis/{apiId}/lifecycle-history", 200, apiId=api)
    walk.call("GET", "/apis/{apiId}/lifecycle-executions", 200, apiId=api)
    for what in ("retry", "skip"):
        one = "/apis/{apiId}/lifecycle-executions/{executionId}/" + what
        walk.call("POST", one, 404, apiId=api, executionId="none")
    walk.call("PUT", "/apis/{apiId}/sunset", 200, {"date": None}, apiId=api)
    walk.call("GET", "/apis/{apiId}/sunset", 200, apiId=api)
    pending = "/apis/{apiId}/lifecycle-state/pending-tasks"
    walk.call("GET", pending, 200, apiId=api)
    walk.call("POST", pending, 404, {"status": "APPROVED"}, apiId=api)
    walk.call("DELETE", pending, 404, apiId=api)
    walk.call("POST", "/apis/{apiId}/generate-key", 200, apiId=api)
    subscriptions(walk, api)
    walk.call("GET", "/throttling-policies/{policyLevel}", 200, policyLevel="api")
    path = "/throttling-policies/{policyLevel}/{policyName}"
    walk.call("GET", path, 200, policyLevel="subscription", policyName="Unlimited")
    walk.call("GET", "/settings", 200)
    walk.call("DELETE", "/apis/{apiId}", 200, apiId=api)
    return walk


def revisions(walk: Walk, api: str) -> None:
    made = walk.call("POST", "/apis/{apiId}/revisions", 201, {"description": "x"}, apiId=api)
    revision, body = made["id"], [{"name": "Default", "vhost": "localhost"}]
    query = {"revisionId": revision}
    walk.call("POST", "/apis/{apiId}/deploy-revision", 201, body, apiId=api, query=query)
    walk.call("GET", "/apis/{apiId}/deployments", 200, apiId=api)
    walk.call("GET", "/apis/{apiId}/revisions", 200, apiId=api)
    one = "/apis/{apiId}/revisions/{revisionId}"
    walk.call("GET", one, 200, apiId=api, revisionId=revision)
    walk.call("POST", "/apis/{apiId}/restore-revision", 201, apiId=api, query=query)
    walk.call("POST", "/apis/{apiId}/undeploy-revision", 201, body, apiId=api, query=query)
    walk.call("DELETE", one, 200, apiId=api, revisionId=revision)


def subscriptions(walk: Walk, api: str) -> None:
    one = Subscription(
        tenant=TENANT,
        application_id="app",
        api_id=api,
        id="subscription",
        application_owner="dev",
        application_name="App",
        api_name="Pizza",
        api_version="1.0.0",
        api_context="/pizza/1.0.0",
        api_provider="jane",
        policy="Bronze",
    )
    walk.publisher.records.commit(Put(one))
    walk.call("GET", "/subscriptions", 200, query={"apiId": api})
    query = {"subscriptionId": one.id, "blockState": "BLOCKED"}
    walk.call("POST", "/subscriptions/block-subscription", 200, query=query)
    walk.call("POST", "/subscriptions/unblock-subscription", 200, query=query)


def contracts(wso2: Path) -> list[dict[str, Any]]:
    theirs = wso2 / "rest" / "publisher-api.yaml"
    files = [OURS, theirs] if theirs.exists() else [OURS]
    return [texts.load(file.read_bytes()) for file in files]


def schema_of(contract: dict[str, Any], method: str, path: str, status: int) -> Any:
    """The schema of a success answer, in WSO2's way or in ours."""
    responses = contract["paths"][path][method.lower()]["responses"]
    found = responses.get(str(status)) or responses["200" if path in CREATED else str(status)]
    if "schema" in found:
        return {"$ref": f"#/components/schemas/{found['schema']}"}
    return found["content"]["application/json"]["schema"]


def test_every_answer_fits_the_contract(walk: Walk, wso2: Path) -> None:
    checked = 0
    for contract in contracts(wso2):
        for (method, path), answer in walk.answers.items():
            known = method.lower() in contract["paths"].get(path, {})
            if not known or path in UNTYPED or answer.status >= 400 or not answer.text:
                continue
            schema = schema_of(contract, method, path, answer.status)
            whole = {"allOf": [schema], "components": contract["components"]}
            faults = [
                f"{method} {path} {'.'.join(map(str, fault.absolute_path))}: {fault.message[:200]}"
                for fault in Draft4Validator(whole).iter_errors(answer.json)
            ]
            assert not faults, "\n".join(faults)
            checked += 1
    assert checked >= 22


def test_our_own_contract_lists_what_it_can_check() -> None:
    contract = yaml.safe_load(OURS.read_text())
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                assert answer["schema"] in contract["components"]["schemas"], (path, method, status)


def test_every_operation_that_has_a_route_is_called_here(walk: Walk) -> None:
    routes = {
        (method, rule.removeprefix(BASE).replace("<", "{").replace(">", "}"))
        for one in ROUTES
        for rule, methods, *_ in one.router._routes
        for method in ([methods] if isinstance(methods, str) else methods)
    }
    assert routes == set(walk.answers)


def test_the_error_body_is_the_contracts(publisher: Publisher, wso2: Path) -> None:
    theirs = wso2 / "rest" / "publisher-api.yaml"
    required = {"code", "message"}
    if theirs.exists():
        required = set(
            texts.load(theirs.read_bytes())["components"]["schemas"]["Error"]["required"]
        )
    assert required <= publisher.call("GET", "/apis/none", expect=404).json.keys()
