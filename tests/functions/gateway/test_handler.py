"""The gateway function's handler on real events: decisions carried out, faults, preflights."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.gateway import handler as gateway
from functions.gateway.forward import NotDelivered
from portico.domain.gateway import DeliveryPlan
from portico.storage.readmodel import ReadModel
from tests.events import Context
from tests.functions.authorizer.world import FakeSource
from tests.functions.gateway.backend import Backend, running


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("PORTICO_ALLOWED_BACKEND_HOSTS", "127.0.0.1")
    caches = (gateway.forwarder, gateway.delivering, gateway.plans)
    for one in caches:
        one.cache_clear()
    with running() as backend:
        yield backend
        gateway.forwarder()._backends.close()
    for one in caches:
        one.cache_clear()


def call(decision: dict[str, Any] | None, method: str = "GET", **more: Any) -> dict[str, Any]:
    headers = {"Host": "gateway.example", **more.pop("headers", {})}
    authorizer = {} if decision is None else {"authorizer": {"lambda": decision}}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/pizza/1.0.0/menu",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": "/pizza/1.0.0/menu", "sourceIp": "203.0.113.7"},
            "requestId": "req-1",
            **authorizer,
        },
        "isBase64Encoded": False,
        **more,
    }
    answer = gateway.handler(event, Context())
    json.dumps(answer)
    return answer


def passed(backend: Backend, **more: Any) -> dict[str, Any]:
    return {
        "jwt": "a.b.c",
        "endpoint": backend.url,
        "path": "/menu",
        "header": "Authorization",
        "pass_authorization": "false",
        "preflight": "false",
        "cors": "",
        **more,
    }


@pytest.mark.parametrize("decision", [None, {}, {"endpoint": "http://127.0.0.1:1", "path": "/"}])
def test_an_event_without_a_decision_is_not_served(
    backend: Backend, decision: dict[str, Any] | None
) -> None:
    answer = call(decision)
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["code"] == "900900"
    assert backend.requests == []


def test_a_call_is_delivered(backend: Backend) -> None:
    answer = call(
        passed(backend), "POST", body=base64.b64encode(b"x").decode(), isBase64Encoded=True
    )
    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (200, "ok", False)
    assert backend.headers["x-jwt-assertion"] == "a.b.c"


def test_a_fault_is_told_and_nothing_is_delivered(backend: Backend) -> None:
    answer = call(passed(backend, fault="900908", status=403), headers={"ACCEPT": "text/xml"})
    assert answer["statusCode"] == 403
    assert "<am:code>900908</am:code>" in answer["body"]
    assert backend.requests == []


def test_a_back_end_that_is_down_is_a_fault(backend: Backend) -> None:
    answer = call(passed(backend, endpoint="http://127.0.0.1:1"))
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["code"] == "101503"


def test_a_request_that_does_not_fit_is_told_why(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def deliver(self, *_: Any) -> Any:
            raise NotDelivered("400", "unfit", told="Schema validation failed in the Request: a")

    monkeypatch.setattr(gateway, "delivering", Refusing)
    answer = call(passed(backend))
    assert (answer["statusCode"], json.loads(answer["body"])["description"]) == (
        400,
        "Schema validation failed in the Request: a",
    )


def test_a_planned_call_goes_by_its_plan(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    source.put(
        DeliveryPlan(
            tenant="t",
            revision_id="r",
            api_id="a",
            production={"kind": "http", "endpoints": [{"url": backend.url}]},
            rules={"": {"request": [["addHeader", "x-a", "1"]]}},
        )
    )
    model = ReadModel(source, 5)
    monkeypatch.setattr(gateway, "read_model", lambda: model)
    planned = passed(backend, plan="true", tenant="t", revision="r", resource="GET /menu")
    assert call({**planned, "endpoint": "http://127.0.0.1:1"})["body"] == "ok"
    assert backend.headers["x-a"] == "1"
    # What is not there any more is not there.
    assert call({**planned, "revision": "gone"})["statusCode"] == 404


def test_a_head_request_gets_no_body(backend: Backend) -> None:
    assert call({"jwt": "none", "fault": "404", "status": 404}, "HEAD")["body"] == ""


def test_a_preflight_gets_the_gateways_default(backend: Backend) -> None:
    decision = passed(backend, preflight="true", verbs="GET,OPTIONS")
    answer = call(decision, "OPTIONS", headers={"origin": "https://shop.example"})
    assert answer["statusCode"] == 204
    assert answer["headers"]["access-control-allow-origin"] == "*"
    assert answer["headers"]["access-control-allow-methods"] == "GET, OPTIONS"
    assert "authorization" in answer["headers"]["access-control-allow-headers"]
    assert backend.requests == []


OWN = json.dumps(
    {
        "enabled": True,
        "allow_origins": ["https://shop.example"],
        "allow_credentials": True,
        "allow_headers": ["x-a"],
        "allow_methods": ["GET"],
    }
)


def test_a_preflight_gets_the_apis_own_settings(backend: Backend) -> None:
    decision = passed(backend, preflight="true", verbs="GET,OPTIONS,POST", cors=OWN)
    headers = call(decision, "OPTIONS", headers={"origin": "https://shop.example"})["headers"]
    assert headers["access-control-allow-origin"] == "https://shop.example"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-allow-methods"] == "GET"
    assert headers["access-control-allow-headers"] == "x-a"
    other = call(decision, "OPTIONS", headers={"origin": "https://evil.example"})["headers"]
    assert "access-control-allow-origin" not in other


def test_answers_and_faults_can_be_read_across_origins(backend: Backend) -> None:
    origin = {"origin": "https://shop.example"}
    assert call(passed(backend), headers=origin)["headers"]["access-control-allow-origin"] == "*"
    fault = {"jwt": "none", "fault": "900901", "status": 401, "cors": OWN}
    assert call(fault, headers=origin)["headers"]["access-control-allow-origin"] == origin["origin"]
    assert "access-control-allow-origin" not in call(passed(backend))["headers"]


def test_a_wildcard_never_allows_credentials(backend: Backend) -> None:
    cors = json.dumps({"enabled": True, "allow_origins": ["*"], "allow_credentials": True})
    decision = passed(backend, preflight="true", verbs="GET", cors=cors)
    headers = call(decision, "OPTIONS", headers={"origin": "https://evil.example"})["headers"]
    assert "access-control-allow-credentials" not in headers
