"""The steps of an authorization in a browser, for all tests that need one."""

import base64
import hashlib

from portico.domain.application import Client
from portico.domain.authorization import Code
from portico.services.clients import digest
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server

CALLBACK = "https://app.example/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-rfc-7636-43"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
ISSUER = "http://127.0.0.1:8280/oauth2/token"
AUTHORIZE = "/oauth2/authorize"
GRANTS = ("authorization_code", "refresh_token", "password")


def asking(client: Client, **more: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "state": "a state & more",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }


def sign_in(
    browser: Browser, seen: Seen, name: str = "jane", password: str = JANE_PASSWORD
) -> Seen:
    """From the redirect to the sign-in page on to what follows it."""
    assert seen.status == 303, seen
    assert seen.location.startswith("/oauth2/login?flow="), seen
    page = browser.get(seen.location)
    assert page.status == 200, page
    return browser.post("/oauth2/login", {**page.hidden, "username": name, "password": password})


def decide(browser: Browser, seen: Seen, decision: str = "allow") -> Seen:
    """From the redirect to the consent page on to what follows it."""
    assert seen.location.startswith("/oauth2/consent?flow="), seen
    page = browser.get(seen.location)
    assert page.status == 200, page
    return browser.post("/oauth2/consent", {**page.hidden, "decision": decision})


def signed_in(browser: Browser, client: Client) -> None:
    """Jane is signed in with this browser, and has allowed the client openid and email."""
    asked = browser.get(AUTHORIZE, **asking(client, prompt="consent"))
    seen = decide(browser, sign_in(browser, asked))
    assert "code" in seen.query, seen


def code_of(server: Server, seen: Seen) -> Code:
    assert seen.location.startswith(CALLBACK + "?"), seen
    found = server.aws.records.get(Code, tenant=TENANT, digest=digest(seen.query["code"]))
    assert found
    return found
