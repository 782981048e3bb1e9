"""What only some libraries can, and applications only some have: private_key_jwt, pushed requests,
public clients, signing out, registering by themselves; and answers that a client must refuse.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from joserfc.jwk import ECKey

from tests.clients.applications import (
    CALLBACK,
    DEVICE,
    MENU,
    SIGNED_OUT,
    Application,
    issuer_of,
    registered,
    subscribed,
)
from tests.clients.browsing import Browser
from tests.clients.library import Library, Refused
from tests.clients.with_authlib import Authlib
from tests.clients.with_node import Oauth4webapi, OpenidClient, Script
from tests.deployed import Person, Stack, eventually

SCOPE = "openid email"
# The npm packages go by the status 401 and its challenge, before they read the error in the body.
UNPROVED = "invalid_client|OAUTH_WWW_AUTHENTICATE_CHALLENGE"
Open = Callable[[type[Any], Application], Any]
SIGNING = pytest.mark.parametrize(
    "kind",
    [Authlib, OpenidClient, Oauth4webapi],
    ids=["authlib", "openid-client", "oauth4webapi"],
)
STRICT = pytest.mark.parametrize(
    "kind", [OpenidClient, Oauth4webapi], ids=["openid-client", "oauth4webapi"]
)
LEAVING = pytest.mark.parametrize("kind", [Authlib, OpenidClient], ids=["authlib", "openid-client"])


def signing(stack: Stack, developer: Person, **metadata: Any) -> Application:
    """A client with a key pair, whose public half is registered."""
    key = ECKey.generate_key("P-256", {"kid": "shop-1", "use": "sig", "alg": "ES256"})
    return registered(
        stack,
        developer,
        key=key.as_dict(private=True),
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
        **metadata,
    )


def with_parameter(address: str, name: str, value: str | None) -> str:
    """The address with another value of a parameter of its query; None takes it out."""
    parts = urlsplit(address)
    pairs = [(one, text) for one, text in parse_qsl(parts.query) if one != name]
    pairs += [] if value is None else [(name, value)]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


@SIGNING
def test_private_key_jwt(
    kind: type[Library], opened: Open, stack: Stack, developer: Person, browser: Browser
) -> None:
    """RFC 7523 section 2.2, OpenID Connect Core section 9: at every endpoint that asks for it."""
    client = opened(kind, signing(stack, developer))
    tokens = client.finish(browser.authorize(client.begin(SCOPE), CALLBACK))
    assert tokens["claims"]["sub"] == browser.subject
    assert client.client_credentials()["access_token"]
    assert client.introspect(tokens["access_token"])["active"] is True
    renewed = client.refresh(tokens["refresh_token"])
    client.revoke(renewed["refresh_token"])
    with pytest.raises(Refused, match="invalid_grant"):
        client.refresh(renewed["refresh_token"])


@SIGNING
def test_client_secret_post(
    kind: type[Library], opened: Open, stack: Stack, developer: Person, browser: Browser
) -> None:
    """RFC 6749 section 2.3.1: the secret in the body, and no other way for such a client."""
    application = registered(stack, developer, token_endpoint_auth_method="client_secret_post")
    client = opened(kind, application)
    tokens = client.finish(browser.authorize(client.begin(SCOPE), CALLBACK))
    assert client.introspect(tokens["access_token"])["active"] is True
    client.revoke(tokens["refresh_token"])
    assert client.introspect(tokens["access_token"]) == {"active": False}
    with_header = opened(kind, replace(application, method="client_secret_basic"))
    with pytest.raises(Refused, match=UNPROVED):
        with_header.client_credentials()


@SIGNING
def test_private_key_jwt_with_another_key_is_refused(
    kind: type[Library], opened: Open, stack: Stack, developer: Person
) -> None:
    application, other = signing(stack, developer), signing(stack, developer)
    client = opened(kind, replace(application, key=other.key))
    with pytest.raises(Refused, match=UNPROVED):
        client.client_credentials()


@STRICT
def test_a_pushed_authorization_request(
    kind: type[Any], opened: Open, stack: Stack, developer: Person, browser: Browser
) -> None:
    """RFC 9126, for a client that may not ask in any other way."""
    application = signing(stack, developer, require_pushed_authorization_requests=True)
    client = opened(kind, application)
    refused = browser.authorize(client.begin(SCOPE), CALLBACK)
    with pytest.raises(Refused, match="invalid_request"):
        client.finish(refused)
    address = client.push(SCOPE)
    asked = parse_qs(urlsplit(address).query)
    assert set(asked) == {"client_id", "request_uri"}
    tokens = client.finish(browser.authorize(address, CALLBACK))
    assert tokens["claims"]["sub"] == browser.subject


def test_a_public_client_with_pkce_on_a_loopback_port(
    library: type[Library], opened: Open, stack: Stack, developer: Person, browser: Browser
) -> None:
    """RFC 8252 section 7.3: the port is the application's choice at that moment. No secret."""
    application = subscribed(
        stack,
        developer,
        registered_uri="http://127.0.0.1/callback",
        redirect_uri="http://127.0.0.1:49731/callback",
        grants=["authorization_code", "refresh_token", DEVICE],
        bypassClientCredentials=True,
    )
    assert (application.method, application.client_secret) == ("none", "")
    client = opened(library, application)
    address = client.begin(SCOPE)
    unprotected = with_parameter(address, "code_challenge", None)
    refused = parse_qs(urlsplit(browser.authorize(unprotected, application.redirect_uri)).query)
    assert refused["error"] == ["invalid_request"]
    tokens = client.finish(browser.authorize(address, application.redirect_uri))
    assert tokens["claims"]["sub"] == browser.subject
    eventually(lambda: stack.call(MENU, tokens["access_token"]).status_code == 200)
    renewed = client.refresh(tokens["refresh_token"])
    client.revoke(renewed["refresh_token"])
    with pytest.raises(Refused, match="invalid_grant"):
        client.refresh(renewed["refresh_token"])


@LEAVING
def test_signing_out_at_the_application_s_wish(
    kind: type[Any], opened: Open, stack: Stack, developer: Person, browser: Browser
) -> None:
    """OpenID Connect RP-Initiated Logout 1.0 section 2: no question, and back with the state."""
    application = registered(stack, developer, post_logout_redirect_uris=[SIGNED_OUT])
    client = opened(kind, application)
    tokens = client.finish(browser.authorize(client.begin(SCOPE), CALLBACK))
    browser.headings.clear()
    client.finish(browser.authorize(client.begin(SCOPE), CALLBACK))
    assert browser.headings == []  # still signed in: not a page was shown
    address = client.leave(tokens["id_token"], SIGNED_OUT, "a state & more")
    assert address.startswith(f"{stack.endpoints['gateway']}/oidc/logout?")
    back = browser.authorize(address, SIGNED_OUT)
    assert parse_qs(urlsplit(back).query) == {"state": ["a state & more"]}
    assert browser.headings == []
    client.finish(browser.authorize(client.begin(SCOPE), CALLBACK))
    assert browser.headings == ["Sign in"]


def test_openid_client_registers_itself(stack: Stack, developer: Person) -> None:
    """RFC 7591 with an initial access token; the answer is one that the package accepts."""
    answer = stack.http.post(
        f"{stack.endpoints['token']}/oauth2/token",
        auth=(developer.client["clientId"], developer.client["clientSecret"]),
        data={
            "grant_type": "password",
            "username": developer.name,
            "password": developer.password,
            "scope": "apim:dcr:app_manage",
        },
    )
    wish = {
        "client_name": "Self-made",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
    }
    script = Script("openid_client.mjs")
    try:
        token = answer.json()["access_token"]
        made = script.do("register", issuer=issuer_of(stack), token=token, metadata=wish)
        assert made["client_id"]
        assert made["client_secret"]
        assert made["redirect_uris"] == [CALLBACK]
        wish["redirect_uris"] = ["https://shop.example/callback#fragment"]
        with pytest.raises(Refused, match="invalid_redirect_uri"):
            script.do("register", issuer=issuer_of(stack), token=token, metadata=wish)
    finally:
        script.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("iss", "https://attacker.example"), ("iss", None), ("state", "another")],
    ids=["another issuer", "no issuer", "another state"],
)
@STRICT
def test_an_answer_that_is_not_ours_is_not_taken_for_ours(
    kind: type[Library],
    name: str,
    value: str | None,
    opened: Open,
    stack: Stack,
    developer: Person,
    browser: Browser,
) -> None:
    """RFC 9207 section 2.4: what our metadata announce makes clients refuse mixed-up answers."""
    client = opened(kind, registered(stack, developer))
    callback = browser.authorize(client.begin(SCOPE), CALLBACK)
    with pytest.raises(Refused, match="OAUTH_INVALID_RESPONSE"):
        client.finish(with_parameter(callback, name, value))
    assert client.finish(callback)["access_token"]
