"""Signing in and consenting in a real browser without JavaScript, on the deployed stack: all the
way to an application of its own origin, and to the tokens.
"""

import base64
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import fits
from tests.deployed import Stack

VERIFIER = "a-verifier-that-is-long-enough-for-rfc-7636-43"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


@dataclass
class Application:
    """An application that waits for the browser to come back, on a port of its own."""

    url: str
    answers: list[dict[str, str]] = field(default_factory=list)
    client: dict[str, Any] = field(default_factory=dict)
    stack: Stack | None = None

    def begin(self, page: Page, **more: str) -> None:
        """Send the browser to the authorization endpoint."""
        assert self.stack
        parameters = {
            "response_type": "code",
            "client_id": self.client["clientId"],
            "redirect_uri": self.url,
            "scope": "openid profile apim:subscribe apim:app_manage",
            "state": "a state & more",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **more,
        }
        page.goto(f"{self.stack.endpoints['gateway']}/oauth2/authorize?{urlencode(parameters)}")


@pytest.fixture
def application(stack: Stack, page: Page) -> Iterator[Application]:
    """A client of its own for each width, so that nobody has consented before."""
    answers: list[dict[str, str]] = []

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._tell(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._tell(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _tell(self, text: str) -> None:
            if self.path.startswith("/callback"):
                answers.append(dict(parse_qsl(text)))
            body = b"<!doctype html><title>Shop</title><h1>Welcome back</h1>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/callback"
    developer = next(one for one in stack.endpoints["users"] if one["name"] == "developer")
    registered = stack.http.post(
        f"{stack.endpoints['gateway']}/client-registration/v0.17/register",
        auth=("developer", developer["password"]),
        json={
            "callbackUrl": url,
            "clientName": f"Pizza Shop {server.server_port}",
            "owner": "developer",
            "grantType": "authorization_code refresh_token",
            "saasApp": True,
        },
    )
    assert registered.status_code == 200, registered.text
    yield Application(url, answers, registered.json(), stack)
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(page: Page, stack: Stack, name: str = "developer") -> None:
    user = next(one for one in stack.endpoints["users"] if one["name"] == name)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(user["password"])
    page.keyboard.press("Enter")


def test_signing_in_and_allowing_leads_to_tokens(
    page: Page, stack: Stack, application: Application
) -> None:
    """RFC 6749 section 4.1, RFC 7636, RFC 9207, OpenID Connect Core section 3.1."""
    application.begin(page)
    expect(page.get_by_text("to continue to Pizza Shop")).to_be_visible()
    expect(page.get_by_label("User name")).to_be_focused()
    fits(page)
    sign_in(page, stack)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Allow Pizza Shop")
    expect(page.get_by_text("See your name")).to_be_visible()
    # What is too much for most people opens without a script.
    expect(page.get_by_text("apim:app_manage")).to_be_hidden()
    page.get_by_text("2 permissions").click()
    expect(page.get_by_text("apim:app_manage")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    (answer,) = application.answers
    gateway = stack.endpoints["gateway"]
    assert (answer["state"], answer["iss"]) == ("a state & more", f"{gateway}/oauth2/token")
    tokens = stack.http.post(
        f"{gateway}/oauth2/token",
        auth=(application.client["clientId"], application.client["clientSecret"]),
        data={
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": application.url,
            "code_verifier": VERIFIER,
        },
    )
    assert tokens.status_code == 200, tokens.text
    assert set(tokens.json()["scope"].split()) == {
        "openid",
        "profile",
        "apim:subscribe",
        "apim:app_manage",
    }
    assert tokens.json()["id_token"]
    # Once signed in and allowed, nothing is asked.
    application.begin(page, state="again")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert application.answers[-1]["state"] == "again"
    # From the sign-in form straight to the application: its origin is one that the form may reach.
    application.begin(page, state="afresh", prompt="login")
    sign_in(page, stack)
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert application.answers[-1]["state"] == "afresh"


def test_a_wrong_password_is_told_and_denying_is_heard(
    page: Page, stack: Stack, application: Application
) -> None:
    """RFC 6749 section 4.1.2.1."""
    application.begin(page)
    page.get_by_label("User name").fill("nobody-of-this-name")
    page.get_by_label("Password").fill("not-the-one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("user name or password is wrong")
    expect(page.get_by_label("Password")).to_be_focused()
    fits(page)
    sign_in(page, stack, "admin")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert application.answers[-1]["error"] == "access_denied"
    assert "code" not in application.answers[-1]


def test_a_form_post_takes_one_press_of_a_button(
    page: Page, stack: Stack, application: Application
) -> None:
    """OAuth 2.0 Form Post Response Mode."""
    application.begin(page, response_mode="form_post")
    sign_in(page, stack)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Almost there")).to_be_visible()
    fits(page)
    assert application.answers == []
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert set(application.answers[-1]) == {"code", "state", "iss"}


def test_an_untrusted_redirect_uri_stays_on_our_page(page: Page, application: Application) -> None:
    """RFC 6749 section 4.1.2.1."""
    application.begin(page, redirect_uri=application.url + "/../evil")
    expect(page.get_by_role("alert")).to_contain_text("redirect URI")
    expect(page.get_by_role("heading", level=1)).to_have_text("This request cannot be answered")
    fits(page)
    assert application.answers == []


def test_an_account_can_be_chosen(page: Page, stack: Stack, application: Application) -> None:
    """OpenID Connect Core section 3.1.2.1, `prompt=select_account`."""
    application.begin(page)
    sign_in(page, stack)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    application.begin(page, prompt="select_account")
    fits(page)
    page.get_by_role("button", name="Continue as developer").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert len(application.answers) == 2
