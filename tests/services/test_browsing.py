"""What the store shows: visibility, and definitions that say nothing of the back end."""

import json
from typing import Any

import pytest

from portico.domain.api import Api, card_of
from portico.domain.errors import NotFound, Unavailable
from portico.domain.records import Put
from portico.domain.user import Caller
from portico.services.browsing import Browsing, served, visible
from tests.fakes import FakeDocuments, FakeRecords

TENANT = "carbon.super"
ANYBODY = Caller(TENANT, "")
URL = "https://gateway.example/pizza/1.0.0"


def api(**more: Any) -> Api:
    known: dict[str, Any] = {
        "tenant": TENANT,
        "id": "pizza",
        "name": "Pizza",
        "version": "1.0.0",
        "context": "/pizza",
        "provider": "paula",
        "state": "PUBLISHED",
    }
    return Api(**known | more)


@pytest.mark.parametrize(
    ("more", "caller", "expected"),
    [
        ({}, ANYBODY, True),
        ({}, Caller("acme.com", "jane"), True),
        ({"state": "PROTOTYPED"}, ANYBODY, True),
        ({"state": "DEPRECATED"}, Caller(TENANT, "jane", ("admin",)), False),
        ({"state": "CUSTOM"}, ANYBODY, False),
        ({"visibility": "PRIVATE"}, ANYBODY, False),
        ({"visibility": "PRIVATE"}, Caller("acme.com", "jane"), False),
        ({"visibility": "PRIVATE"}, Caller(TENANT, "jane"), True),
        ({"visibility": "RESTRICTED", "visible_roles": ("a",)}, Caller(TENANT, "jane"), False),
        (
            {"visibility": "RESTRICTED", "visible_roles": ("a",)},
            Caller("acme.com", "jane", ("a",)),
            False,
        ),
        (
            {"visibility": "RESTRICTED", "visible_roles": ("a", "b")},
            Caller(TENANT, "jane", ("b",)),
            True,
        ),
        (
            {"visibility": "RESTRICTED", "visible_roles": ("Internal/everyone",)},
            Caller(TENANT, "jane"),
            True,
        ),
        ({"visibility": "RESTRICTED"}, Caller(TENANT, "jane"), False),
        ({"visibility": "CONTROLLED"}, Caller(TENANT, "jane"), False),
    ],
)
def test_who_sees_an_api(more: dict[str, Any], caller: Caller, expected: bool) -> None:
    assert visible(api(**more), caller) is expected
    assert visible(card_of(api(**more)), caller) is expected


def test_servers_of_openapi_3_are_the_gateway_on_all_three_levels() -> None:
    other = [{"url": "https://backend.example"}]
    document = {
        "openapi": "3.1.0",
        "servers": other,
        "x-wso2-production-endpoints": {"urls": ["https://backend.example"]},
        "paths": {
            "/menu": {
                "servers": other,
                "parameters": [{"name": "servers", "in": "query"}],
                "get": {"servers": other, "x-wso2-application-security": {}, "responses": {}},
            }
        },
    }
    shown = served(document, URL)
    assert shown["servers"] == [{"url": URL}]
    assert "backend" not in json.dumps(shown)
    assert shown["paths"]["/menu"]["parameters"] == [{"name": "servers", "in": "query"}]
    assert shown["paths"]["/menu"]["get"] == {"responses": {}}


def test_host_and_path_of_swagger_2_are_the_gateways() -> None:
    document = {
        "swagger": "2.0",
        "host": "backend.example",
        "basePath": "/secret",
        "schemes": ["http"],
        "paths": {"/menu": {"get": {"schemes": ["ws"], "responses": {}}}},
    }
    shown = served(document, URL)
    assert (shown["host"], shown["basePath"]) == ("gateway.example", "/pizza/1.0.0")
    assert shown["schemes"] == ["https"]
    assert shown["paths"]["/menu"]["get"] == {"responses": {}}


@pytest.mark.parametrize("paths", [None, {}, {"/a": None, "/b": {"get": None}}])
def test_odd_paths_do_no_harm(paths: Any) -> None:
    assert served({"openapi": "3.0.0", "paths": paths}, URL)["servers"] == [{"url": URL}]


@pytest.mark.parametrize(
    "content",
    [b'{"openapi": "3.0.3", "paths": {}}', b"openapi: 3.0.3\npaths: {}\n"],
    ids=["JSON", "YAML"],
)
def test_a_definition_is_read_from_either_form(content: bytes) -> None:
    browsing = stored(api(definition_key="d"), {"d": content})
    assert browsing.definition(ANYBODY, TENANT, "pizza") == {
        "openapi": "3.0.3",
        "paths": {},
        "servers": [{"url": URL}],
    }


@pytest.mark.parametrize("content", [b"[1]", b"{", b"a: !!python/object:os.system []"])
def test_a_broken_definition_is_no_definition(content: bytes) -> None:
    with pytest.raises(Unavailable):
        stored(api(definition_key="d"), {"d": content}).definition(ANYBODY, TENANT, "pizza")


@pytest.mark.parametrize("key", ["", "lost"])
def test_a_missing_definition_is_not_found(key: str) -> None:
    with pytest.raises(NotFound, match="definition"):
        stored(api(definition_key=key), {}).definition(ANYBODY, TENANT, "pizza")


def stored(known: Api, documents: dict[str, bytes]) -> Browsing:
    records = FakeRecords()
    records.commit(Put(known), Put(card_of(known)))
    return Browsing(records, FakeDocuments(documents), "https://gateway.example")
