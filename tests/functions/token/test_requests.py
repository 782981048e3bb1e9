"""Reading requests: whatever comes, parameters or an error of RFC 6749, never an exception."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.token.endpoints.credentials import basic
from functions.token.errors import OAuthError, TooLargeBody
from functions.token.requests import FORM, JSON, Request, is_text, request_of
from tests.functions.token.conftest import basic_header

TEXT = st.text(st.characters(codec="utf-8"), max_size=50)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def request(body: bytes, kind: str) -> Request:
    return Request("POST", "/oauth2/token", "carbon.super", {"content-type": kind}, body, "")


def read(request: Request) -> dict[str, str]:
    """The parameters, or none when the request is refused; every other exception is a fault."""
    try:
        return request.parameters()
    except OAuthError:
        return {}


@given(st.dictionaries(NAMES, TEXT, max_size=20))
def test_what_a_client_encodes_is_read_back(parameters: dict[str, str]) -> None:
    expected = {name: value for name, value in parameters.items() if value}

    if parameters:
        assert request(urlencode(parameters).encode(), FORM).parameters() == expected
    assert request(json.dumps(parameters).encode(), JSON).parameters() == expected


@given(st.binary(max_size=300), st.sampled_from([FORM, JSON, "text/plain", ""]))
def test_any_bytes_are_parameters_or_a_refusal(body: bytes, kind: str) -> None:
    found = read(request(body, kind))

    assert all(is_text(name + value) and value for name, value in found.items())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_any_json_is_parameters_or_a_refusal(value: Any) -> None:
    found = read(request(json.dumps(value).encode(), JSON))

    assert all(isinstance(one, str) and is_text(one) for one in found.values())
    assert not found or isinstance(value, dict)


@given(NAMES.filter(lambda user: ":" not in user), TEXT)
def test_basic_credentials_are_read_back(user: str, password: str) -> None:
    assert basic(basic_header(user, password)) == (user, password)


@given(st.text(max_size=80))
def test_any_header_is_credentials_or_none(header: str) -> None:
    assert basic(header) is None
    assert basic(f"Basic {header}") is None or ":" in base64.b64decode(header.strip()).decode()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/oauth2/token", ("/oauth2/token", "carbon.super")),
        ("/oauth2/token/", ("/oauth2/token", "carbon.super")),
        ("/t/acme.example/oauth2/token", ("/oauth2/token", "acme.example")),
        ("/t/ACME.example/oauth2/token", ("/oauth2/token", "acme.example")),
        ("/t/carbon.super/token", ("/token", "carbon.super")),
        ("/t/a#b/oauth2/token", ("/t/a#b/oauth2/token", "carbon.super")),
        (f"/t/{'a' * 101}/oauth2/token", (f"/t/{'a' * 101}/oauth2/token", "carbon.super")),
        ("/t/acme.example", ("/t/acme.example", "carbon.super")),
        ("/", ("/", "carbon.super")),
    ],
)
def test_a_path_tells_its_tenant(path: str, expected: tuple[str, str]) -> None:
    event = {"rawPath": path, "requestContext": {"http": {"method": "post", "path": path}}}

    found = request_of(event)

    assert (found.path, found.tenant) == expected
    assert found.method == "POST"


def test_a_body_that_claims_to_be_base64_and_is_not_is_refused() -> None:
    event = {
        "rawPath": "/oauth2/token",
        "requestContext": {"http": {"method": "POST", "path": "/oauth2/token"}},
        "body": "%%%",
        "isBase64Encoded": True,
    }
    with pytest.raises(OAuthError):
        request_of(event)


def test_a_body_is_measured_before_it_is_read() -> None:
    with pytest.raises(TooLargeBody):
        request(b"a=" + b"b" * 32_768, FORM).parameters()
