"""The sign-in and consent pages themselves: whose they are, what they refuse, what they tell."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from portico.domain.application import Client
from portico.domain.authorization import BrowserSession, Code
from portico.domain.records import Discard, Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import LoginProvider, TokenRules
from portico.domain.user import SUBSCRIBER, Attempts, Caller
from portico.services.attempts import WINDOW
from portico.services.clients import digest
from tests.functions.token.authorizing import (
    AUTHORIZE,
    CALLBACK,
    GRANTS,
    asking,
    code_of,
    decide,
    sign_in,
    signed_in,
)
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server

LOGIN, CONSENT = "/oauth2/login", "/oauth2/consent"
CROSS_SITE = {"sec-fetch-site": "cross-site"}


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    made, _ = server.client("Sign in here", grant_types=GRANTS, redirect_uris=(CALLBACK,))
    return made


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def rules(server: Server) -> Iterator[TokenRules]:
    rules = TokenRules(tenant=TENANT)
    yield rules
    server.aws.records.commit(Discard(rules))


@pytest.fixture
def page(browser: Browser, client: Client) -> Seen:
    """The sign-in page."""
    return browser.get(browser.get(AUTHORIZE, **asking(client)).location)


def test_pages_are_safe_to_show(browser: Browser, client: Client, page: Seen) -> None:
    """Strict CSP, no framing, no referrer, no cache; a form may end at the client only."""
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client)))
    for one in (page, browser.get(seen.location)):
        policy = one.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self' https://app.example;" in policy
        # Nobody else learns the flow; `no-referrer` would make the Origin of our own forms `null`.
        assert one.headers["Referrer-Policy"] == "same-origin"
        assert one.headers["Cache-Control"] == "no-store"
        assert "<script" not in one.text


def test_cookies_stay_on_our_paths(browser: Browser, client: Client) -> None:
    """APIs share the host: their back ends must not get a session."""
    signed_in(browser, client)
    assert set(browser.jar) == {"portico-browser", "portico-session"}
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client, prompt="login")))
    (cookie,) = seen.cookies
    assert cookie.startswith("portico-session=")
    assert set(cookie.split("; ")[1:]) == {
        "Path=/oauth2",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=28800",
    }


def test_a_sign_in_puts_a_new_session_in_place_of_the_old(
    server: Server, browser: Browser, client: Client
) -> None:
    signed_in(browser, client)
    old = browser.jar["portico-session"]
    sign_in(browser, browser.get(AUTHORIZE, **asking(client, prompt="login")))
    assert browser.jar["portico-session"] != old
    found = server.aws.records.get(BrowserSession, tenant=TENANT, digest=digest(old[0]))
    assert found is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("jane", "not-the-one"),
        ("nobody", "not-the-one"),
        ("jane@carbon.super", ""),
        ("", ""),
        ("a#b/../c", "not-the-one"),
        ("ü" * 300, "x" * 2000),
    ],
)
def test_what_is_wrong_is_not_told(
    server: Server, browser: Browser, page: Seen, name: str, password: str
) -> None:
    server.aws.records.commit(
        Discard(Attempts(tenant=TENANT, subject="user:jane", count=0, expires=0))
    )
    fields = {**page.hidden, "username": name, "password": password}
    seen = browser.post(LOGIN, fields)
    assert seen.status == 401
    assert "The user name or password is wrong, or the user is not active." in seen.text
    assert seen.cookies == []
    assert password not in seen.text or not password
    # The page goes on working.
    server.aws.records.commit(
        Discard(Attempts(tenant=TENANT, subject="user:jane", count=0, expires=0))
    )
    fields = {**seen.hidden, "username": " Jane ", "password": JANE_PASSWORD}
    assert browser.post(LOGIN, fields).location.startswith(CONSENT)


def test_too_many_failures_lock_out_for_a_while(server: Server, client: Client) -> None:
    """429 with Retry-After, the right password notwithstanding; for an unknown name alike."""
    told = []
    server.accounts.create(server.caller, "lena", "lena-of-tests", [SUBSCRIBER])
    for name in ("lena", "unknown-lena"):
        browser = Browser(address="198.51.100.4")
        page = browser.get(browser.get(AUTHORIZE, **asking(client)).location)
        fields = {**page.hidden, "username": name}
        for _ in range(5):
            assert browser.post(LOGIN, {**fields, "password": "wrong"}).status == 401
        seen = browser.post(LOGIN, {**fields, "password": "lena-of-tests"})
        assert seen.status == 429
        assert 0 < int(seen.headers["Retry-After"]) <= WINDOW + 1
        assert "portico-session" not in browser.jar
        told.append(seen.text.replace(name, "").replace(page.hidden["flow"], ""))
    assert told[0] == told[1]


def test_a_flow_belongs_to_one_browser(
    server: Server, browser: Browser, client: Client, page: Seen
) -> None:
    """Nobody can be made to sign in for, or allow, what began in another browser."""
    thief, flow = Browser(), page.hidden["flow"]
    thief.get(AUTHORIZE, **asking(client))  # has a cookie of its own
    credentials = {"flow": flow, "username": "jane", "password": JANE_PASSWORD}
    for one in (
        thief.get(LOGIN, flow=flow),
        thief.post(LOGIN, credentials),
        thief.get(CONSENT, flow=flow),
        thief.post(CONSENT, {"flow": flow, "decision": "allow"}),
        Browser().post(LOGIN, credentials),
    ):
        assert (one.status, one.location) == (400, "")
        assert "another browser" in one.text
    assert "portico-session" not in thief.jar
    # Also when the other browser is signed in.
    signed_in(thief, client)
    assert browser.post(LOGIN, credentials).location.startswith(CONSENT)
    seen = thief.post(CONSENT, {"flow": flow, "decision": "allow"})
    assert (seen.status, seen.location) == (400, "")


def test_a_flow_is_bound_to_the_session_that_signed_in_for_it(
    server: Server, browser: Browser, client: Client
) -> None:
    """Somebody else signs in with the same browser meanwhile: their consent is not taken."""
    server.accounts.create(server.caller, "mike", "mike-of-tests", [SUBSCRIBER])
    consent = sign_in(browser, browser.get(AUTHORIZE, **asking(client))).location
    other = browser.get(AUTHORIZE, **asking(client, prompt="login", state="other"))
    sign_in(browser, other, "mike", "mike-of-tests")
    flow = consent.partition("flow=")[2]
    assert browser.get(consent).location == f"{LOGIN}?flow={flow}"
    seen = browser.post(CONSENT, {"flow": flow, "decision": "allow"})
    assert seen.location == f"{LOGIN}?flow={flow}"


def test_another_account_can_be_used_instead(
    server: Server, browser: Browser, client: Client
) -> None:
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client, prompt="consent")))
    fields = browser.get(seen.location).hidden
    seen = browser.post(LOGIN, {**fields, "as": "other"})
    assert seen.location.startswith(LOGIN)
    assert browser.post(CONSENT, {**fields, "decision": "allow"}).location == seen.location
    seen = decide(browser, sign_in(browser, seen, "admin", "admin-of-tests"))
    assert code_of(server, seen).user == "admin"


def test_a_flow_is_finished_once(browser: Browser, client: Client) -> None:
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client)))
    fields = {**browser.get(seen.location).hidden}
    browser.post(CONSENT, {**fields, "decision": "allow"})
    for decision in ("allow", "deny"):
        again = browser.post(CONSENT, {**fields, "decision": decision})
        assert (again.status, again.location) == (400, "")
    assert browser.get(seen.location).status == 400


def test_consent_cannot_be_given_before_signing_in(
    browser: Browser, client: Client, page: Seen
) -> None:
    fields = {**page.hidden, "decision": "allow"}
    assert browser.post(CONSENT, fields).location.startswith(LOGIN)
    signed_in(browser, client)  # for another flow
    assert browser.post(CONSENT, fields).location.startswith(LOGIN)


def test_a_decision_must_be_one(browser: Browser, client: Client) -> None:
    client_id = client.client_id
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client, prompt="consent")))
    fields = browser.get(seen.location).hidden
    for decision in ("", "perhaps"):
        wrong = browser.post(CONSENT, {**fields, "decision": decision})
        assert (wrong.status, wrong.location) == (400, "")
    assert client_id
    assert browser.post(CONSENT, {**fields, "decision": "allow"}).query["code"]


@pytest.mark.parametrize(
    "headers",
    [
        CROSS_SITE,
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
        {"sec-fetch-site": "", "origin": "null"},
    ],
)
def test_forms_of_other_sites_are_refused(
    browser: Browser, client: Client, headers: dict[str, str]
) -> None:
    """Cross-site request forgery, of the sign-in too."""
    seen = browser.get(AUTHORIZE, **asking(client, prompt="login consent"))
    credentials = {**browser.get(seen.location).hidden, "username": "jane"}
    fields = {**credentials, "password": JANE_PASSWORD}
    refused = browser.post(LOGIN, fields, **headers)
    assert (refused.status, refused.cookies) == (403, [])
    consent = sign_in(browser, seen)
    fields = {**browser.get(consent.location).hidden, "decision": "allow"}
    refused = browser.post(CONSENT, fields, **headers)
    assert (refused.status, refused.location) == (403, "")
    assert browser.post(CONSENT, fields).query["code"]


@pytest.mark.parametrize(
    "flow", ["", "x", "acme.com:x", "../../x", "<script>", "a" * 5000, "https://evil.example"]
)
def test_no_flow_leads_nowhere_else(browser: Browser, client: Client, flow: str) -> None:
    browser.get(AUTHORIZE, **asking(client))
    for seen in (
        browser.post(LOGIN, {"flow": flow, "username": "jane", "password": JANE_PASSWORD}),
        browser.post(CONSENT, {"flow": flow, "decision": "allow"}),
        browser.get(CONSENT, flow=flow),
    ):
        assert (seen.status, seen.location) == (400, "")
        assert "<script" not in seen.text


def test_a_user_of_another_tenant_is_nobody_here(
    server: Server, browser: Browser, page: Seen
) -> None:
    records = server.aws.records
    records.commit(Put(Tenant(tenant="acme.com")))
    server.accounts.create(Caller("acme.com", "admin"), "eva", "eva-of-tests", [SUBSCRIBER])
    fields = {**page.hidden, "username": "eva@acme.com", "password": "eva-of-tests"}
    seen = browser.post(LOGIN, fields)
    assert seen.status == 401
    assert "The user name or password is wrong, or the user is not active." in seen.text


def test_a_tenants_client_is_for_the_tenants_users(server: Server, browser: Browser) -> None:
    """`/t/{tenant}/oauth2/authorize`; the pages go on below /oauth2."""
    caller = Caller("beta.com", "admin")
    server.aws.records.commit(Put(Tenant(tenant="beta.com")))
    server.accounts.create(caller, "eva", "eva-of-tests", [SUBSCRIBER])
    client, _ = server.clients.create(caller, "Beta", GRANTS, redirect_uris=(CALLBACK,))
    seen = browser.get(browser.get("/t/beta.com/oauth2/authorize", **asking(client)).location)
    assert seen.location.startswith("/oauth2/login?flow=beta.com%3A")
    seen = decide(browser, sign_in(browser, seen, "eva", "eva-of-tests"))
    code = seen.query["code"]
    assert code.startswith("beta.com:")
    found = server.aws.records.get(Code, tenant="beta.com", digest=digest(code))
    assert found
    assert found.user == "eva"
    # The session does not count for clients of others.
    other, _ = server.client("Super", grant_types=GRANTS, redirect_uris=(CALLBACK,))
    assert browser.get(AUTHORIZE, **asking(other)).location.startswith(LOGIN)
    assert browser.get(AUTHORIZE, **asking(client)).query["code"]


def test_other_ways_to_sign_in_are_offered(
    server: Server, browser: Browser, client: Client, rules: TokenRules
) -> None:
    provider = LoginProvider(
        "acme", 'Acme "Inc"', issuer="https://acme.example", client_id="portico"
    )
    server.aws.records.commit(Put(replace(rules, providers=(provider,), sign_up=True)))
    page = browser.get(browser.get(AUTHORIZE, **asking(client)).location)
    flow = page.hidden["flow"]
    assert f'href="/oauth2/federated/start?flow={flow}&amp;provider=acme"' in page.text
    assert "Acme &#34;Inc&#34;" in page.text
    assert f'href="/oauth2/sign-up?flow={flow}"' in page.text
    assert f'href="/oauth2/reset?flow={flow}"' in page.text


def test_nobody_is_invited_who_may_not_come(page: Seen) -> None:
    assert "/oauth2/sign-up" not in page.text
    assert "federated" not in page.text


def test_the_page_without_a_flow_tells_who_is_signed_in(browser: Browser, client: Client) -> None:
    assert "You are not signed in" in browser.get(LOGIN).text
    signed_in(browser, client)
    text = browser.get(LOGIN).text
    assert "You are signed in" in text
    assert "<strong>jane</strong>" in text
    assert 'action="/oauth2/logout"' in text
    browser.post("/oauth2/logout", {})
    assert "You are not signed in" in browser.get(LOGIN).text


def test_going_back_to_the_page_goes_on(browser: Browser, client: Client) -> None:
    seen = browser.get(AUTHORIZE, **asking(client, prompt="consent"))
    consent = sign_in(browser, seen)
    assert browser.get(seen.location).location == consent.location


def test_an_account_that_is_closed_meanwhile_gets_no_code(
    server: Server, browser: Browser, client: Client
) -> None:
    made = server.accounts.create(server.caller, "olaf", "olaf-of-tests", [SUBSCRIBER])
    consent = sign_in(browser, browser.get(AUTHORIZE, **asking(client)), "olaf", "olaf-of-tests")
    fields = browser.get(consent.location).hidden
    server.accounts.update(server.caller, made, active=False)
    seen = browser.post(CONSENT, {**fields, "decision": "allow"})
    assert seen.location.startswith(LOGIN)


def test_a_code_is_for_the_one_who_signed_in(
    server: Server, browser: Browser, client: Client
) -> None:
    seen = browser.get(AUTHORIZE, **asking(client, prompt="consent"))
    seen = sign_in(browser, seen, "admin@carbon.super", "admin-of-tests")
    assert code_of(server, decide(browser, seen)).user == "admin"
