"""What follows when somebody has proved who they are, whichever way."""

from dataclasses import replace

import pytest

from functions.token import handler as function
from functions.token.requests import Request
from functions.token.signing_in import begin, current, ended, flow_of, signed_in, signed_in_for
from functions.token.wiring import Wiring
from portico.domain.errors import NotFound
from portico.domain.user import User
from tests.functions.token.conftest import TENANT, Server


@pytest.fixture
def wiring(server: Server) -> Wiring:
    wiring = function.wiring().for_request()
    return replace(wiring, settings=replace(wiring.settings, secure_cookies=True))


@pytest.fixture
def jane(server: Server) -> User:
    return server.accounts.get(TENANT, "jane")


def request(*cookies: str) -> Request:
    return Request("POST", "/oauth2/login", TENANT, {}, b"", "203.0.113.7", cookies=cookies)


def begun(wiring: Wiring, kind: str = "authorize") -> tuple[str, str]:
    """A new flow, and the cookie of its browser."""
    text, (cookie,) = begin(request(), wiring, TENANT, kind, "app", {})
    return text, cookie.partition(";")[0]


def test_cookies_are_for_https_and_our_paths_only(wiring: Wiring, jane: User) -> None:
    """RFC 6265bis section 4.1.3.1."""
    text, browser = begun(wiring)
    assert browser.startswith("__Secure-portico-browser=")
    answer = signed_in(request(browser), wiring, text, jane, ("pwd",))
    (cookie,) = answer["cookies"]
    assert cookie.startswith("__Secure-portico-session=")
    assert set(cookie.split("; ")[1:]) == {
        "Path=/oauth2",
        "HttpOnly",
        "SameSite=Lax",
        "Secure",
        "Max-Age=28800",
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [("authorize", "/oauth2/consent"), ("device", "/oauth2/device/confirm")],
)
def test_a_sign_in_goes_on_to_what_it_was_for(
    wiring: Wiring, jane: User, kind: str, path: str
) -> None:
    text, browser = begun(wiring, kind)
    answer = signed_in(request(browser), wiring, text, jane, ("pwd",))
    assert answer["headers"]["Location"] == f"{path}?flow={text}"
    after = request(browser, answer["cookies"][0].partition(";")[0])
    session = current(after, wiring)
    assert session
    assert (session.user, session.methods) == ("jane", ("pwd",))
    assert signed_in_for(flow_of(after, wiring, text), session)
    other, _ = begun(wiring)
    assert other != text
    (gone,) = ended(after, wiring)
    assert "Max-Age=0" in gone
    assert current(after, wiring) is None


def test_nobody_signs_in_for_another_tenant(wiring: Wiring, jane: User) -> None:
    text, browser = begun(wiring)
    with pytest.raises(NotFound):
        signed_in(request(browser), wiring, text, replace(jane, tenant="acme.com"), ("pwd",))
    assert flow_of(request(browser), wiring, text).session == ""


def test_nobody_signs_in_for_another_browser(wiring: Wiring, jane: User) -> None:
    text, _ = begun(wiring)
    _, other = begun(wiring)
    for cookies in ((other,), ()):
        with pytest.raises(NotFound):
            signed_in(request(*cookies), wiring, text, jane, ("pwd",))


def test_a_flow_of_another_kind_leads_nowhere(wiring: Wiring, jane: User) -> None:
    text, browser = begun(wiring, "provider")
    with pytest.raises(NotFound):
        signed_in(request(browser), wiring, text, jane, ("pwd",))
