"""What may be added to a token response, and code of others for a limited time."""

import time
from typing import Any

import pytest

from functions.token.additions import checked
from portico.domain.errors import InvalidInput
from portico.domain.plugins import Extra
from portico.plugins.timed import TookTooLong, within


def test_headers_and_fields_are_taken_as_they_are() -> None:
    given = {"headers": {"X-JWT-Session": "a.b.c"}, "fields": {"cost": {"centre": [1, None]}}}
    assert checked(given) == Extra({"cost": {"centre": [1, None]}}, {"X-JWT-Session": "a.b.c"})
    assert checked({}) == Extra()


@pytest.mark.parametrize(
    "name",
    [
        *("", "X Name", "X-Name:", "X-Näme", "X-Name\r\nY", "X\0", "x" * 101),
        *("Set-Cookie", "set-cookie", "Content-Type", "CONTENT-LENGTH", "Cache-Control"),
        *("Connection", "Transfer-Encoding", "Keep-Alive", "Upgrade", "Trailer", "TE"),
        *("Proxy-Authenticate", "Access-Control-Allow-Origin", "Location", "WWW-Authenticate"),
    ],
)
def test_a_header_that_is_not_theirs_to_add_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        checked({"headers": {name: "value"}})


@pytest.mark.parametrize(
    "value",
    [
        *("a\r\nSet-Cookie: x=y", "a\nb", "a\rb", "a\0b", "a\x7f", "a\x85b", "a\u2028b", "ä"),
        *("", " a", "a ", "\t", "x" * 4097, 1, None, ["a"]),
    ],
)
def test_a_header_value_with_line_ends_or_controls_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        checked({"headers": {"X-Name": value}})


def test_headers_are_bounded_in_number_and_in_all() -> None:
    for headers in (
        {f"X-{number}": "a" for number in range(21)},
        {f"X-{number}": "a" * 4000 for number in range(2)},
        {"X-Name": "a", "x-name": "b"},
    ):
        with pytest.raises(InvalidInput):
            checked({"headers": headers})


@pytest.mark.parametrize(
    "name",
    [
        *("access_token", "token_type", "expires_in", "refresh_token", "id_token", "scope"),
        *("error", "error_description", "error_uri", "issued_token_type", ""),
    ],
)
def test_a_field_of_ours_is_never_replaced(name: str) -> None:
    with pytest.raises(InvalidInput):
        checked({"fields": {name: "mine"}})


@pytest.mark.parametrize(
    "fields", [[], "a", {1: 2}, {"a": object()}, {"a": float("nan")}, {"a": "x" * 17_000}]
)
def test_fields_must_be_json_of_a_bounded_size(fields: Any) -> None:
    with pytest.raises(InvalidInput):
        checked({"fields": fields})


@pytest.mark.parametrize("answer", [None, [], "a", {"headers": []}, {"status": 200}])
def test_what_is_no_answer_is_refused(answer: Any) -> None:
    with pytest.raises(InvalidInput):
        checked(answer)


def test_code_of_others_gets_no_more_than_its_time() -> None:
    assert within(1, lambda: 7) == 7
    began = time.monotonic()
    with pytest.raises(TookTooLong):
        within(0.05, lambda: time.sleep(0.5))
    assert time.monotonic() - began < 0.4


def test_code_that_hangs_again_and_again_is_not_begun_any_more() -> None:
    for _ in range(20):
        with pytest.raises(TookTooLong):
            within(0.01, lambda: time.sleep(1))
    with pytest.raises(TookTooLong, match="still run"):
        within(1, lambda: 7)
    time.sleep(1.2)
    assert within(1, lambda: 7) == 7
