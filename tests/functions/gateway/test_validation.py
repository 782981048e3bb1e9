"""Requests that do not fit the definition are told what is wrong; all others pass."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.gateway.faults import answer
from functions.gateway.requests import Outgoing
from portico.domain.errors import InvalidInput
from tests.functions.gateway.backend import Backend, running
from tests.functions.gateway.planned import Shop, one

MENU = {
    "openapi": "3.0.1",
    "info": {"title": "Pizza", "version": "1.0.0"},
    "paths": {
        "/menu/{size}": {
            "parameters": [
                {"name": "size", "in": "path", "required": True, "schema": {"type": "integer"}}
            ],
            "get": {
                "parameters": [
                    {"$ref": "#/components/parameters/Limit"},
                    {
                        "name": "tags",
                        "in": "query",
                        "schema": {"type": "array", "items": {"enum": ["hot", "veg"]}},
                    },
                    {
                        "name": "ids",
                        "in": "query",
                        "explode": False,
                        "schema": {"type": "array", "maxItems": 2, "items": {"type": "integer"}},
                    },
                    {
                        "name": "X-Since",
                        "in": "header",
                        "schema": {"type": "string", "format": "date"},
                    },
                    {"name": "Accept", "in": "header", "required": True, "schema": {}},
                ],
                "responses": {"200": {"description": "ok"}},
            },
        },
        "/order": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
                        "text/csv": {"schema": {"type": "string"}},
                    },
                },
                "responses": {"201": {"description": "ok"}},
            }
        },
        "/free": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
    "components": {
        "parameters": {
            "Limit": {
                "name": "limit",
                "in": "query",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            }
        },
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["item"],
                "additionalProperties": False,
                "properties": {
                    "item": {"type": "string", "maxLength": 10},
                    "note": {"type": "string", "nullable": True},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
                },
            }
        },
    },
}
OLD = {
    "swagger": "2.0",
    "info": {"title": "Pizza", "version": "1.0.0"},
    "consumes": ["application/json"],
    "paths": {
        "/order": {
            "post": {
                "parameters": [
                    {"name": "n", "in": "query", "type": "integer", "maximum": 9},
                    {
                        "name": "body",
                        "in": "body",
                        "required": True,
                        "schema": {"$ref": "#/definitions/Order"},
                    },
                ],
                "responses": {"201": {"description": "ok"}},
            }
        }
    },
    "definitions": {
        "Order": {
            "type": "object",
            "required": ["item"],
            "properties": {"item": {"type": "string"}},
        }
    },
}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


def selling(backend: Backend, definition: dict[str, Any] = MENU) -> Shop:
    shop = Shop()
    shop.create(definition, endpointConfig=one(backend.url), enableSchemaValidation=True)
    shop.deploy()
    return shop


def order(value: Any, **more: Any) -> dict[str, Any]:
    text = value if isinstance(value, str) else json.dumps(value)
    kind = {"content-type": "application/json; charset=utf-8"}
    return {"method": "POST", "path": "/order", "body": text, "headers": kind, **more}


@pytest.mark.parametrize(
    "call",
    [
        {"path": "/menu/7", "query": "limit=1"},
        {"path": "/menu/-7/", "query": "limit=01&unknown=x"},
        {"path": "/menu/7", "query": "%6Cimit=5&tags=hot&tags=veg&ids=1,2"},
        {"path": "/menu/7", "query": "limit=5", "headers": {"X-SINCE": "2026-01-31"}},
        {"path": "/free", "query": "anything=x"},
        order({"item": "funghi", "note": None, "parts": [{"item": "a"}]}),
        order("a,b", headers={"content-type": "text/csv"}),
    ],
)
def test_what_fits_passes(backend: Backend, call: dict[str, Any]) -> None:
    shop = selling(backend)
    assert shop.call(**call).status == 200
    shop.close()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"path": "/menu/x", "query": "limit=1"}, "path parameter 'size': 'x' is not of type"),
        ({"path": "/menu/7"}, "query parameter 'limit' is missing"),
        ({"path": "/menu/7", "query": "limit=0"}, "query parameter 'limit': 0 is less than"),
        ({"path": "/menu/7", "query": "limit=1e3"}, "query parameter 'limit': '1e3' is not of"),
        ({"path": "/menu/7", "query": "limit=1&tags=hot&tags=x"}, "query parameter 'tags': 1: 'x'"),
        ({"path": "/menu/7", "query": "limit=1&ids=1,2,3"}, "query parameter 'ids': [1, 2, 3]"),
        (
            {"path": "/menu/7", "query": "limit=1", "headers": {"x-since": "soon"}},
            "header parameter 'X-Since': 'soon' is not a 'date'",
        ),
        (order(""), "body: is missing"),
        (order("{"), "body: is not JSON"),
        (order("[" * 100_000), "body: is not JSON"),
        (order('{"item": "a", "note": NaN}'), "body: is not JSON"),
        (order({}), "body: 'item' is a required property"),
        (order({"item": "funghi", "extra": 1}), "body: Additional properties are not allowed"),
        (order({"item": 7}), "body: item: 7 is not of type 'string'"),
        (order({"item": "a", "parts": [{"item": "b" * 11}]}), "body: parts.0.item:"),
        (order("a", headers={"content-type": "text/html"}), "body: the media type must be"),
        (order("a", headers={}), "body: the media type must be"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_called(
    backend: Backend, call: dict[str, Any], told: str
) -> None:
    shop = selling(backend)
    fault = shop.fault(**call)
    assert fault.startswith("400 Schema validation failed in the Request: ")
    assert told in fault
    assert backend.requests == []
    shop.close()


def gzipped(content: bytes, coding: str = "gzip") -> Outgoing:
    headers = {"content-type": "application/json", "content-encoding": coding}
    return Outgoing("POST", "/order", "", headers, content)


BAD = gzip.compress(b"{}")
GOOD = gzip.compress(b'{"item": "funghi"}')


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (gzipped(GOOD), ""),
        (gzipped(GOOD, "GZIP"), ""),
        (gzipped(BAD), "'item' is a required property"),
        (gzipped(GOOD + BAD), "not one whole gzip member"),
        (gzipped(GOOD[:-9]), "not one whole gzip member"),
        (gzipped(gzip.compress(b" " * 30_000_000)), "too large"),
        (gzipped(b"{}"), "is not gzip"),
        (gzipped(b"{}", "br"), "the content coding 'br' cannot be checked"),
        (gzipped(GOOD, "gzip, gzip"), "cannot be checked"),
    ],
)
def test_a_content_coding_is_no_way_round(backend: Backend, request_: Outgoing, told: str) -> None:
    shop = selling(backend)
    plan = shop.plans.of(shop.decide("POST", "/order"))
    assert plan
    assert plan.validator
    found = "; ".join(plan.validator.problems("POST /order", request_))
    assert told in found
    assert bool(found) == bool(told)
    shop.close()


def test_a_definition_of_swagger_2(backend: Backend) -> None:
    shop = selling(backend, OLD)
    assert shop.call(**order({"item": "funghi"}, query="n=9")).status == 200
    assert "'item' is a required property" in shop.fault(**order({}))
    assert "10 is greater than" in shop.fault(**order({"item": "a"}, query="n=10"))
    shop.close()


def test_a_schema_is_compiled_once(backend: Backend) -> None:
    shop = selling(backend)
    shop.call(path="/menu/7", query="limit=1")
    plan = shop.plans.of(shop.decide("GET", "/menu/7"))
    assert plan
    assert plan.validator
    first = plan.validator._operations["GET /menu/{size}"]
    shop.call(path="/menu/8", query="limit=2")
    assert plan.validator._operations["GET /menu/{size}"] is first
    shop.close()


def test_a_reference_leads_nowhere_outside(backend: Backend) -> None:
    elsewhere = json.loads(json.dumps(MENU))
    order_ = elsewhere["components"]["schemas"]["Order"]
    order_["properties"]["item"] = {"$ref": f"{backend.url}/schema.json"}
    with pytest.raises(InvalidInput):
        selling(backend, elsewhere)
    assert backend.requests == []


def test_many_problems_are_cut_short(backend: Backend) -> None:
    shop = selling(backend)
    parts = [{"item": 7, "note": "x" * 5000} for _ in range(1000)]
    fault = shop.fault(**order({"item": "x" * 100_000, "parts": parts}))
    assert len(fault) < 2000
    shop.close()


def test_the_answer_is_wso2s() -> None:
    decision = {"fault": "400", "told": "Schema validation failed in the Request: <body>"}
    status, _, body = answer(decision, "")
    assert status == 400
    assert json.loads(body) == {
        "code": "400",
        "message": "Bad Request",
        "description": "Schema validation failed in the Request: <body>",
    }
    assert "&lt;body&gt;" in answer(decision, "text/xml")[2]
