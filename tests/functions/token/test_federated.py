"""Sign-in with a company's own OpenID provider: the way there and back, who that is here, and what
a wrong or hostile provider, or another browser, comes to (OpenID Connect Core section 3.1.3.7).
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from portico.domain.authorization import Flow
from portico.domain.errors import NotFound
from portico.domain.records import Put
from portico.domain.self_service import ExternalUser
from portico.domain.token_rules import LoginProvider, TokenRules, sealed_for
from portico.domain.user import ADMIN, CREATOR, PUBLISHER, SUBSCRIBER
from portico.services.accounts import NO_PASSWORD
from portico.services.clients import digest
from portico.storage.sealing import KmsSealer
from tests.conftest import REGION
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server, forget
from tests.functions.token.provider import CLIENT_ID, SECRET, Provider, serving
from tests.functions.token.signing import by_secret, in_time, pair, unsigned

CALLBACK = "/oauth2/federated/callback"
KIM = "kim@company.example"


@pytest.fixture(scope="module")
def sealed(server: Server) -> Iterator[str]:
    """The provider's client secret, sealed with a key of the embedded AWS."""
    kms = boto3.client("kms", region_name=REGION)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    os.environ["PORTICO_KMS_KEY"] = key
    forget()
    yield KmsSealer(lambda: kms, key).seal(SECRET, sealed_for(TENANT, "acme"))
    os.environ["PORTICO_KMS_KEY"] = ""
    forget()
    kms.close()


@pytest.fixture
def provider(server: Server, sealed: str) -> Iterator[Provider]:
    """A provider of its own for each test, offered by the tenant; nobody has come from it yet."""
    with serving(Provider()) as running:
        offer(server, running, sealed_secret=sealed)
        yield running
    for user in server.accounts.list(TENANT):
        if user.password == NO_PASSWORD.text or user.name == KIM:
            server.accounts.delete(server.caller, user)


def offer(server: Server, provider: Provider, **more: Any) -> None:
    offered = LoginProvider("acme", "Acme", provider.issuer, CLIENT_ID, **more)
    server.aws.records.commit(Put(TokenRules(tenant=TENANT, providers=(offered,))))


def offered(server: Server, **changes: Any) -> None:
    """The rules with these changes of the provider."""
    rules = server.aws.records.get(TokenRules, tenant=TENANT)
    assert rules
    changed = replace(rules.providers[0], **changes)
    server.aws.records.commit(Put(replace(rules, providers=(changed,))))


def begin(browser: Browser) -> str:
    """The flow of a sign-in page that offers the provider."""
    flow = browser.get("/oauth2/password").query["flow"]
    assert "Continue with Acme" in browser.get(f"/oauth2/login?flow={flow}").text
    return flow


def there(browser: Browser, flow: str) -> Seen:
    return browser.get("/oauth2/federated/start", flow=flow, provider="acme")


def back(browser: Browser, query: str) -> Seen:
    return browser.send("GET", CALLBACK, query)


def round_trip(browser: Browser, provider: Provider) -> tuple[Seen, str]:
    """All of it: what the browser gets in the end, and its flow."""
    flow = begin(browser)
    seen = there(browser, flow)
    assert seen.status == 303, seen.text
    return back(browser, provider.sign_in(seen.location)), flow


def signed_in(browser: Browser) -> bool:
    return "portico-session" in browser.jar


def nobody_came(server: Server, browser: Browser, seen: Seen, flow: str) -> None:
    """Refused on a page of ours, nobody made and signed in, and the flow can be gone on with."""
    assert seen.status in (400, 403, 409, 502, 503), seen.text
    assert seen.headers["Content-Type"].startswith("text/html")
    assert f"/oauth2/login?flow={flow}" in seen.text
    assert not signed_in(browser)
    with pytest.raises(NotFound):
        server.accounts.get(TENANT, KIM)
    login = browser.get(f"/oauth2/login?flow={flow}")
    fields = {**login.hidden, "username": "jane", "password": JANE_PASSWORD}
    assert browser.post("/oauth2/login", fields).status == 303


def test_a_person_of_the_provider_signs_in_and_gets_a_user(
    server: Server, provider: Provider
) -> None:
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    assert seen.status == 303, seen.text
    assert seen.location == f"/oauth2/password?flow={flow}"
    assert signed_in(browser)
    asked = provider.asked
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == f"http://127.0.0.1:8280{CALLBACK}"
    assert asked["scope"] == "openid profile email"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 43
    kim = server.accounts.get(TENANT, KIM)
    assert (kim.email, kim.given_name, kim.family_name) == (KIM, "Kim", "Company")
    assert kim.claims == {"http://wso2.org/claims/identity/emailVerified": "true"}
    assert kim.password == NO_PASSWORD.text


def test_the_same_person_is_the_same_user_whatever_name_they_have_now(
    server: Server, provider: Provider
) -> None:
    round_trip(Browser(), provider)
    first = server.accounts.get(TENANT, KIM)
    provider.person |= {"email": "kim.new@company.example", "given_name": "Kimberly"}
    seen, _ = round_trip(Browser(), provider)
    assert seen.status == 303
    again = server.accounts.get(TENANT, KIM)
    assert (again.id, again.given_name) == (first.id, "Kimberly")
    assert again.email == "kim.new@company.example"
    assert [one.id for one in server.accounts.with_email(TENANT, again.email)] == [first.id]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_id_tokens_of_each_algorithm_are_verified(
    server: Server, provider: Provider, alg: str
) -> None:
    provider.key = pair(alg, f"key-{alg}")
    browser = Browser()
    assert round_trip(browser, provider)[0].status == 303
    assert signed_in(browser)


def test_client_secret_basic_is_what_a_provider_gets_that_does_not_say(
    provider: Provider,
) -> None:
    round_trip(Browser(), provider)
    form, header = provider.forms[-1]
    assert "client_secret" not in form
    sent = base64.b64decode(header.removeprefix("Basic ")).decode()
    # Each part is form-encoded first (RFC 6749 section 2.3.1).
    assert sent == "portico+at+acme:a+secret%3A+with+100%25+odd+signs"


def test_client_secret_post_is_for_a_provider_that_takes_nothing_else(provider: Provider) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert round_trip(Browser(), provider)[0].status == 303
    form, header = provider.forms[-1]
    assert (form["client_id"], form["client_secret"], header) == (CLIENT_ID, SECRET, "")


def test_without_a_secret_pkce_stands_alone(server: Server, provider: Provider) -> None:
    offered(server, sealed_secret="")
    assert round_trip(Browser(), provider)[0].status == 303
    form, header = provider.forms[-1]
    assert (form["client_id"], form.get("client_secret"), header) == (CLIENT_ID, None, "")


def test_a_secret_that_was_sealed_for_another_provider_is_not_opened(
    server: Server, provider: Provider
) -> None:
    rules = server.aws.records.get(TokenRules, tenant=TENANT)
    assert rules
    other = replace(rules.providers[0], id="other", name="Acme")
    server.aws.records.commit(Put(replace(rules, providers=(rules.providers[0], other))))
    browser = Browser()
    flow = begin(browser)
    seen = browser.get("/oauth2/federated/start", flow=flow, provider="other")
    seen = back(browser, provider.sign_in(seen.location))
    assert seen.status == 502
    assert provider.forms == []


# --- attacks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of-another-sign-in"},
        {"nonce": None},
        {"nonce": 1},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": ["another-client"], "azp": CLIENT_ID},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": ["248289761001"]},
        {"sub": "x" * 256},
        {"exp": 1},
        {"exp": None},
        {"exp": 99_999_999_999},
        {"iat": 1},
        {"iat": None},
        {"iat": 99_999_999_999},
        {"at_hash": "of-another-token"},
        {"at_hash": 7},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    server: Server, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    nobody_came(server, browser, seen, flow)


def test_several_audiences_are_taken_with_us_as_the_authorized_party(provider: Provider) -> None:
    provider.claims = {"aud": [CLIENT_ID, "another-client"], "azp": CLIENT_ID}
    assert round_trip(Browser(), provider)[0].status == 303


@pytest.mark.parametrize("kind", ["none", "hs256", "strange", "no_jwt", "missing", "own_key"])
def test_a_forged_id_token_is_refused(server: Server, provider: Provider, kind: str) -> None:
    browser = Browser()
    flow = begin(browser)
    seen = there(browser, flow)
    query = provider.sign_in(seen.location)
    claims = {
        **in_time(iss=provider.issuer, aud=CLIENT_ID, nonce=provider.asked["nonce"]),
        **provider.person,
    }
    stranger = pair("RS256", "a-strangers")
    provider.tokens["id_token"] = {
        "none": unsigned(claims),
        "hs256": by_secret(claims, provider.key.pem),
        "strange": stranger.sign(claims, {"kid": "one"}),
        "no_jwt": "not.a.token",
        "missing": None,
        "own_key": stranger.sign(claims, {"jwk": json.dumps(stranger.jwk)}),
    }[kind]
    nobody_came(server, browser, back(browser, query), flow)


@pytest.mark.parametrize("told", ["https://evil.example", None, ""], ids=str)
def test_a_mixed_up_issuer_is_refused_before_the_code_is_sent(
    server: Server, provider: Provider, told: str | None
) -> None:
    """RFC 9207 section 2.4: the provider says that it tells `iss`, so it must, and be the one."""
    provider.answered = {"iss": told}
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    assert provider.forms == []
    nobody_came(server, browser, seen, flow)


def test_a_provider_that_does_not_tell_its_issuer_need_not(provider: Provider) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": None}
    provider.answered = {"iss": None}
    assert round_trip(Browser(), provider)[0].status == 303


def test_a_state_comes_once(server: Server, provider: Provider) -> None:
    browser = Browser()
    flow = begin(browser)
    query = provider.sign_in(there(browser, flow).location)
    assert back(browser, query).status == 303
    assert len(provider.forms) == 1
    assert back(browser, query).status == 400
    assert len(provider.forms) == 1


def test_a_state_of_another_browser_signs_nobody_in(server: Server, provider: Provider) -> None:
    """Otherwise an attacker could sign a victim in as the attacker (RFC 6819 section 4.4.1.8)."""
    attacker, victim = Browser(), Browser()
    query = provider.sign_in(there(attacker, begin(attacker)).location)
    begin(victim)
    for browser in (victim, Browser()):
        assert back(browser, query).status == 400
        assert not signed_in(browser)
    assert provider.forms == []
    # It was not used up by that.
    assert back(attacker, query).status == 303


@pytest.mark.parametrize("query", ["", "code=x", "code=x&state=", "code=x&state=unknown"])
def test_a_callback_that_nobody_asked_for_is_refused(provider: Provider, query: str) -> None:
    browser = Browser()
    begin(browser)
    assert back(browser, query).status == 400
    assert provider.forms == []


def test_a_flow_of_the_sign_in_page_is_no_state(provider: Provider) -> None:
    browser = Browser()
    flow = begin(browser)
    assert back(browser, f"code=x&state={flow}").status == 400
    assert provider.forms == []


def test_a_duplicated_parameter_of_the_callback_is_refused(
    server: Server, provider: Provider
) -> None:
    browser = Browser()
    query = provider.sign_in(there(browser, begin(browser)).location)
    assert back(browser, f"{query}&code=another").status == 400
    assert provider.forms == []


def test_only_a_provider_that_the_tenant_offers_is_gone_to(provider: Provider) -> None:
    browser = Browser()
    flow = begin(browser)
    for name in ("", "other", "https://evil.example"):
        seen = browser.get("/oauth2/federated/start", flow=flow, provider=name)
        assert seen.status == 400
        assert not seen.location
    # And only from a flow of this browser.
    assert there(Browser(), flow).status == 400


def test_a_provider_that_was_changed_meanwhile_is_not_believed(
    server: Server, provider: Provider
) -> None:
    browser = Browser()
    flow = begin(browser)
    query = provider.sign_in(there(browser, flow).location)
    offered(server, client_id="another")
    nobody_came(server, browser, back(browser, query), flow)


# --- providers that do not work ------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", ["access_denied", "login_required", "server_error", "<script>alert(1)</script>"]
)
def test_an_error_of_the_provider_is_told_and_the_flow_goes_on(
    server: Server, provider: Provider, error: str
) -> None:
    provider.answered = {"code": None, "error": error, "error_description": "<b>no</b>"}
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    assert "Acme did not sign you in" in seen.text
    assert "<b>" not in seen.text
    assert "<script>" not in seen.text
    nobody_came(server, browser, seen, flow)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://["},
        {"authorization_endpoint": "https://idp.example/\r\nSet-Cookie: a=b"},
        {"token_endpoint": 7},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_a_discovery_document_that_does_not_hold_leads_nowhere(
    server: Server, provider: Provider, metadata: dict[str, Any]
) -> None:
    """OpenID Connect Discovery section 4.3: the issuer must be the very one that was asked."""
    provider.metadata = metadata
    browser = Browser()
    flow = begin(browser)
    seen = there(browser, flow)
    assert not seen.location
    nobody_came(server, browser, seen, flow)


@pytest.mark.parametrize(
    "reply",
    [(500, b""), (404, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"["), (302, b"{}")],
    ids=str,
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks"])
def test_wrong_answers_of_the_provider_are_told_and_the_flow_goes_on(
    server: Server, provider: Provider, path: str, reply: tuple[int, bytes]
) -> None:
    provider.replies[path] = reply
    browser = Browser()
    flow = begin(browser)
    seen = there(browser, flow)
    if seen.location:
        seen = back(browser, provider.sign_in(seen.location))
    nobody_came(server, browser, seen, flow)


def test_an_answer_without_end_is_cut(server: Server, provider: Provider) -> None:
    provider.replies["/.well-known/openid-configuration"] = (200, b" " * 300_000)
    browser = Browser()
    flow = begin(browser)
    nobody_came(server, browser, there(browser, flow), flow)


def test_a_provider_that_is_down_is_told_and_the_flow_goes_on(server: Server, sealed: str) -> None:
    with serving(Provider()) as provider:
        offer(server, provider, sealed_secret=sealed)
        browser = Browser()
        flow = begin(browser)
    nobody_came(server, browser, there(browser, flow), flow)


def test_a_slow_provider_is_not_waited_for(server: Server, provider: Provider) -> None:
    browser = Browser()
    flow = begin(browser)
    provider.slow = 6
    seen = there(browser, flow)
    assert seen.status == 502
    provider.slow = 0
    assert back(browser, provider.sign_in(there(browser, flow).location)).status == 303


def test_an_internal_address_is_no_provider(server: Server, provider: Provider) -> None:
    offered(server, issuer="http://169.254.169.254")
    browser = Browser()
    flow = begin(browser)
    nobody_came(server, browser, there(browser, flow), flow)


# --- who that is here ----------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"name": KIM}, {"name": "kimmy", "email": KIM.upper()}])
def test_a_user_of_the_same_name_or_address_is_not_taken_over(
    server: Server, provider: Provider, fields: dict[str, str]
) -> None:
    given = {"password": "a fine password", **fields}
    local = server.accounts.create(server.caller, **given)  # type: ignore[arg-type]
    try:
        browser = Browser()
        seen, _ = round_trip(browser, provider)
        assert seen.status == 409
        assert not signed_in(browser)
        assert server.accounts.get(TENANT, local.name) == local
        # Not by an address that the provider did not verify, either.
        provider.person["email_verified"] = False
        assert round_trip(browser, provider)[0].status in (403, 409)
    finally:
        server.accounts.delete(server.caller, server.accounts.get(TENANT, local.name))


def test_an_address_that_is_not_verified_names_nobody(server: Server, provider: Provider) -> None:
    provider.person["email_verified"] = False
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    nobody_came(server, browser, seen, flow)


def test_an_address_that_is_not_verified_is_not_kept(server: Server, provider: Provider) -> None:
    offered(server, user_claim="sub")
    provider.person["email_verified"] = False
    assert round_trip(Browser(), provider)[0].status == 303
    user = server.accounts.get(TENANT, "248289761001")
    assert (user.email, user.claims) == ("", {})


@pytest.mark.parametrize("name", ["", "a/b", "a b", "x" * 101, "a\r\nb", 7, None])
def test_a_name_that_cannot_be_one_is_refused(
    server: Server, provider: Provider, name: Any
) -> None:
    offered(server, user_claim="preferred_username")
    provider.person["preferred_username"] = name
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    nobody_came(server, browser, seen, flow)


def test_roles_follow_the_mapping_at_each_sign_in(server: Server, provider: Provider) -> None:
    offered(
        server,
        role_claim="groups",
        roles={"staff": CREATOR, "leads": PUBLISHER},
        default_roles=(SUBSCRIBER,),
    )
    provider.person["groups"] = ["staff", "unknown", 7, "admin"]
    round_trip(Browser(), provider)
    kim = server.accounts.get(TENANT, KIM)
    assert kim.roles == (SUBSCRIBER, CREATOR)
    # What an administrator gave stays; what the mapping knows goes with it.
    server.accounts.update(server.caller, kim, roles=[*kim.roles, "barista"])
    provider.person["groups"] = "leads"
    round_trip(Browser(), provider)
    assert server.accounts.get(TENANT, KIM).roles == ("barista", SUBSCRIBER, PUBLISHER)
    provider.person.pop("groups")
    round_trip(Browser(), provider)
    assert server.accounts.get(TENANT, KIM).roles == ("barista", SUBSCRIBER)


def test_what_the_id_token_lacks_is_asked_of_userinfo(server: Server, provider: Provider) -> None:
    provider.userinfo = {"email": provider.person.pop("email"), "sub": provider.person["sub"]}
    assert round_trip(Browser(), provider)[0].status == 303
    assert server.accounts.get(TENANT, KIM).email == KIM


def test_userinfo_about_somebody_else_is_refused(server: Server, provider: Provider) -> None:
    """OpenID Connect Core section 5.3.2."""
    provider.userinfo = {"email": provider.person.pop("email"), "sub": "somebody-else"}
    browser = Browser()
    seen, flow = round_trip(browser, provider)
    nobody_came(server, browser, seen, flow)


def test_who_is_no_longer_active_here_does_not_come_in(server: Server, provider: Provider) -> None:
    round_trip(Browser(), provider)
    server.accounts.update(server.caller, server.accounts.get(TENANT, KIM), active=False)
    browser = Browser()
    assert round_trip(browser, provider)[0].status == 403
    assert not signed_in(browser)


def test_a_link_is_not_for_the_next_user_of_the_name(server: Server, provider: Provider) -> None:
    round_trip(Browser(), provider)
    server.accounts.delete(server.caller, server.accounts.get(TENANT, KIM))
    local = server.accounts.create(server.caller, KIM, "a fine password")
    browser = Browser()
    assert round_trip(browser, provider)[0].status == 409
    assert server.accounts.get(TENANT, KIM) == local


def test_the_same_sub_of_another_provider_is_somebody_else(
    server: Server, provider: Provider, sealed: str
) -> None:
    round_trip(Browser(), provider)
    with serving(Provider()) as other:
        other.person["email"] = "other@company.example"
        offer(server, other, sealed_secret=sealed)
        assert round_trip(Browser(), other)[0].status == 303
    ids = {server.accounts.get(TENANT, name).id for name in (KIM, "other@company.example")}
    assert len(ids) == 2
    links = server.aws.records.list(ExternalUser, tenant=TENANT, provider="acme")
    assert ids <= {link.user_id for link in links}


def test_a_new_user_cannot_sign_in_with_any_password(server: Server, provider: Provider) -> None:
    round_trip(Browser(), provider)
    _, credentials = server.client("of-kim")
    form = {"grant_type": "password", "username": KIM, "password": ""}
    for password in ("x", NO_PASSWORD.text, "portico"):
        answer = server.token({**form, "password": password}, basic=credentials)
        assert answer.json["error"] == "invalid_grant"


def test_the_state_and_who_waits_are_not_in_the_clear(server: Server, provider: Provider) -> None:
    browser = Browser()
    seen = there(browser, begin(browser))
    state = seen.query["state"]
    kept = server.aws.records.get(Flow, tenant=TENANT, digest=digest(state))
    assert kept
    assert state not in repr(kept)
    assert kept.browser == digest(browser.jar["portico-browser"][0])


def test_the_last_administrator_stays_one(server: Server, provider: Provider) -> None:
    offered(server, role_claim="groups", roles={"bosses": ADMIN})
    provider.person["groups"] = ["bosses"]
    round_trip(Browser(), provider)
    server.accounts.update(server.caller, server.accounts.get(TENANT, "admin"), active=False)
    try:
        provider.person["groups"] = []
        assert round_trip(Browser(), provider)[0].status == 303
        assert server.accounts.get(TENANT, KIM).roles == (ADMIN,)
    finally:
        server.accounts.update(server.caller, server.accounts.get(TENANT, "admin"), active=True)
