"""The device grant over its endpoints and pages (RFC 8628), with a browser."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.token import handler as function
from portico.domain.application import NO_SECRET, Client
from portico.domain.authorization import DeviceGrant
from portico.domain.records import Replace
from portico.services.browser_sessions import BrowserSessions
from portico.services.clients import digest
from portico.services.devices import GRANT_TYPE
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server

GRANTS = (GRANT_TYPE, "refresh_token")
GATEWAY = "http://127.0.0.1:8280"
Start = Callable[..., dict[str, Any]]


@pytest.fixture
def tv(server: Server, request: pytest.FixtureRequest) -> Client:
    """A public client, as an application on a device is."""
    made, _ = server.client(f"Big TV {request.node.name}"[:100], grant_types=GRANTS)
    server.aws.records.commit(Replace(replace(made, auth_method=NO_SECRET, secrets=())))
    return made


@pytest.fixture
def begun(server: Server, tv: Client) -> dict[str, Any]:
    answer = server.call(
        "POST",
        "/oauth2/device_authorize",
        {"client_id": tv.client_id, "scope": "openid email apim:api_view"},
    )
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json
    return told


def poll(server: Server, client: Client, begun: dict[str, Any]) -> Any:
    asked = {
        "grant_type": GRANT_TYPE,
        "device_code": begun["device_code"],
        "client_id": client.client_id,
    }
    return server.token(asked)


def enter(browser: Browser, code: str) -> Seen:
    page = browser.get("/oauth2/device")
    assert page.status == 200
    return browser.post("/oauth2/device", {**page.hidden, "user_code": code})


def sign_in(browser: Browser, seen: Seen) -> Seen:
    assert seen.location.startswith("/oauth2/login?flow="), seen
    page = browser.get(seen.location)
    return browser.post(
        "/oauth2/login", {**page.hidden, "username": "jane", "password": JANE_PASSWORD}
    )


def question(browser: Browser, seen: Seen) -> Seen:
    assert seen.location.startswith("/oauth2/device/confirm?flow="), seen
    page = browser.get(seen.location)
    assert page.status == 200, page.text
    return page


def test_the_answer_of_section_3_2(begun: dict[str, Any], server: Server) -> None:
    assert begun["verification_uri"] == f"{GATEWAY}/oauth2/device"
    assert begun["verification_uri_complete"] == (
        f"{GATEWAY}/oauth2/device?user_code={begun['user_code']}"
    )
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert begun["user_code"][4] == "-"
    assert len(begun["user_code"]) == 9
    key = {"tenant": TENANT, "digest": digest(begun["device_code"])}
    assert server.aws.records.get(DeviceGrant, **key)


def test_a_device_is_allowed_in_a_browser_and_gets_its_tokens(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    browser = Browser()
    assert poll(server, tv, begun).json["error"] == "authorization_pending"
    page = question(browser, sign_in(browser, enter(browser, begun["user_code"].lower())))
    assert begun["user_code"] in page.text
    assert "Big TV" in page.text
    assert "jane" in page.text
    assert "e-mail address" in page.text

    done = browser.post("/oauth2/device/confirm", {**page.hidden, "decision": "allow"})

    assert done.status == 200
    assert "connected" in done.text
    answer = poll(server, tv, begun)
    assert answer.status == 200, answer.text
    claims = server.claims(answer.json["access_token"])
    assert claims["sub"] == "jane@carbon.super"
    assert claims["scope"] == "openid email apim:api_view"
    assert answer.json["id_token"]
    assert answer.json["refresh_token"]
    again = poll(server, tv, begun)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


def test_who_is_signed_in_is_asked_at_once(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    browser = Browser()
    first = question(browser, sign_in(browser, enter(browser, begun["user_code"])))
    browser.post("/oauth2/device/confirm", {**first.hidden, "decision": "deny"})
    assert poll(server, tv, begun).json["error"] == "access_denied"
    more = server.call("POST", "/oauth2/device_authorize", {"client_id": tv.client_id}).json

    page = question(browser, enter(browser, more["user_code"]))

    assert more["user_code"] in page.text


def test_the_complete_address_fills_the_code_in_and_nothing_more(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    """RFC 8628 section 3.3.1: the user still compares and sends it."""
    page = Browser().get(begun["verification_uri_complete"].removeprefix(GATEWAY))

    assert f'value="{begun["user_code"]}"' in page.text
    assert poll(server, tv, begun).json["error"] == "authorization_pending"


def test_what_is_no_code_is_not_shown_back_in_the_form(server: Server) -> None:
    page = Browser().get("/oauth2/device", user_code='"><script>alert(1)</script>')

    assert page.status == 200
    assert "script" not in page.text


def test_a_wrong_code_is_told_so_and_the_right_one_then_serves(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    browser = Browser(address="203.0.113.40")

    wrong = enter(browser, "BBBB-BBBB")

    assert wrong.status == 400
    assert 'role="alert"' in wrong.text
    assert 'value="BBBB-BBBB"' in wrong.text
    assert enter(browser, begun["user_code"]).status == 303


def test_guessing_codes_is_stopped_with_a_page(server: Server, begun: dict[str, Any]) -> None:
    """RFC 8628 section 5.1."""
    browser = Browser(address="203.0.113.41")
    for _ in range(20):
        assert enter(browser, "CCCC-CCCC").status == 400

    stopped = enter(browser, begun["user_code"])

    assert stopped.status == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= 301


def test_another_browser_cannot_answer_for_the_user(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    browser, other = Browser(), Browser()
    page = question(browser, sign_in(browser, enter(browser, begun["user_code"])))

    seen = other.post("/oauth2/device/confirm", {**page.hidden, "decision": "allow"})

    assert seen.status == 400
    assert poll(server, tv, begun).json["error"] == "authorization_pending"


def test_the_question_is_not_answered_without_the_session_that_it_was_for(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    browser = Browser()
    page = question(browser, sign_in(browser, enter(browser, begun["user_code"])))
    browser.jar = {name: kept for name, kept in browser.jar.items() if "session" not in name}

    seen = browser.post("/oauth2/device/confirm", {**page.hidden, "decision": "allow"})

    assert seen.location.startswith("/oauth2/login?flow=")
    assert poll(server, tv, begun).json["error"] == "authorization_pending"


def test_who_signed_in_elsewhere_meanwhile_does_not_answer_by_accident(
    server: Server, tv: Client, begun: dict[str, Any]
) -> None:
    """The page asked Jane; the browser has since signed in as somebody else in another window."""
    browser = Browser()
    page = question(browser, sign_in(browser, enter(browser, begun["user_code"])))
    wiring = function.wiring()
    admin = server.accounts.get(TENANT, "admin")
    value, _ = BrowserSessions(wiring.records, wiring.clock).begin(admin, ["pwd"])
    name = next(name for name in browser.jar if "session" in name)
    browser.jar[name] = (value, "/oauth2")

    seen = browser.post("/oauth2/device/confirm", {**page.hidden, "decision": "allow"})

    assert seen.location.startswith("/oauth2/login?flow=")
    assert poll(server, tv, begun).json["error"] == "authorization_pending"


@pytest.mark.parametrize("path", ["/oauth2/device", "/oauth2/device/confirm"])
def test_another_sites_form_is_refused(
    server: Server, tv: Client, begun: dict[str, Any], path: str
) -> None:
    browser = Browser()
    page = question(browser, sign_in(browser, enter(browser, begun["user_code"])))
    fields = {**page.hidden, "decision": "allow", "user_code": begun["user_code"]}

    seen = browser.post(path, fields, **{"sec-fetch-site": "cross-site"})

    assert seen.status == 403
    assert poll(server, tv, begun).json["error"] == "authorization_pending"


@pytest.mark.parametrize("decision", ["", "perhaps"])
def test_a_form_without_a_decision_decides_nothing(
    server: Server, tv: Client, begun: dict[str, Any], decision: str
) -> None:
    browser = Browser()
    page = question(browser, sign_in(browser, enter(browser, begun["user_code"])))

    seen = browser.post("/oauth2/device/confirm", {**page.hidden, "decision": decision})

    assert seen.status == 400
    assert poll(server, tv, begun).json["error"] == "authorization_pending"


def test_a_tenants_address_leads_to_the_page_with_our_cookies(server: Server) -> None:
    seen = Browser().get("/t/acme.example/oauth2/device", user_code="wdjb-mjht")

    assert seen.location == "/oauth2/device?tenant=acme.example&user_code=WDJB-MJHT"
    assert Browser().get(seen.location).hidden == {"tenant": "acme.example"}


def test_clients_without_the_grant_get_no_codes(server: Server) -> None:
    _, credentials = server.client("no tv")

    answer = server.call("POST", "/oauth2/device_authorize", {"scope": "openid"}, basic=credentials)

    assert (answer.status, answer.json["error"]) == (400, "unauthorized_client")


def test_an_unknown_client_gets_no_codes(server: Server) -> None:
    answer = server.call("POST", "/oauth2/device_authorize", {"client_id": "nobody"})

    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_a_confidential_client_must_prove_itself(server: Server) -> None:
    client, credentials = server.client("console", grant_types=GRANTS)

    bare = server.call("POST", "/oauth2/device_authorize", {"client_id": client.client_id})
    proved = server.call("POST", "/oauth2/device_authorization", {}, basic=credentials)

    assert (bare.status, bare.json["error"]) == (401, "invalid_client")
    assert proved.status == 200, proved.text


def test_a_poll_without_a_code_is_an_invalid_request(server: Server, tv: Client) -> None:
    answer = server.token({"grant_type": GRANT_TYPE, "client_id": tv.client_id})

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
