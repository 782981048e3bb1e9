"""Which redirect URIs may be used, and which fit a registered one (RFC 6749 3.1.2, RFC 8252)."""

import pytest

from portico.domain.redirects import acceptable, fits, with_parameters

REGISTERED = "https://app.example/cb"


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "https://app.example:8443/cb?a=1&b=%20",
        "http://localhost:3000/",
        "http://127.0.0.1/cb",
        "http://[::1]:5000/cb",
        "myapp:/cb",
        "com.example.app:/oauth2redirect",
        "myapp://callback",
    ],
)
def test_a_browser_may_be_sent_to(uri: str) -> None:
    assert acceptable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "//app.example/cb",
        "https:///cb",
        "https:app.example",
        "https://app.example/cb#fragment",
        "https://app.example/cb#",
        "https://user@app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example/c b",
        "https://app.example/cb\r\nSet-Cookie: a=1",
        "https://app.example/cb\n",
        "https://app.example:port/cb",
        "https://[::1/cb",
        'https://app.example/"><script>',
        "https://äpp.example/cb",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,hello",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://app.example/x",
        "about:blank",
        "view-source:https://app.example",
        "https://app.example/" + "a" * 2048,
    ],
)
def test_a_browser_is_never_sent_to(uri: str) -> None:
    assert not acceptable(uri)


@pytest.mark.parametrize(
    "asked",
    [
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://app.example/cb?x=1",
        "https://app.example/cb#x",
        "https://app.example/cb/../cb",
        "https://app.example/c%62",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://APP.example/cb",
        "https://app.example.evil.example/cb",
        "https://user@app.example/cb",
        "http://app.example/cb",
        "https://sub.app.example/cb",
        " https://app.example/cb",
    ],
)
def test_a_redirect_uri_is_compared_as_text(asked: str) -> None:
    """RFC 9700 section 2.1: exact string matching."""
    assert not fits(REGISTERED, asked)
    assert fits(REGISTERED, REGISTERED)


@pytest.mark.parametrize(
    ("registered", "asked", "fitting"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:1/cb?a=1", "http://127.0.0.1:51004/cb?a=1", True),
        ("http://[::1]/cb", "http://[::1]:51004/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?a=1", False),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", False),
        ("https://127.0.0.1/cb", "https://127.0.0.1:51004/cb", False),
        ("http://127.0.0.1/cb", "http://a@127.0.0.1:51004/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#x", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", False),
        ("http://localhost/cb", "http://localhost:51004/cb", False),
        ("http://127.0.0.2/cb", "http://127.0.0.2:51004/cb", False),
    ],
)
def test_a_loopback_address_may_have_any_port(registered: str, asked: str, fitting: bool) -> None:
    """RFC 8252 section 7.3, and nothing more than the port."""
    assert fits(registered, asked) is fitting


@pytest.mark.parametrize(
    ("uri", "answer"),
    [
        ("https://a.example/cb", "https://a.example/cb?state=a+%26+b"),
        ("https://a.example/cb?", "https://a.example/cb?state=a+%26+b"),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1&state=a+%26+b"),
        ("https://a.example/cb?x=1&", "https://a.example/cb?x=1&state=a+%26+b"),
        ("myapp:/cb", "myapp:/cb?state=a+%26+b"),
    ],
)
def test_an_answer_comes_after_the_query_that_is_there(uri: str, answer: str) -> None:
    """RFC 6749 section 3.1.2: a query component must be retained."""
    assert with_parameters(uri, {"state": "a & b"}) == answer
