"""Authorization requests in a browser, up to the code: pages, cookies, redirects."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from portico.domain.application import NO_SECRET, Client
from portico.domain.records import Discard, Put, Replace
from portico.domain.token_rules import TokenRules
from tests.functions.token.authorizing import (
    AUTHORIZE,
    CALLBACK,
    CHALLENGE,
    GRANTS,
    ISSUER,
    asking,
    code_of,
    decide,
    sign_in,
    signed_in,
)
from tests.functions.token.browsing import Browser
from tests.functions.token.conftest import TENANT, Server


@pytest.fixture
def client(server: Server, request: pytest.FixtureRequest) -> Client:
    made, _ = server.client(
        f"Pizza {request.node.name}"[:100], grant_types=GRANTS, redirect_uris=(CALLBACK,)
    )
    return made


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def rules(server: Server) -> Iterator[TokenRules]:
    """The default rules; what a test puts in their place is gone afterwards."""
    rules = TokenRules(tenant=TENANT)
    yield rules
    server.aws.records.commit(Discard(rules))


def test_sign_in_and_consent_give_a_code(server: Server, client: Client, browser: Browser) -> None:
    """RFC 6749 section 4.1.2, RFC 9207 section 2, RFC 7636 section 4.4."""
    seen = decide(browser, sign_in(browser, browser.get(AUTHORIZE, **asking(client))))
    assert seen.status == 303
    assert set(seen.query) == {"code", "state", "iss"}
    assert seen.query["state"] == "a state & more"
    assert seen.query["iss"] == ISSUER
    code = code_of(server, seen)
    assert (code.client_id, code.user, code.challenge) == (client.client_id, "jane", CHALLENGE)
    assert (code.redirect_uri, code.stated, code.used) == (CALLBACK, True, False)
    assert code.scopes == ("openid", "email")
    assert code.sign_in.nonce == "n-1"
    assert code.sign_in.methods == ("pwd",)
    assert code.sign_in.sid


def test_single_sign_on_and_remembered_consent_ask_nothing(
    server: Server, client: Client, browser: Browser
) -> None:
    """OpenID Connect Core section 3.1.2.4."""
    signed_in(browser, client)
    seen = browser.get(AUTHORIZE, **asking(client, nonce="n-2"))
    assert code_of(server, seen).sign_in.nonce == "n-2"
    other, _ = server.client("Another", grant_types=GRANTS, redirect_uris=(CALLBACK,))
    assert decide(browser, browser.get(AUTHORIZE, **asking(other))).query["code"]


def test_more_scopes_are_asked_for_again(client: Client, browser: Browser) -> None:
    signed_in(browser, client)
    seen = browser.get(AUTHORIZE, **asking(client, scope="openid email phone"))
    page = browser.get(seen.location)
    assert "telephone number" in page.text
    seen = browser.post("/oauth2/consent", {**page.hidden, "decision": "allow"})
    assert seen.query["code"]
    assert browser.get(AUTHORIZE, **asking(client, scope="openid phone")).query["code"]


def test_denying_answers_access_denied(client: Client, browser: Browser) -> None:
    """RFC 6749 section 4.1.2.1."""
    seen = decide(browser, sign_in(browser, browser.get(AUTHORIZE, **asking(client))), "deny")
    assert seen.query["error"] == "access_denied"
    assert seen.query["state"] == "a state & more"
    assert seen.query["iss"] == ISSUER
    assert "code" not in seen.query


def test_the_consent_page_tells_in_words_what_is_asked(client: Client, browser: Browser) -> None:
    wanted = "openid email address apim:subscribe apim:api_view unknown:scope"
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client, scope=wanted)))
    text = browser.get(seen.location).text
    for words in ("postal address", "e-mail address", "apim:subscribe", "<strong>jane</strong>"):
        assert words in text
    assert client.name.split("[")[0] in text
    assert "https://app.example" in text
    assert "unknown:scope" not in text


def test_the_consent_page_tells_when_nobody_owns_the_application(
    server: Server, client: Client, browser: Browser
) -> None:
    """As of one that registered itself where the tenant lets everybody (RFC 7591 section 3)."""
    found = server.aws.records.get(Client, tenant=TENANT, client_id=client.client_id)
    assert found
    server.aws.records.commit(Replace(replace(found, owner="", application_owner="")))

    text = browser.get(sign_in(browser, browser.get(AUTHORIZE, **asking(client))).location).text

    assert "registered itself: nobody here knows whose it is" in text
    assert "belongs to" not in text


@pytest.mark.parametrize("prompt", ["login", "select_account", "consent", "login consent"])
def test_prompt_makes_a_signed_in_user_act(
    server: Server, client: Client, browser: Browser, prompt: str
) -> None:
    """OpenID Connect Core section 3.1.2.1."""
    signed_in(browser, client)
    before = dict(browser.jar)
    seen = browser.get(AUTHORIZE, **asking(client, prompt=prompt))
    if "login" in prompt or "account" in prompt:
        # Neither the old session nor a look at the next page goes past it.
        flow = seen.location.partition("?")[2]
        assert browser.get(f"/oauth2/consent?{flow}").location == f"/oauth2/login?{flow}"
        seen = sign_in(browser, seen)
        assert browser.jar["portico-session"] != before["portico-session"]
    seen = decide(browser, seen) if "consent" in prompt else browser.get(seen.location)
    assert code_of(server, seen).user == "jane"


def test_an_account_can_be_chosen_without_its_password(client: Client, browser: Browser) -> None:
    """OpenID Connect Core section 3.1.2.1, `prompt=select_account`."""
    signed_in(browser, client)
    seen = browser.get(AUTHORIZE, **asking(client, prompt="select_account"))
    page = browser.get(seen.location)
    assert "Continue as jane" in page.text
    seen = browser.post("/oauth2/login", {**page.hidden, "as": "known"})
    assert browser.get(seen.location).query["code"]


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_wanted_sign_in_cannot_be_chosen_away(
    client: Client, browser: Browser, more: dict[str, str]
) -> None:
    signed_in(browser, client)
    seen = browser.get(AUTHORIZE, **asking(client, **more))
    page = browser.get(seen.location)
    assert "Continue as" not in page.text
    again = browser.post("/oauth2/login", {**page.hidden, "as": "known"})
    assert again.location == seen.location
    assert browser.get(again.location.replace("login", "consent")).location == seen.location


def test_prompt_none_without_a_session_is_login_required(client: Client, browser: Browser) -> None:
    """OpenID Connect Core section 3.1.2.6."""
    seen = browser.get(AUTHORIZE, **asking(client, prompt="none"))
    assert (seen.query["error"], seen.query["iss"]) == ("login_required", ISSUER)


def test_prompt_none_without_consent_is_consent_required(
    server: Server, client: Client, browser: Browser
) -> None:
    signed_in(browser, client)
    assert browser.get(AUTHORIZE, **asking(client, prompt="none")).query["code"]
    more = asking(client, prompt="none", scope="openid email phone")
    assert browser.get(AUTHORIZE, **more).query["error"] == "consent_required"


def test_id_token_hint_names_the_user(server: Server, client: Client, browser: Browser) -> None:
    """OpenID Connect Core section 3.1.2.1."""
    from functions.token import handler as function
    from portico.tokens.jwt import PLAIN, sign

    def hint(subject: str, issuer: str = ISSUER) -> str:
        claims = {"iss": issuer, "sub": subject, "exp": 1}
        return sign(claims, function.wiring().signing(), PLAIN)

    signed_in(browser, client)
    jane, john = hint("jane@carbon.super"), hint("john@carbon.super")
    assert browser.get(AUTHORIZE, **asking(client, prompt="none", id_token_hint=jane)).query["code"]
    seen = browser.get(AUTHORIZE, **asking(client, prompt="none", id_token_hint=john))
    assert seen.query["error"] == "login_required"
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client, id_token_hint=john)))
    assert browser.get(seen.location).query["error"] == "login_required"
    for forged in (hint("jane@carbon.super", "https://other.example"), jane[:-4] + "AAAA", "x"):
        seen = browser.get(AUTHORIZE, **asking(client, id_token_hint=forged))
        assert seen.query["error"] == "invalid_request"


def test_login_hint_fills_in_the_name(client: Client, browser: Browser) -> None:
    seen = browser.get(AUTHORIZE, **asking(client, login_hint='jane"><script>'))
    page = browser.get(seen.location)
    assert 'value="jane&#34;&gt;&lt;script&gt;"' in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
        ({"scope": "ü"}, "invalid_scope"),
        ({"scope": "openid\u3000email"}, "invalid_scope"),
        ({"claims": "{"}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_errors_go_to_the_redirect_uri(
    client: Client, browser: Browser, more: dict[str, str], error: str, method: str
) -> None:
    """RFC 6749 section 4.1.2.1, RFC 9207 section 2."""
    given = asking(client, **more)
    seen = browser.get(AUTHORIZE, **given) if method == "GET" else browser.post(AUTHORIZE, given)
    assert seen.location.startswith(CALLBACK + "?")
    assert seen.query["error"] == error
    assert seen.query["state"] == "a state & more"
    assert seen.query["iss"] == ISSUER
    assert browser.jar == {}


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        "https://app.example/callback/",
        "https://app.example/callback/../evil",
        "https://app.example/callback?x=1",
        "https://app.example/callback#x",
        "https://app.example:8443/callback",
        "https://app.example@evil.example/callback",
        "https://app.example.evil.example/callback",
        "http://app.example/callback",
        "//evil.example",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("path", [AUTHORIZE, "/authorize", "/t/carbon.super/oauth2/authorize"])
def test_an_untrusted_redirect_uri_stays_on_our_page(
    client: Client, browser: Browser, uri: str, path: str
) -> None:
    """RFC 6749 section 4.1.2.1: must not redirect, whatever else is wrong."""
    for more in ({}, {"response_type": "token"}):
        seen = browser.get(path, **asking(client, redirect_uri=uri, **more))
        assert (seen.status, seen.location) == (400, "")
        assert seen.headers["Content-Type"].startswith("text/html")
        assert "form-action 'self';" in seen.headers["Content-Security-Policy"]
        assert uri not in seen.text


def test_an_unknown_client_stays_on_our_page(client: Client, browser: Browser) -> None:
    for client_id in ("nobody", "", "<script>", "a" * 300):
        seen = browser.get(AUTHORIZE, **asking(client, client_id=client_id))
        assert (seen.status, seen.location) == (400, "")


@pytest.mark.parametrize("name", ["state", "scope", "code_challenge", "response_type", "utm"])
def test_a_parameter_that_comes_twice_is_told_to_the_client(
    client: Client, browser: Browser, name: str
) -> None:
    """RFC 6749 section 3.1."""
    query = urlencode([*asking(client).items(), (name, "again"), (name, "and again")])
    seen = browser.get(f"{AUTHORIZE}?{query}")
    assert seen.location.startswith(CALLBACK + "?")
    assert seen.query["error"] == "invalid_request"
    assert seen.query.get("state") == (None if name == "state" else "a state & more")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
@pytest.mark.parametrize("second", ["", "https://evil.example/"])
def test_a_client_or_redirect_uri_that_comes_twice_stays_on_our_page(
    client: Client, browser: Browser, name: str, second: str
) -> None:
    """RFC 6749 section 3.1: which of the two is meant nobody knows."""
    query = urlencode([*asking(client).items(), (name, second)])
    seen = browser.get(f"{AUTHORIZE}?{query}")
    assert (seen.status, seen.location) == (400, "")


@pytest.mark.parametrize("query", ["state=%ff", "&=&&;", "a" * 40_000, "%", "x=" + "y" * 40_000])
def test_what_cannot_be_read_stays_on_our_page(
    client: Client, browser: Browser, query: str
) -> None:
    seen = browser.get(f"{AUTHORIZE}?{query}")
    assert seen.status in (400, 413)
    assert seen.location == ""


def test_a_query_of_the_redirect_uri_is_kept(server: Server, browser: Browser) -> None:
    """RFC 6749 section 3.1.2."""
    uri = "https://app.example/cb?tenant=7"
    client, _ = server.client("With a query", grant_types=GRANTS, redirect_uris=(uri,))
    seen = browser.get(AUTHORIZE, **asking(client, redirect_uri=uri, prompt="none"))
    assert seen.location.startswith(uri + "&error=login_required&")


def test_a_native_client_gets_its_code_on_any_loopback_port(
    server: Server, browser: Browser
) -> None:
    """RFC 8252 section 7.3; the page's forms may lead to that port."""
    made, _ = server.client(
        "Native", grant_types=GRANTS, redirect_uris=("http://127.0.0.1/cb", "myapp:/cb")
    )
    client = replace(made, auth_method=NO_SECRET, secrets=())
    server.aws.records.commit(Replace(client))
    uri = "http://127.0.0.1:51004/cb"
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client, redirect_uri=uri)))
    page = browser.get(seen.location)
    assert "form-action 'self' http://127.0.0.1:51004;" in page.headers["Content-Security-Policy"]
    seen = browser.post("/oauth2/consent", {**page.hidden, "decision": "allow"})
    assert seen.location.startswith(uri + "?code=")
    # Another application on the device may claim the scheme: it asks again (section 8.6).
    for redirect_uri in (uri, "myapp:/cb"):
        seen = browser.get(AUTHORIZE, **asking(client, redirect_uri=redirect_uri))
        assert seen.location.startswith("/oauth2/consent")
    page = browser.get(seen.location)
    assert "form-action 'self' myapp:;" in page.headers["Content-Security-Policy"]
    seen = browser.post("/oauth2/consent", {**page.hidden, "decision": "allow"})
    assert seen.location.startswith("myapp:/cb?code=")


def test_a_public_client_needs_pkce(server: Server, browser: Browser) -> None:
    """RFC 7636, RFC 9700 section 2.1.1."""
    made, _ = server.client("Public", grant_types=GRANTS, redirect_uris=(CALLBACK,))
    server.aws.records.commit(Replace(replace(made, auth_method=NO_SECRET, secrets=())))
    given = asking(made)
    del given["code_challenge"], given["code_challenge_method"]
    assert browser.get(AUTHORIZE, **given).query["error"] == "invalid_request"


def test_form_post_asks_for_a_press_of_a_button(client: Client, browser: Browser) -> None:
    """OAuth 2.0 Form Post Response Mode, without a script."""
    given = asking(client, response_mode="form_post")
    page = decide(browser, sign_in(browser, browser.get(AUTHORIZE, **given)))
    assert (page.status, page.location) == (200, "")
    assert f'action="{CALLBACK}"' in page.text
    assert set(page.hidden) == {"code", "state", "iss"}
    assert page.hidden["state"] == "a state & more"
    assert "form-action 'self' https://app.example;" in page.headers["Content-Security-Policy"]
    denied = browser.get(AUTHORIZE, **asking(client, response_mode="form_post", request="x"))
    assert denied.hidden["error"] == "request_not_supported"


@pytest.mark.parametrize("path", [AUTHORIZE, "/authorize", "/t/carbon.super/oauth2/authorize"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_way_to_ask_leads_to_the_same_pages(
    server: Server, client: Client, browser: Browser, path: str, method: str
) -> None:
    """OpenID Connect Core section 3.1.2.1: GET and POST; WSO2's other paths."""
    given = asking(client)
    seen = browser.get(path, **given) if method == "GET" else browser.post(path, given)
    if (path, method) != (AUTHORIZE, "GET"):
        # Our cookies come along by a GET below their path only.
        assert seen.location.startswith(f"{AUTHORIZE}?client_id=")
        assert seen.cookies == []
        seen = browser.get(seen.location)
    assert code_of(server, decide(browser, sign_in(browser, seen))).sign_in.nonce == "n-1"


def test_a_form_of_another_site_may_ask(client: Client, browser: Browser) -> None:
    """OpenID Connect Core section 3.1.2.1: the client's page sends the form."""
    seen = browser.post(AUTHORIZE, asking(client), **{"sec-fetch-site": "cross-site"})
    assert seen.location.startswith(AUTHORIZE)


def test_looking_ahead_uses_up_nothing(client: Client, browser: Browser) -> None:
    query = urlencode(asking(client))
    assert browser.send("HEAD", AUTHORIZE, query).status == 405


def test_a_client_may_lose_its_redirect_uri_meanwhile(
    server: Server, client: Client, browser: Browser
) -> None:
    seen = sign_in(browser, browser.get(AUTHORIZE, **asking(client)))
    page = browser.get(seen.location)
    known = server.clients.get(TENANT, client.client_id)
    server.aws.records.commit(Replace(replace(known, redirect_uris=("https://app.example/new",))))
    seen = browser.post("/oauth2/consent", {**page.hidden, "decision": "allow"})
    assert (seen.status, seen.location) == (400, "")


def test_the_tenants_rules_may_forbid_the_grant(
    server: Server, client: Client, browser: Browser, rules: TokenRules
) -> None:
    server.aws.records.commit(Put(replace(rules, grants=("client_credentials",))))
    assert browser.get(AUTHORIZE, **asking(client)).query["error"] == "unauthorized_client"
