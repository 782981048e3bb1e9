"""The search language: prefixes, wildcards, quotes, and texts that were written to break it."""

import time

import pytest

from portico.domain.api import ApiCard
from portico.domain.errors import InvalidInput
from portico.domain.query import MAX_QUERY, Query

CARD = ApiCard(
    tenant="carbon.super",
    id="1",
    name="PizzaShack",
    version="1.0.0",
    context="/pizza",
    provider="paula",
    state="PUBLISHED",
    description="Orders [hot] pizzas",
    tags=("food", "italian"),
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "pizza",
        "PIZZA",
        "name:shack",
        "name:pi*ack",
        'name:"pizzashack"',
        '"PizzaShack"',
        "version:1.0",
        "context:/pizza provider:paula",
        "tag:food tags:ITALIAN",
        "tag:it*",
        "status:published",
        "type:http",
        "description:[hot]",
        "food italian",
    ],
)
def test_found(text: str) -> None:
    assert Query.parse(text).matches(CARD)


@pytest.mark.parametrize(
    "text",
    [
        "sushi",
        "name:food",
        'name:"pizza"',
        "version:2",
        "tag:foo",
        "tag:food tag:french",
        "status:PUBLISH",
        "name:[p]izza",
        "name:pizz?shack",
        "context:/sushi provider:paula",
    ],
)
def test_not_found(text: str) -> None:
    assert not Query.parse(text).matches(CARD)


@pytest.mark.parametrize("text", ["colour:red", "name:pizza colour:red", "Name:pizza"])
def test_an_unknown_prefix_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="unknown prefix"):
        Query.parse(text)


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer than"):
        Query.parse("a" * (MAX_QUERY + 1))


@pytest.mark.parametrize("text", ["*a" * 499 + "b", '"' * MAX_QUERY, ":" * MAX_QUERY])
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    card = ApiCard(**{**vars(CARD), "description": "a" * 20_000})
    before = time.process_time()
    Query.parse(text).matches(card)
    assert time.process_time() - before < 2
