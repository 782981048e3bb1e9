"""Answers made from definitions: given examples first, then schemas, and never without end."""

import json
from typing import Any

import pytest

from portico.services.definitions.examples import MAX_ANSWER, answers


def operation(**response: Any) -> dict[str, Any]:
    return {"paths": {"/menu": {"get": {"responses": {"200": response}}}}}


def body(document: dict[str, Any]) -> Any:
    return json.loads(answers(document)["GET /menu"][2])


def schema(wanted: dict[str, Any], **components: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": wanted}}
    return {**operation(content=content), "components": {"schemas": components}}


def test_a_given_example_wins_over_the_schema() -> None:
    media = {"schema": {"type": "string"}, "example": {"pizza": "Funghi"}}
    found = answers(operation(content={"application/json": media}))
    assert found == {"GET /menu": [200, "application/json", '{"pizza": "Funghi"}']}


def test_the_first_of_several_examples_also_by_reference() -> None:
    media = {"examples": {"one": {"$ref": "#/components/examples/one"}, "two": {"value": 2}}}
    document = operation(content={"application/json": media})
    document["components"] = {"examples": {"one": {"value": [1]}}}
    assert body(document) == [1]


def test_swagger_2_has_examples_by_kind() -> None:
    found = answers({"swagger": "2.0", **operation(examples={"text/plain": "soup"})})
    assert found == {"GET /menu": [200, "text/plain", "soup"]}


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 0}),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, ["2026-01-01"]),
        ({"allOf": [{"properties": {"a": {"example": 1}}}, {"properties": {"b": {"const": 2}}}]},
         {"a": 1, "b": 2}),
        ({"oneOf": [{"enum": ["x", "y"]}, {"type": "null"}]}, "x"),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "number", "minimum": 3}, 3),
        ({"$ref": "https://elsewhere.example/schema.json"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_schema_gives_a_value(wanted: dict[str, Any], made: Any) -> None:
    assert body(schema(wanted)) == made


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    node = {"properties": {"left": {"$ref": "#/components/schemas/N"},
                           "right": {"$ref": "#/components/schemas/N"}}}  # fmt: skip
    assert "left" in body(schema({"$ref": "#/components/schemas/N"}, N=node))
    loop = {"$ref": "#/components/schemas/L"}
    assert body(schema(loop, L=loop)) is None


@pytest.mark.parametrize(
    ("responses", "status"),
    [
        ({"404": {}, "204": {}}, 204),
        ({"201": {}, "200": {}}, 200),
        ({"default": {}}, 200),
        ({"2XX": {}}, 200),
    ],
)
def test_the_plainest_success_is_told(responses: dict[str, Any], status: int) -> None:
    found = answers({"paths": {"/menu": {"get": {"responses": responses}}}})
    assert found["GET /menu"] == [status, "", ""]


def test_what_describes_no_success_or_too_much_is_left_out() -> None:
    assert answers({"paths": {"/menu": {"get": {"responses": {"500": {}}}}}}) == {}
    assert answers({"paths": {"/menu": {"get": {}}}}) == {}
    assert answers({"paths": None}) == {}
    media = {"application/json": {"example": "x" * MAX_ANSWER}}
    assert answers(operation(content=media)) == {}
