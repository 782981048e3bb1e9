"""The demo back end and its description."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from tools.local.backend import Shop
from tools.local.exchange import Request

DEFINITION = Path(__file__).parents[2] / "tools" / "local" / "data" / "pizza-shop.yaml"


def ask(shop: Shop, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    path, _, query = path.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    response = shop.answer(
        Request(method, path, query, [("X-A", "1"), ("x-a", "2")], content, "127.0.0.1", 1)
    )
    return response.status, json.loads(response.body)


def test_an_order_can_be_placed_read_and_cancelled() -> None:
    shop = Shop()
    status, order = ask(shop, "POST", "/order", {"pizza": "Funghi", "quantity": 2})
    assert (status, order["state"], order["quantity"]) == (201, "baking", 2)
    path = f"/order/{order['id']}"
    assert ask(shop, "GET", path)[1]["pizza"] == "Funghi"
    assert ask(shop, "GET", f"{path}/delivery")[1]["courier"] == "bicycle"
    assert ask(shop, "DELETE", path)[1]["state"] == "cancelled"
    assert ask(shop, "GET", path)[0] == 404


@pytest.mark.parametrize(
    "body", [None, [], {"pizza": "Hawaii"}, {"pizza": "Funghi", "quantity": "x"}]
)
def test_a_bad_order_is_refused(body: Any) -> None:
    assert ask(Shop(), "POST", "/order", body)[0] == 400


def test_each_answer_tells_what_was_received() -> None:
    received = ask(Shop(), "GET", "/menu?a=1&a=2")[1]["_received"]
    assert received["query"] == {"a": ["1", "2"]}
    assert received["headers"] == {"x-a": "1, 2"}


def test_the_menu_can_be_without_meat() -> None:
    pizzas = ask(Shop(), "GET", "/menu?vegetarian=true")[1]["pizzas"]
    assert [pizza["name"] for pizza in pizzas] == ["Margherita", "Funghi"]


def test_it_can_be_told_to_fail() -> None:
    assert ask(Shop(), "GET", "/menu?status=503")[0] == 503
    assert ask(Shop(), "GET", "/menu?status=abc&delay=-1")[0] == 200


def test_the_description_is_valid_openapi_and_the_shop_knows_its_paths() -> None:
    document = yaml.safe_load(DEFINITION.read_text())
    validate(document)
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"get", "delete"}:
            shop = Shop()
            ask(shop, "POST", "/order", {"pizza": "Margherita"})
            assert ask(shop, method.upper(), path.replace("{id}", "1"))[0] == 200, (method, path)
