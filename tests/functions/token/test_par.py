"""Pushed authorization requests (RFC 9126)."""

from dataclasses import replace

import pytest

from portico.domain.application import Client
from portico.domain.records import Replace
from tests.functions.token.authorizing import (
    AUTHORIZE,
    CALLBACK,
    GRANTS,
    asking,
    code_of,
    decide,
    sign_in,
)
from tests.functions.token.browsing import Browser
from tests.functions.token.conftest import Answer, Server

PAR = "/oauth2/par"
Pair = tuple[Client, tuple[str, str]]


@pytest.fixture
def pair(server: Server, request: pytest.FixtureRequest) -> Pair:
    name = f"Pushes {request.node.name}"[:100]
    return server.client(name, grant_types=GRANTS, redirect_uris=(CALLBACK,))


def push(server: Server, pair: Pair, **more: str) -> Answer:
    return server.call("POST", PAR, asking(pair[0], **more), basic=pair[1])


def test_a_pushed_request_leads_to_a_code(server: Server, pair: Pair) -> None:
    """RFC 9126 sections 2.1, 2.2 and 4; what is in the address besides does not count."""
    answer = push(server, pair)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["expires_in"] == 90
    urn = answer.json["request_uri"]
    assert urn.startswith("urn:ietf:params:oauth:request_uri:")
    browser, client = Browser(), pair[0]
    seen = browser.get(
        AUTHORIZE,
        client_id=client.client_id,
        request_uri=urn,
        redirect_uri="https://evil.example/",
        scope="openid apim:admin",
        state="other",
    )
    seen = decide(browser, sign_in(browser, seen))
    assert seen.query["state"] == "a state & more"
    assert code_of(server, seen).scopes == ("openid", "email")


def test_a_request_uri_is_used_once(server: Server, pair: Pair) -> None:
    """RFC 9126 section 7.3."""
    urn = push(server, pair).json["request_uri"]
    query = {"client_id": pair[0].client_id, "request_uri": urn}
    assert Browser().get(AUTHORIZE, **query).status == 303
    seen = Browser().get(AUTHORIZE, **query)
    assert (seen.status, seen.location) == (400, "")


def test_a_request_uri_is_its_clients(server: Server, pair: Pair) -> None:
    """RFC 9126 section 2.2: bound to the client that posted it."""
    urn = push(server, pair).json["request_uri"]
    other, _ = server.client("Another", grant_types=GRANTS, redirect_uris=(CALLBACK,))
    seen = Browser().get(AUTHORIZE, client_id=other.client_id, request_uri=urn)
    assert (seen.status, seen.location) == (400, "")
    seen = Browser().get(AUTHORIZE, client_id=pair[0].client_id, request_uri=urn)
    assert seen.status == 303


@pytest.mark.parametrize("urn", ["nothing", "a:b:c", "acme.com:x", "x" * 1000])
def test_a_request_uri_that_nobody_got_stays_on_our_page(
    server: Server, pair: Pair, urn: str
) -> None:
    seen = Browser().get(
        AUTHORIZE,
        client_id=pair[0].client_id,
        redirect_uri=CALLBACK,
        request_uri=f"urn:ietf:params:oauth:request_uri:{urn}",
    )
    assert (seen.status, seen.location) == (400, "")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"scope": '"'}, "invalid_scope"),
    ],
)
def test_errors_are_told_at_once(
    server: Server, pair: Pair, more: dict[str, str], error: str
) -> None:
    """RFC 9126 section 2.3."""
    answer = push(server, pair, **more)
    assert (answer.status, answer.json["error"]) == (400, error)


def test_a_client_must_prove_itself(server: Server, pair: Pair) -> None:
    """RFC 9126 section 2.1."""
    client = pair[0]
    for basic in (None, (client.client_id, "wrong")):
        answer = server.call("POST", PAR, asking(client), basic=basic)
        assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    other = push(server, pair, client_id="another")
    assert (other.status, other.json["error"]) == (400, "invalid_request")


def test_a_client_may_be_bound_to_push(server: Server, pair: Pair) -> None:
    """RFC 9126 section 6: `require_pushed_authorization_requests`."""
    client = pair[0]
    server.aws.records.commit(Replace(replace(client, require_par=True)))
    browser = Browser()
    assert browser.get(AUTHORIZE, **asking(client)).query["error"] == "invalid_request"
    assert browser.post(AUTHORIZE, asking(client)).query["error"] == "invalid_request"
    urn = push(server, pair).json["request_uri"]
    seen = browser.get(AUTHORIZE, client_id=client.client_id, request_uri=urn)
    assert decide(browser, sign_in(browser, seen)).query["code"]
