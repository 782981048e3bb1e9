"""Signing out in a browser (OpenID Connect RP-Initiated Logout 1.0)."""

from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.token import handler as function
from portico.domain.application import Client
from portico.domain.authorization import BrowserSession
from portico.domain.records import Replace
from portico.domain.user import SUBSCRIBER
from portico.services.browser_sessions import BrowserSessions
from portico.services.clients import digest
from portico.tokens.jwt import sign
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import TENANT, Server

PATH = "/oidc/logout"
AFTER = "https://app.example/bye?x=1"
ISSUER = "http://127.0.0.1:8280/oauth2/token"


@pytest.fixture
def client(server: Server, request: pytest.FixtureRequest) -> Client:
    made, _ = server.client(f"Pizza {request.node.name}"[:100])
    server.aws.records.commit(Replace(replace(made, logout_uris=(AFTER, "app.pizza:/bye"))))
    return made


@pytest.fixture
def browser(server: Server) -> Browser:
    """Jane's browser, signed in."""
    wiring = function.wiring()
    user = server.accounts.get(TENANT, "jane")
    value, _ = BrowserSessions(wiring.records, wiring.clock).begin(user, ["pwd"])
    secure = "__Secure-" if wiring.settings.secure_cookies else ""
    return Browser({f"{secure}portico-session": (value, "/oauth2")})


def session(server: Server, browser: Browser) -> BrowserSession | None:
    """The session that the browser had, as far as it is still there."""
    values = [value for name, (value, _) in browser.jar.items() if "session" in name]
    if not values:
        return None
    return server.aws.records.get(BrowserSession, tenant=TENANT, digest=digest(values[0]))


def id_token(client: Client, **more: Any) -> str:
    claims = {
        "iss": ISSUER,
        "sub": "jane@carbon.super",
        "aud": client.client_id,
        "iat": 1_700_000_000,
        "exp": 1_700_003_600,
        **more,
    }
    return sign(claims, function.wiring().signing())


def logout(browser: Browser, **query: str) -> Seen:
    """As the application sends the browser, up to where our own redirect leads."""
    seen = browser.get(PATH, **query)
    assert seen.status == 303, seen.text
    assert seen.location.startswith("/oauth2/logout"), seen.location
    return browser.get(seen.location)


def test_an_applications_id_token_signs_its_user_out_and_back_to_it(
    server: Server, client: Client, browser: Browser
) -> None:
    """Sections 2 and 3; the id_token has expired long ago."""
    had = session(server, browser)

    seen = logout(
        browser,
        id_token_hint=id_token(client),
        post_logout_redirect_uri=AFTER,
        state="a b&c",
    )

    assert had is not None
    assert (seen.status, seen.location) == (303, f"{AFTER}&state=a+b%26c")
    assert browser.jar == {}
    assert server.aws.records.get(BrowserSession, tenant=TENANT, digest=had.digest) is None


def test_the_request_may_come_by_post(server: Server, client: Client, browser: Browser) -> None:
    """Section 2; the cookie is not sent with another site's POST, so a GET follows."""
    fields = {"id_token_hint": id_token(client), "post_logout_redirect_uri": AFTER}

    seen = browser.post(PATH, fields, **{"sec-fetch-site": "cross-site"})

    assert browser.get(seen.location).location == AFTER
    assert session(server, browser) is None


def test_an_applications_own_scheme_serves(client: Client, browser: Browser) -> None:
    seen = logout(
        browser, id_token_hint=id_token(client), post_logout_redirect_uri="app.pizza:/bye"
    )

    assert seen.location == "app.pizza:/bye"


def test_without_a_target_a_page_says_that_it_is_done(
    server: Server, client: Client, browser: Browser
) -> None:
    seen = logout(browser, id_token_hint=id_token(client))

    assert seen.status == 200
    assert "You are signed out" in seen.text
    assert session(server, browser) is None


def test_nobody_is_signed_out_unasked_without_an_id_token(
    server: Server, client: Client, browser: Browser
) -> None:
    """Section 2: any page can send a browser here."""
    page = logout(browser, client_id=client.client_id, post_logout_redirect_uri=AFTER, state="s")

    assert page.status == 200
    assert "jane" in page.text
    assert session(server, browser) is not None
    assert "https://app.example" in page.headers["Content-Security-Policy"]

    seen = browser.post("/oauth2/logout", page.hidden)

    assert seen.location == f"{AFTER}&state=s"
    assert session(server, browser) is None


def test_another_sites_form_signs_nobody_out(server: Server, browser: Browser) -> None:
    seen = browser.post("/oauth2/logout", {}, **{"sec-fetch-site": "cross-site"})

    assert seen.status == 403
    assert session(server, browser) is not None


def test_the_id_token_of_another_user_signs_out_only_after_a_question(
    server: Server, client: Client, browser: Browser
) -> None:
    server.accounts.create(server.caller, "joe-out", "joes-password", [SUBSCRIBER])

    page = logout(browser, id_token_hint=id_token(client, sub="joe-out@carbon.super"))

    assert "Sign out?" in page.text
    assert session(server, browser) is not None


def forged(client: Client) -> str:
    key = rsa.generate_private_key(65537, 2048)
    kid = function.wiring().signing().kid
    claims = {"iss": ISSUER, "sub": "jane@carbon.super", "aud": client.client_id, "exp": 1}
    return jwt.encode(claims, key, "RS256", headers={"kid": kid, "typ": "JWT"})


def unsigned(client: Client) -> str:
    claims = {"iss": ISSUER, "sub": "jane@carbon.super", "aud": client.client_id}
    return jwt.encode(claims, "", "none")


@pytest.mark.parametrize(
    "make",
    [
        lambda client: "x",
        forged,
        unsigned,
        lambda client: id_token(client, iss="https://other.example"),
        lambda client: sign(
            {"iss": ISSUER, "sub": "jane@carbon.super", "aud": client.client_id, "exp": 1},
            function.wiring().signing(),
            "at+jwt",
        ),
        lambda client: id_token(client, aud="a client that is gone"),
    ],
    ids=["text", "forged", "alg none", "issuer", "access token", "unknown client"],
)
def test_an_id_token_that_does_not_hold_counts_as_none(
    server: Server, client: Client, browser: Browser, make: Any
) -> None:
    page = logout(browser, id_token_hint=make(client))

    assert "Sign out?" in page.text
    assert session(server, browser) is not None


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        AFTER + "&more=1",
        AFTER + "#x",
        "https://app.example/bye",
        "https://app.example/bye/?x=1",
        "https://app.example:8443/bye?x=1",
        "https://app.example@evil.example/bye?x=1",
        "HTTPS://app.example/bye?x=1",
        "http://app.example/bye?x=1",
        "//evil.example/",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("hinted", [True, False])
def test_only_a_registered_address_is_ever_redirected_to(
    server: Server, client: Client, browser: Browser, target: str, hinted: bool
) -> None:
    """Section 3: exactly one of `post_logout_redirect_uris`; otherwise nothing happens at all."""
    who = {"id_token_hint": id_token(client)} if hinted else {"client_id": client.client_id}

    for one in (browser, Browser()):
        seen = logout(one, post_logout_redirect_uri=target, **who)
        assert (seen.status, seen.location) == (400, "")
    posted = browser.post("/oauth2/logout", {"post_logout_redirect_uri": target, **who})

    assert (posted.status, posted.location) == (400, "")
    assert session(server, browser) is not None


def test_a_redirect_needs_to_know_the_application(server: Server, browser: Browser) -> None:
    assert logout(browser, post_logout_redirect_uri=AFTER).status == 400
    assert session(server, browser) is not None


def test_client_id_must_be_that_of_the_id_token(
    server: Server, client: Client, browser: Browser
) -> None:
    """Section 2."""
    seen = logout(browser, id_token_hint=id_token(client), client_id="another")

    assert seen.status == 400
    assert session(server, browser) is not None


def test_a_parameter_that_comes_twice_is_refused(server: Server, browser: Browser) -> None:
    seen = browser.send("GET", PATH, "state=1&state=2")

    assert seen.status == 400
    assert session(server, browser) is not None


def test_a_browser_that_is_not_signed_in_goes_on_at_once(client: Client) -> None:
    browser = Browser()

    assert logout(browser, client_id=client.client_id, post_logout_redirect_uri=AFTER).location == (
        AFTER
    )
    assert "You are signed out" in logout(browser).text


def test_looking_without_a_body_signs_nobody_out(
    server: Server, client: Client, browser: Browser
) -> None:
    seen = browser.send("HEAD", "/oauth2/logout", f"id_token_hint={id_token(client)}")

    assert seen.status == 405
    assert session(server, browser) is not None
