"""Whatever comes to the pages: an answer of ours, and nobody is sent where the client is not."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.domain.application import Client
from portico.services.asking import PARAMETERS
from tests.functions.token.authorizing import AUTHORIZE, CALLBACK, GRANTS, asking
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import Server

OURS = ("/oauth2/login?flow=", "/oauth2/consent?flow=", f"{CALLBACK}?", f"{AUTHORIZE}?client_id=")
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "",
            "none",
            "code",
            "form_post",
            "S256",
            "{}",
            "0",
            CALLBACK,
            CALLBACK + "#",
            "https://evil.example",
            "urn:ietf:params:oauth:request_uri:x",
            "\r\nLocation: https://evil.example",
            "<script>alert(1)</script>",
            "'; --",
        ]
    ),
)
PAGES = ("/oauth2/login", "/oauth2/consent", AUTHORIZE, "/authorize", "/t/a/oauth2/authorize")


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    made, _ = server.client("Anything", grant_types=GRANTS, redirect_uris=(CALLBACK,))
    return made


def holds(seen: Seen) -> None:
    assert seen.status < 500, seen
    assert "<script>" not in seen.text
    assert "Traceback" not in seen.text
    if seen.location:
        assert seen.location.startswith(OURS)
        assert seen.location.isprintable()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.dictionaries(st.sampled_from([*PARAMETERS, "flow", "x"]), TEXTS, max_size=4),
    by_post=st.booleans(),
)
def test_a_changed_request_leads_nowhere_else(
    client: Client, changes: dict[str, str], by_post: bool
) -> None:
    changes = {name: value.encode("utf-8", "replace").decode() for name, value in changes.items()}
    browser, fields = Browser(), {**asking(client), **changes}
    holds(browser.post(AUTHORIZE, fields) if by_post else browser.get(AUTHORIZE, **fields))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.sampled_from(PAGES),
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    query=st.text(alphabet=string.printable, max_size=80),
    body=st.text(max_size=80),
    cookie=st.text(alphabet=string.printable, max_size=40),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "text/plain"]),
)
def test_any_call_of_a_page_gets_an_answer(
    server: Server, path: str, method: str, query: str, body: str, cookie: str, kind: str
) -> None:
    browser = Browser({"portico-session": (cookie, "/"), "portico-browser": (cookie, "/")})
    text = body.encode("utf-8", "replace").decode()
    holds(browser.send(method, path, query, text, {"content-type": kind}))
