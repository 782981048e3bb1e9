"""Where a page's forms may lead to, and whose forms are taken."""

import pytest

from functions.token.pages import check_own_form, page, redirect
from functions.token.requests import Request
from portico.domain.errors import Forbidden


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("", "form-action 'self';"),
        ("https://app.example/cb?x=1", "form-action 'self' https://app.example;"),
        ("http://127.0.0.1:5000/cb", "form-action 'self' http://127.0.0.1:5000;"),
        # An IPv6 address has no place in a source expression (CSP 3 section 2.3.1).
        ("http://[::1]:5000/cb", "form-action 'self' http:;"),
        ("com.example.app:/cb", "form-action 'self' com.example.app:;"),
        ("myapp://callback/x", "form-action 'self' myapp://callback;"),
        # Nothing of an address becomes a directive.
        ("https://a;script-src *;/cb", "form-action 'self' https:;"),
    ],
)
def test_forms_lead_to_us_and_to_one_origin(address: str, allowed: str) -> None:
    shown = page("signed-in.html", forms_to=address, user="")
    policy = shown["headers"]["Content-Security-Policy"]
    assert allowed in policy
    assert "script-src" not in policy


def request(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "/oauth2/login", "carbon.super", named, b"", "203.0.113.7")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": "https://gateway.example", "host": "gateway.example"},
        {},
    ],
)
def test_our_own_forms_are_taken(headers: dict[str, str]) -> None:
    check_own_form(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "https://gateway.example"},
        {"origin": "https://evil.example"},
        {"origin": "https://gateway.example.evil.example"},
        {"origin": "null"},
    ],
)
def test_others_forms_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_own_form(request(**{"host": "gateway.example", **headers}))


def test_a_redirect_is_followed_by_get() -> None:
    """RFC 9700 section 4.12: 307 would hand on the form with the password."""
    answer = redirect("/oauth2/consent", cookies=["a=1"])
    assert (answer["statusCode"], answer["cookies"]) == (303, ["a=1"])
    assert answer["headers"]["Cache-Control"] == "no-store"
