"""API definitions of three families: what they say of an API, and how they are written back."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portico.domain.api import Api, Resource, Scope
from portico.domain.errors import InvalidInput
from portico.services.definitions import reading, rules, texts, writing
from portico.services.definitions.reading import Definition

DATA = Path(__file__).parents[2] / "data" / "definitions"
FILES = ("shop-2.0.yaml", "shop-3.0.yaml", "shop-3.1.json")


def shop(name: str) -> Definition:
    return reading.read((DATA / name).read_bytes())


def minimal(**fields: Any) -> bytes:
    usual = {"openapi": "3.0.1", "info": {"title": "A", "version": "1"}, "paths": {}}
    return json.dumps({**usual, **fields}).encode()


def test_an_openapi_3_0_file() -> None:
    found = shop("shop-3.0.yaml")
    assert (found.family, found.specification) == ("3.0", "3.0.1")
    assert (found.title, found.version, found.context) == ("Pizza Shop", "1.2.0", "/shop")
    assert found.endpoints == ("https://backend.example.com/live",)
    assert found.tags == ("food",)
    assert found.resources == (
        Resource("/menu", "GET", "None", (), "10KPerMin"),
        Resource("/orders/{id}", "GET", "Application User", ("shop:read",)),
        Resource("/orders/{id}", "DELETE", scopes=("shop:write", "shop:admin")),
    )
    scopes = {scope.name: scope for scope in found.scopes}
    assert scopes["shop:write"].roles == ("admin", "Internal/creator")
    assert scopes["shop:write"].description == "Order"
    assert "shop:admin" in scopes  # used, though not declared
    assert "other:scope" not in scopes  # the back end's own


def test_an_openapi_3_1_file() -> None:
    found = shop("shop-3.1.json")
    assert (found.family, found.context, found.endpoints) == ("3.1", "/shop", ())
    assert found.resources == (Resource("/menu", "GET"),)


def test_a_swagger_2_0_file() -> None:
    found = shop("shop-2.0.yaml")
    assert (found.family, found.context) == ("2.0", "/shop")
    assert found.endpoints == (
        "https://backend.example.com/shop",
        "http://backend.example.com/shop",
    )
    assert [resource.scopes for resource in found.resources] == [("shop:read",), ("shop:write",)]
    scopes = {scope.name: scope for scope in found.scopes}
    assert scopes["shop:read"] == Scope("shop:read", "Read", "Look", ("admin", "Internal/everyone"))


@pytest.mark.parametrize("name", FILES)
def test_a_definition_with_the_apis_resources_says_the_same_again(name: str) -> None:
    found = shop(name)
    written = reading.read(texts.dump(writing.reflect(found.document, api_of(found))))
    assert written.resources == found.resources
    # The scheme that is written has no place for what a scope is called.
    assert set(written.scopes) == {replace(one, display_name=one.name) for one in found.scopes}
    assert written.family == found.family


def api_of(found: Definition, **fields: Any) -> Api:
    values = {"resources": found.resources, "scopes": found.scopes, **fields}
    return Api(
        tenant="t", id="1", name="Shop", version="2", context="/store", provider="p", **values
    )


def test_the_definition_follows_the_apis_resources() -> None:
    found = shop("shop-3.0.yaml")
    kept, new = found.resources[0], Resource("/tables/{number}", "PUT", "None")
    written = writing.reflect(found.document, api_of(found, resources=(kept, new), scopes=()))
    assert list(written["paths"]) == ["/menu", "/tables/{number}"]
    assert written["paths"]["/menu"]["get"]["responses"]["200"]["description"] == "The menu"
    added = written["paths"]["/tables/{number}"]["put"]
    assert [one["name"] for one in added["parameters"]] == ["number"]
    assert added["security"] == []
    assert written["info"]["title"] == "Shop"
    assert written["info"]["version"] == "2"
    assert written["x-wso2-basePath"] == "/store/2"
    assert found.document["info"]["title"] == "Pizza Shop"  # the original is not touched


def test_an_api_without_definition_gets_one_that_is_valid() -> None:
    resources = (Resource("/*", "GET"), Resource("/a/{b}/{c}", "POST", scopes=("s",)))
    api = api_of(shop("shop-3.1.json"), resources=resources, scopes=(Scope("s"),))
    written = reading.read(texts.dump(writing.generate(api)))
    assert written.resources == resources
    assert written.scopes == (Scope("s", "s"),)


def test_no_address_of_a_back_end_is_written() -> None:
    api = api_of(shop("shop-3.1.json"), production_endpoint="https://secret.example.com")
    assert b"secret.example.com" not in texts.dump(writing.generate(api))


@pytest.mark.parametrize(
    ("content", "field"),
    [
        pytest.param(b'"text"', "definition", id="a-text"),
        pytest.param(b"[]", "definition", id="a-list"),
        pytest.param(b"{}", "openapi", id="neither"),
        pytest.param(minimal(openapi="4.0.0"), "openapi", id="unknown-version"),
        pytest.param(minimal(openapi=3), "openapi", id="version-number"),
        pytest.param(b'{"swagger": "1.2"}', "swagger", id="old-swagger"),
        pytest.param(minimal(info={"title": "A"}), "info", id="no-version"),
        pytest.param(minimal(info={"title": "A", "version": 1.0}), "info.version", id="number"),
        pytest.param(minimal(paths={"menu": {}}), "paths", id="path-without-slash"),
        pytest.param(minimal(paths=[]), "paths", id="paths-list"),
        pytest.param(minimal(paths={"/a": {"get": {}}}), "paths./a.get", id="no-responses"),
        pytest.param(
            minimal(paths={"/a": {"get": {"responses": {"200": {}}}}}),
            "paths./a.get.responses.200",
            id="no-description",
        ),
        pytest.param(
            minimal(
                paths={"/a": {"get": {"x-auth-type": "Maybe", "responses": {"200": {"$ref": "#"}}}}}
            ),
            "paths./a.get.x-auth-type",
            id="auth-type",
        ),
        pytest.param(
            minimal(components={"schemas": {"A": {"$ref": "#/components/schemas/B"}}}),
            "components.schemas.A",
            id="dangling-reference",
        ),
        pytest.param(
            minimal(components={"schemas": {"A": {"$ref": "file:///etc/passwd"}}}),
            "components.schemas.A",
            id="file-reference",
        ),
        pytest.param(
            minimal(components={"schemas": {"A": {"$ref": "http://127.0.0.1:1/x"}}}),
            "components.schemas.A",
            id="address-reference",
        ),
        pytest.param(
            minimal(components={"schemas": {"A": {"$ref": "other.yaml#/A"}}}),
            "components.schemas.A",
            id="other-file-reference",
        ),
        pytest.param(
            minimal(components={"schemas": {"A": {"$ref": "#/components/schemas/A"}}}),
            "components.schemas.A",
            id="reference-to-itself",
        ),
        pytest.param(
            minimal(
                components={
                    "schemas": {
                        "A": {"$ref": "#/components/schemas/B"},
                        "B": {"$ref": "#/components/schemas/C"},
                        "C": {"$ref": "#/components/schemas/A"},
                    }
                }
            ),
            "components.schemas.A",
            id="circle-of-references",
        ),
    ],
)
def test_a_definition_that_is_not_valid_names_the_place(content: bytes, field: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InvalidInput) as refused:
        reading.read(content)
    assert field in [problem.field for problem in refused.value.problems]
    assert "root:" not in str(refused.value)
    assert time.perf_counter() - start < 2


def parameter(name: str) -> dict[str, object]:
    return {"name": name, "in": "query", "schema": {"type": "string"}}


def test_chains_of_references_and_long_lists_take_linear_time() -> None:
    number = 5000
    chain: dict[str, object] = {
        f"A{n}": {"$ref": f"#/components/schemas/A{n + 1}"} for n in range(number)
    }
    operation = {
        "parameters": [parameter(f"p{n}") for n in range(number)],
        "responses": {"200": {"description": "ok"}},
    }
    start = time.perf_counter()
    assert reading.read(
        minimal(
            components={"schemas": {**chain, f"A{number}": {"type": "string"}}},
            paths={"/a": {"get": operation}},
        )
    )
    assert time.perf_counter() - start < 10


def test_a_parameter_given_twice_is_refused() -> None:
    operation = {
        "parameters": [parameter("a"), parameter("b"), parameter("a")],
        "responses": {"200": {"description": "ok"}},
    }
    with pytest.raises(InvalidInput, match="the same"):
        reading.read(minimal(paths={"/a": {"get": operation}}))


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    schemas = {f"A{n}": {"$ref": "#/components/schemas/None"} for n in range(1000)}
    with pytest.raises(InvalidInput) as refused:
        reading.read(minimal(components={"schemas": schemas}))
    assert len(refused.value.problems) == rules.MAX_PROBLEMS


def test_a_schema_that_holds_itself_is_fine_however_it_does() -> None:
    node = {"$ref": "#/components/schemas/Node"}
    schemas = {
        "Node": {"allOf": [{"type": "object", "properties": {"next": node}}, {"items": node}]},
        "Tree": {"oneOf": [node, {"$ref": "#/components/schemas/Tree2"}]},
        "Tree2": {"anyOf": [{"$ref": "#/components/schemas/Tree"}]},
    }
    assert reading.read(minimal(components={"schemas": schemas}))


def test_expressions_in_a_definition_are_never_run() -> None:
    slow = {"type": "string", "pattern": "^(a+)+$", "default": "a" * 40 + "!"}
    start = time.perf_counter()
    reading.read(minimal(components={"schemas": {"A": slow}}))
    assert time.perf_counter() - start < 2


def test_a_property_may_be_called_ref() -> None:
    schema = {"type": "object", "properties": {"$ref": {"type": "string"}}}
    assert reading.read(minimal(components={"schemas": {"A": schema}}))


def test_wso2s_own_definitions_are_read(wso2: Path) -> None:
    """WSO2's contracts and samples where they lie beside the checkout; else only our own files."""
    files = [DATA / name for name in FILES]
    if wso2.exists():
        files += [*wso2.glob("rest/*.yaml"), *wso2.glob("archives/**/swagger*.*")]
    for file in files:
        found = reading.read(file.read_bytes())
        assert found.title, file
        again = reading.read(texts.dump(writing.reflect(found.document, api_of(found))))
        assert set(again.resources) == set(found.resources), file


def test_reading_loads_neither_the_validator_nor_a_http_client() -> None:
    program = (
        "import sys; from portico.services.definitions import reading; "
        f"reading.read(open({str(DATA / FILES[0])!r}, 'rb').read()); "
        "print([m for m in ('openapi_spec_validator', 'requests', 'jsonschema_path') "
        "if m in sys.modules])"
    )
    path = str(Path(__file__).parents[3] / "layers" / "common")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": path},
    )
    assert done.stdout.strip() == "[]"


def test_an_operation_may_ask_for_all_of_its_scopes() -> None:
    def paths(value: Any) -> dict[str, Any]:
        secured = [{"default": ["a", "b"]}]
        operation = {"security": secured, "x-portico-scopes": value}
        return {"/x": {"get": {**operation, "responses": {"200": {"description": "OK"}}}}}

    found = reading.read(minimal(paths=paths("all")))
    assert found.resources == (Resource("/x", "GET", scopes=("a", "b"), every_scope=True),)
    document = writing.reflect(found.document, api_of(found))
    assert reading.read(texts.dump(document)).resources == found.resources
    one = replace(found.resources[0], every_scope=False)
    document = writing.reflect(found.document, api_of(found, resources=(one,)))
    assert reading.read(texts.dump(document)).resources == (one,)
    with pytest.raises(InvalidInput) as refused:
        reading.read(minimal(paths=paths("both")))
    assert refused.value.problems[0].field == "paths./x.get.x-portico-scopes"
