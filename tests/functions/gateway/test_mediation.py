"""Header and query rules: WSO2's common policies and their renames."""

from collections.abc import Iterator
from typing import Any

import pytest

from portico.domain.errors import InvalidInput
from tests.functions.gateway.backend import Backend, running
from tests.functions.gateway.planned import Shop, one
from tests.functions.gateway.test_forward import answering


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


def policy(name: str, **parameters: Any) -> dict[str, Any]:
    return {"policyName": name, "policyVersion": "v1", "parameters": parameters}


def selling(shop: Shop, backend: Backend, policies: Any, operation: Any = None) -> dict[str, Any]:
    operations = [
        {"target": "/menu", "verb": verb, "operationPolicies": operation}
        for verb in ("GET", "POST")
    ]
    shown = shop.create(
        endpointConfig=one(backend.url),
        apiPolicies=policies,
        operations=[*operations, {"target": "/plain", "verb": "GET"}],
    )
    shop.deploy()
    return shown


@pytest.mark.parametrize(
    ("rule", "line", "headers"),
    [
        (policy("addHeader", headerName="X-B", headerValue="new"), "", {"x-b": "new"}),
        (policy("addHeader", headerName="X-A", headerValue="new"), "", {"x-a": "new"}),
        (policy("removeHeader", headerName="X-A"), "", {"x-a": None}),
        (
            policy("renameHeader", headerName="x-a", newHeaderName="X-C"),
            "",
            {"x-a": None, "x-c": "old"},
        ),
        (policy("renameHeader", headerName="x-z", newHeaderName="x-y"), "", {"x-y": None}),
        (
            policy("addQueryParam", paramKey="k y", paramValue="v&ü"),
            "GET /menu?a=1&b=%2f&a=2&k%20y=v%26%C3%BC",
            {},
        ),
        (policy("addQueryParam", paramKey="a", paramValue="3"), "GET /menu?b=%2f&a=3", {}),
        (policy("removeQueryParam", paramKey="a"), "GET /menu?b=%2f", {}),
        (
            policy("renameQueryParam", paramKey="a", newParamKey="c"),
            "GET /menu?c=1&b=%2f&c=2",
            {},
        ),
        (policy("rewriteHTTPMethod", currentMethod="GET", updatedMethod="PUT"), "PUT /menu?", {}),
        (
            policy("rewriteResourcePath", newResourcePath="/v2/ü"),
            "GET /v2/%C3%BC?a=1&b=%2f&a=2",
            {},
        ),
    ],
    ids=lambda value: value.get("policyName", "") if isinstance(value, dict) else "",
)
def test_a_request_is_changed(
    shop: Shop,
    backend: Backend,
    rule: dict[str, Any],
    line: str,
    headers: dict[str, str | None],
) -> None:
    selling(shop, backend, {"request": [rule]})
    shop.call(query="a=1&b=%2f&a=2", headers={"X-A": "old"})
    assert backend.line.startswith(line or "GET /menu?a=1&b=%2f&a=2 ")
    for name, value in headers.items():
        assert backend.headers.get(name) == value


def test_an_answer_is_changed(shop: Shop, backend: Backend) -> None:
    rules = [
        policy("addHeader", headerName="X-New", headerValue="1"),
        policy("removeHeader", headerName="Server"),
        policy("renameHeader", headerName="X-Old", newHeaderName="X-Renamed"),
    ]
    selling(shop, backend, {"response": rules})
    backend.behave = answering("200 OK\r\nServer: secret/1.0\r\nX-Old: 2")
    assert shop.call().headers == {"x-new": "1", "x-renamed": "2"}


def test_an_operations_rules_come_after_the_apis_and_before_them_on_the_way_back(
    shop: Shop, backend: Backend
) -> None:
    def both(value: str) -> dict[str, Any]:
        rule = policy("addHeader", headerName="X-Who", headerValue=value)
        return {"request": [rule], "response": [rule]}

    shown = selling(shop, backend, both("api"), both("operation"))
    assert shown["apiPolicies"] == both("api")
    operations = {f"{one['verb']} {one['target']}": one for one in shown["operations"]}
    assert operations["GET /menu"]["operationPolicies"] == {**both("operation"), "fault": []}
    assert operations["GET /plain"]["operationPolicies"]["request"] == []
    answer = shop.call()
    assert (backend.headers["x-who"], answer.headers["x-who"]) == ("operation", "api")
    shop.call(path="/plain")
    assert backend.headers["x-who"] == "api"


def test_rules_go_when_the_operations_come_without_them(shop: Shop, backend: Backend) -> None:
    rule = {"request": [policy("removeHeader", headerName="x-a")]}
    selling(shop, backend, None, rule)
    shown = shop.update(operations=[{"target": "/menu", "verb": "GET"}])
    assert shown["operations"][0]["operationPolicies"]["request"] == []


def test_the_assertion_is_not_a_rules_to_change(shop: Shop, backend: Backend) -> None:
    """Nor by a rename, nor in a spelling that CGI reads alike."""
    for name in ("X-JWT-Assertion", "x_jwt_assertion", "Host", "Content-Length", "X-Forwarded-For"):
        for rule in (
            policy("addHeader", headerName=name, headerValue="1"),
            policy("renameHeader", headerName="x-a", newHeaderName=name),
        ):
            with pytest.raises(InvalidInput, match="does not keep to itself"):
                shop.create(endpointConfig=one(backend.url), apiPolicies={"request": [rule]})


@pytest.mark.parametrize(
    ("policies", "field"),
    [
        ({"fault": [policy("addHeader", headerName="a", headerValue="b")]}, "apiPolicies.fault"),
        ({"request": [policy("jsonToXML")]}, "request.0.policyName"),
        ({"request": [{"policyName": "x" * 50}]}, "request.0.policyName"),
        ({"response": [policy("addQueryParam", paramKey="a")]}, "response.0.policyName"),
        ({"request": [policy("addHeader", headerName="a b", headerValue="")]}, "headerName"),
        (
            {"request": [policy("addHeader", headerName="a", headerValue="b\r\nc: d")]},
            "headerValue",
        ),
        ({"request": [policy("addHeader", headerName="a", headerValue=7)]}, "headerValue"),
        ({"request": [policy("removeQueryParam", paramKey="")]}, "paramKey"),
        ({"request": [policy("rewriteHTTPMethod", updatedMethod="GO")]}, "updatedMethod"),
        ({"request": [policy("rewriteResourcePath", newResourcePath="/../a")]}, "newResourcePath"),
        ({"request": [policy("rewriteResourcePath", newResourcePath="//evil")]}, "newResourcePath"),
        ({"request": [policy("rewriteResourcePath", newResourcePath="/a/{b}")]}, "newResourcePath"),
        ({"request": [policy("rewriteResourcePath", newResourcePath="@evil")]}, "newResourcePath"),
        ({"request": [policy("removeHeader", headerName="a")] * 51}, "apiPolicies.request"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    shop: Shop, policies: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        shop.create(endpointConfig=one("https://pizza.example"), apiPolicies=policies)
    assert field in str(caught.value)
