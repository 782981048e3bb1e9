"""Redirect URIs that a client may register (RFC 6749 section 3.1.2, RFC 8252 section 7)."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.redirect_uris import LOOPBACK, MAX_URI, redirect_problem, web_problem
from portico.domain.redirects import acceptable


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/back",
        "https://app.example:8443/back?a=b",
        "https://xn--bcher-kva.example/",
        "http://127.0.0.1:8000/back",
        "http://[::1]/back",
        "http://localhost/back",
        "com.example.app:/back",
        "com.example.app://back",
    ],
)
def test_a_redirect_uri_may_be(uri: str) -> None:
    assert redirect_problem(uri) == ""


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/back",
        "app.example/back",
        "//app.example/back",
        "http://app.example/back",
        "http://127.0.0.1.app.example/",
        "http://localhost.app.example/",
        "https://",
        "https:///back",
        "https://app.example/#part",
        "https://app.example/#",
        "https://jane@app.example/",
        "https://jane:x@app.example/",
        "https://app.example\\@evil.example/",
        "https://app.example%2eevil.example/",
        "https://*.app.example/",
        "https://app.example:99999/",
        "https://app.example:x/",
        "https://[bad/",
        "https://bücher.example/",
        "https://app.example/ b",
        "https://app.example/\r\nSet-Cookie:a",
        "https://app.example/\x00",
        " https://app.example/",
        'https://app.example/"',
        "https://app.example/<b>",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://app.example/",
        "urn:ietf:wg:oauth:2.0:oob",
        "myapp://back",
        "myapp.:/back",
        "com..app:/back",
        "com.example.app:",
        "com.example.app:/",
        "https://app.example/" + "x" * MAX_URI,
    ],
)
def test_a_redirect_uri_may_not_be(uri: str) -> None:
    assert redirect_problem(uri) != ""


@pytest.mark.parametrize("uri", ["https://app.example/", "http://app.example/terms?a#b"])
def test_a_page_may_be(uri: str) -> None:
    assert web_problem(uri) == ""


@pytest.mark.parametrize(
    "uri", ["", "javascript:x", "data:x", "com.example.app:/x", "//x", "https://a@b/", "https://["]
)
def test_a_page_may_not_be(uri: str) -> None:
    assert web_problem(uri) != ""


@given(st.text() | st.from_regex(r"(?i)[a-z.]{1,12}:/{0,3}[ -~]{0,30}", fullmatch=True))
def test_what_is_let_through_goes_where_a_browser_may_go(uri: str) -> None:
    if redirect_problem(uri):
        return
    assert acceptable(uri), "else nobody could ever be sent there"
    parts = urlsplit(uri)
    assert (
        parts.scheme == "https"
        or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        or "." in parts.scheme
    )
    assert not parts.fragment
    assert "@" not in parts.netloc
