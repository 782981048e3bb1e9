"""The eight journeys that every client library walks: discovery, code with PKCE, refresh, client
credentials, device, introspection, revocation, userinfo. On the deployed stack, with the libraries
as strict as they are.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.clients.applications import MENU, Application, issuer_of
from tests.clients.browsing import Browser
from tests.clients.library import Library, Refused
from tests.deployed import Stack, eventually

SCOPE = "openid profile email"
ENDPOINTS = {
    "authorization_endpoint": "/oauth2/authorize",
    "token_endpoint": "/oauth2/token",
    "userinfo_endpoint": "/oauth2/userinfo",
    "jwks_uri": "/oauth2/jwks",
    "revocation_endpoint": "/oauth2/revoke",
    "introspection_endpoint": "/oauth2/introspect",
    "device_authorization_endpoint": "/oauth2/device_authorize",
    "pushed_authorization_request_endpoint": "/oauth2/par",
    "end_session_endpoint": "/oidc/logout",
    "registration_endpoint": "/oauth2/register",
}


def signed_in(client: Library, browser: Browser, application: Application) -> dict[str, Any]:
    """The tokens of a user who signs in and allows everything."""
    address = client.begin(SCOPE)
    return client.finish(browser.authorize(address, application.redirect_uri))


def password_of(stack: Stack, name: str) -> str:
    user = next(one for one in stack.endpoints["users"] if one["name"] == name)
    return str(user["password"])


def test_discovery_oidc_and_rfc_8414(client: Library, stack: Stack) -> None:
    found = client.discover()
    assert found["issuer"] == issuer_of(stack)
    gateway = stack.endpoints["gateway"]
    assert {name: found[name] for name in ENDPOINTS} == {
        name: gateway + path for name, path in ENDPOINTS.items()
    }
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True


def test_code_with_pkce_signs_a_user_in_and_its_token_calls_an_api(
    client: Library, application: Application, browser: Browser, stack: Stack
) -> None:
    """RFC 6749 section 4.1, RFC 7636, RFC 9207, OpenID Connect Core section 3.1."""
    address = client.begin(SCOPE)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    callback = browser.authorize(address, application.redirect_uri)
    answer = parse_qs(urlsplit(callback).query)
    assert answer["iss"] == [issuer_of(stack)]
    assert answer["state"] == asked["state"]
    tokens = client.finish(callback)
    assert tokens["token_type"].lower() == "bearer"
    assert tokens["expires_in"] > 0
    claims = tokens["claims"]
    assert claims["iss"] == issuer_of(stack)
    assert claims["aud"] == application.client_id
    assert claims["sub"] == browser.subject
    assert claims["nonce"] == asked["nonce"][0]
    assert claims["at_hash"]
    eventually(lambda: stack.call(MENU, tokens["access_token"]).status_code == 200)
    with pytest.raises(Refused, match="invalid_grant"):
        client.finish(callback)  # RFC 6749 section 4.1.2: a code is for once


def test_refresh_rotates_the_token(
    client: Library, application: Application, browser: Browser
) -> None:
    """RFC 6749 section 6, RFC 9700 section 4.14.2."""
    first = signed_in(client, browser, application)
    second = client.refresh(first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    third = client.refresh(second["refresh_token"])
    with pytest.raises(Refused, match="invalid_grant"):
        client.refresh(first["refresh_token"])
    with pytest.raises(Refused, match="invalid_grant"):
        client.refresh(third["refresh_token"])  # the whole family went with the reuse


def test_client_credentials(client: Library, stack: Stack) -> None:
    """RFC 6749 section 4.4: no refresh token, and a token that calls APIs."""
    tokens = client.client_credentials()
    assert "refresh_token" not in tokens
    assert "id_token" not in tokens
    eventually(lambda: stack.call(MENU, tokens["access_token"]).status_code == 200)


def test_device(client: Library, browser: Browser, stack: Stack) -> None:
    """RFC 8628: the library polls while the user types the code in."""
    begun = client.device(SCOPE)
    with ThreadPoolExecutor(1) as pool:
        tokens = pool.submit(client.poll)
        heading = browser.connect(begun["verification_uri"], begun["user_code"])
        assert heading == "The device is connected"
        found = tokens.result(60)
    assert browser.headings[0] == "Connect a device"
    assert found["claims"]["sub"] == browser.subject
    assert found["refresh_token"]
    assert stack.call(MENU, found["access_token"]).status_code == 200


def test_a_device_that_the_user_denies(client: Library, stack: Stack) -> None:
    """RFC 8628 section 3.5: `access_denied` ends the polling."""
    begun = client.device(SCOPE)
    with Browser("creator", password_of(stack, "creator"), decision="deny") as creator:
        heading = creator.connect(begun["verification_uri_complete"], begun["user_code"])
    assert heading == "The device was refused"
    with pytest.raises(Refused, match="access_denied"):
        client.poll()


def test_introspection(client: Library, application: Application, browser: Browser) -> None:
    """RFC 7662."""
    tokens = signed_in(client, browser, application)
    found = client.introspect(tokens["access_token"])
    assert found["active"] is True
    assert found["client_id"] == application.client_id
    assert found["sub"] == browser.subject
    assert set(found["scope"].split()) == set(SCOPE.split())
    assert client.introspect(tokens["refresh_token"])["active"] is True
    assert client.introspect("not a token") == {"active": False}


def test_revocation(client: Library, application: Application, browser: Browser) -> None:
    """RFC 7009: one token ends; a refresh token takes its access token along (section 2.1)."""
    first, second = (signed_in(client, browser, application) for _ in range(2))
    client.revoke(first["access_token"])
    assert client.introspect(first["access_token"]) == {"active": False}
    assert client.introspect(second["access_token"])["active"] is True
    client.revoke(second["refresh_token"])
    assert client.introspect(second["access_token"]) == {"active": False}
    with pytest.raises(Refused, match="invalid_grant"):
        client.refresh(second["refresh_token"])
    client.revoke("not a token")  # section 2.2: no error


def test_userinfo(
    client: Library, application: Application, browser: Browser, stack: Stack
) -> None:
    """OpenID Connect Core section 5.3: the claims of the scopes that were granted."""
    tokens = signed_in(client, browser, application)
    found = client.userinfo(tokens["access_token"], tokens["claims"]["sub"])
    user = next(one for one in stack.endpoints["users"] if one["name"] == browser.name)
    assert found["sub"] == browser.subject
    assert found["email"] == user["email"]
    assert "phone_number" not in found


def test_a_user_who_denies_is_told_to_the_application(
    client: Library, application: Application, stack: Stack
) -> None:
    """RFC 6749 section 4.1.2.1: `access_denied`, with `iss` as in every answer."""
    with Browser("creator", password_of(stack, "creator"), decision="deny") as creator:
        callback = creator.authorize(client.begin(SCOPE), application.redirect_uri)
    assert parse_qs(urlsplit(callback).query)["iss"] == [issuer_of(stack)]
    with pytest.raises(Refused, match="access_denied"):
        client.finish(callback)
