"""A pizza shop as demo back end: answers orders and tells what it received.

`python -m tools.local.backend 8290`. Every answer is JSON with what the shop received under
`_received`; `?delay=<seconds>` makes it slow, `?status=<code>` makes it answer so. In memory only.
"""

from __future__ import annotations

import base64
import itertools
import json
import logging
import re
import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs, unquote

from tools.local.exchange import Request, Response
from tools.local.lifetime import end_with_parent
from tools.local.serving import Server

MENU = [
    {"name": "Margherita", "price": 8.5, "vegetarian": True},
    {"name": "Funghi", "price": 9.5, "vegetarian": True},
    {"name": "Diavola", "price": 11.0, "vegetarian": False},
]
MAX_DELAY_SECONDS = 120.0


class Shop:
    """Answers requests; orders live as long as the process."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        query = parse_qs(request.query, keep_blank_values=True)
        delay = query.get("delay", ["0"])[0]
        if re.fullmatch(r"\d+(\.\d+)?", delay):
            time.sleep(min(float(delay), MAX_DELAY_SECONDS))
        status, content, headers = self._serve(request, unquote(request.path).rstrip("/") or "/")
        wanted = query.get("status", [""])[0]
        if re.fullmatch(r"[2-5]\d\d", wanted):
            status = int(wanted)
        content["_received"] = received(request, query)
        body = json.dumps(content, indent=2).encode()
        return Response(status, [("Content-Type", "application/json"), *headers], body)

    def _serve(
        self, request: Request, path: str
    ) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        extra = [("X-Pizza-Shop", "demo")]
        found = re.fullmatch(r"/order/([^/]+)(/delivery)?", path)
        if path == "/menu" and request.method in ("GET", "HEAD"):
            meatless = parse_qs(request.query).get("vegetarian") == ["true"]
            return 200, {"pizzas": [p for p in MENU if p["vegetarian"] or not meatless]}, extra
        if path == "/order" and request.method == "POST":
            return self._order(request, extra)
        if path == "/order" and request.method in ("GET", "HEAD"):
            with self._lock:
                return 200, {"orders": list(self._orders.values())}, extra
        if found:
            return self._one(request, found[1], bool(found[2]), extra)
        if path.startswith("/echo"):
            return 200, {"path": path}, extra
        return 404, {"error": f"The shop has no {path}"}, extra

    def _order(
        self, request: Request, extra: list[tuple[str, str]]
    ) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        try:
            wanted = json.loads(request.body)
            pizza, quantity = wanted["pizza"], int(wanted.get("quantity", 1))
        except (ValueError, KeyError, TypeError):
            return 400, {"error": "An order is JSON with pizza and quantity"}, extra
        if pizza not in [item["name"] for item in MENU]:
            return 400, {"error": f"There is no pizza {pizza!r} on the menu"}, extra
        with self._lock:
            number = str(next(self._numbers))
            order = {"id": number, "pizza": pizza, "quantity": quantity, "state": "baking"}
            self._orders[number] = order
        return 201, dict(order), [*extra, ("Location", f"/order/{number}")]

    def _one(
        self, request: Request, number: str, delivery: bool, extra: list[tuple[str, str]]
    ) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        with self._lock:
            order = self._orders.get(number)
            if order is None:
                return 404, {"error": f"There is no order {number}"}, extra
            if request.method == "DELETE" and not delivery:
                del self._orders[number]
                return 200, {"id": number, "state": "cancelled"}, extra
            if delivery:
                return 200, {"id": number, "minutes": 25, "courier": "bicycle"}, extra
            return 200, dict(order), extra


def received(request: Request, query: dict[str, list[str]]) -> dict[str, Any]:
    """The request as JSON: header names in lower case; of repeated ones the values joined."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    try:
        body, encoded = request.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(request.body).decode(), True
    return {
        "method": request.method,
        "path": request.path,
        "query": query,
        "headers": headers,
        "body": body,
        "bodyIsBase64": encoded,
    }


def main() -> None:
    logging.basicConfig()
    end_with_parent()
    Server(int(sys.argv[1]), Shop().answer).serve_forever()


if __name__ == "__main__":
    main()
