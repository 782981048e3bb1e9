"""Requests as Lambda events and answers as responses: payload format 2.0."""

import base64
from typing import Any

import pytest

from tools.local import exchange
from tools.local.exchange import MalformedAnswer, Request


def request(**changes: Any) -> Request:
    given: dict[str, Any] = {
        "method": "GET",
        "path": "/a%20b",
        "query": "",
        "headers": [("Host", "127.0.0.1:8280")],
        "body": b"",
        "source_ip": "127.0.0.1",
        "port": 8280,
    }
    return Request(**{**given, **changes})


def test_header_names_are_lower_case_and_repeated_ones_joined() -> None:
    headers = [
        ("Host", "h:1"),
        ("X-A", "1"),
        ("x-a", "2"),
        ("Cookie", "a=1; b=2"),
        ("cookie", "c=3"),
    ]
    event = exchange.event(request(headers=headers), "$default", "/", {})
    assert event["headers"]["x-a"] == "1,2"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert event["requestContext"]["domainName"] == "h:1"


def test_the_query_is_given_raw_and_decoded() -> None:
    event = exchange.event(request(query="a=1&a=2&b=%20&c="), "$default", "/", {})
    assert event["rawQueryString"] == "a=1&a=2&b=%20&c="
    assert event["queryStringParameters"] == {"a": "1,2", "b": " ", "c": ""}


def test_without_query_or_cookies_the_event_has_no_such_fields() -> None:
    event = exchange.event(request(), "$default", "/", {})
    assert not {"queryStringParameters", "cookies", "pathParameters", "body"} & event.keys()


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("application/json; charset=utf-8", b"{}", False),
        ("text/plain", "käse".encode(), False),
        ("application/vnd.a+json", b"{}", False),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("multipart/form-data; boundary=x", b"--x", True),
        ("application/octet-stream", b"\x00", True),
        ("application/json", b"\xff\xfe", True),
    ],
)
def test_only_text_reaches_a_function_as_text(kind: str, body: bytes, encoded: bool) -> None:
    event: dict[str, Any] = {}
    exchange.add_body(event, request(body=body, headers=[("content-type", kind)]))
    assert event["isBase64Encoded"] is encoded
    content = base64.b64decode(event["body"]) if encoded else event["body"].encode()
    assert content == body


def test_an_answer_without_status_is_the_body() -> None:
    response = exchange.response_of({"a": 1}, "text/plain")
    assert (response.status, response.body) == (200, b'{"a": 1}')
    assert ("Content-Type", "application/json") in response.headers


def test_cookies_become_headers_of_their_own() -> None:
    response = exchange.response_of({"statusCode": 200, "cookies": ["a=1", "b=2"]}, "text/plain")
    assert response.headers == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 99},
        {"statusCode": 200, "headers": "none"},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "isBase64Encoded": True, "body": "?"},
    ],
)
def test_a_malformed_answer_is_refused(answer: Any) -> None:
    with pytest.raises(MalformedAnswer):
        exchange.response_of(answer, "text/plain")
