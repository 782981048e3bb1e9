"""The authorization code grant over the token endpoint, on the embedded AWS."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jwt
import pytest

from portico.domain.application import NO_SECRET, Client
from portico.domain.authorization import Code, SignIn
from portico.domain.records import Put, Replace
from portico.services.clients import digest
from portico.services.exchanging_codes import challenge_of
from portico.tokens.jwt import verify
from portico.tokens.keys import verification_keys
from tests.functions.token.conftest import TENANT, Answer, Server

GRANTS = ("authorization_code", "refresh_token")
HOME = "https://app.example/callback"
VERIFIER = "v" * 43
NOW = 4_000_000_000


def made(server: Server, name: str, *, public: bool = False) -> tuple[Client, tuple[str, str]]:
    client, credentials = server.client(name, grant_types=GRANTS, redirect_uris=[HOME])
    if public:
        client = replace(client, auth_method=NO_SECRET, secrets=())
        server.aws.records.commit(Replace(client))
    return client, credentials


def code_of(server: Server, client: Client, **more: Any) -> str:
    text = f"code-of-{client.client_id}"
    fields: dict[str, Any] = {
        "client_id": client.client_id,
        "user": "jane",
        "user_id": server.accounts.get(TENANT, "jane").id,
        "scopes": ("openid", "email"),
        "redirect_uri": HOME,
        "stated": True,
        "family": f"family-{client.client_id}",
        "sign_in": SignIn(at=1_800_000_000, nonce="n-1", methods=("pwd",), sid="sid-1"),
        "expires": NOW,
        "challenge": challenge_of(VERIFIER),
    }
    server.aws.records.commit(Put(Code(tenant=TENANT, digest=digest(text), **{**fields, **more})))
    return text


def form(text: str, /, **more: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": text,
        "redirect_uri": HOME,
        "code_verifier": VERIFIER,
        **more,
    }


def exchanged(server: Server, name: str, **more: Any) -> dict[str, Any]:
    """The token response for a code of Jane's, with `credentials` and the id_token's `claims`."""
    client, credentials = made(server, name)
    answer = server.token(form(code_of(server, client, **more)), basic=credentials)
    assert answer.status == 200, answer.text
    got: dict[str, Any] = answer.json
    claims = verify(got["id_token"], verification_keys(server.jwks), typ="JWT")
    return {**got, "credentials": credentials, "claims": claims}


def refreshed(server: Server, got: dict[str, Any]) -> dict[str, Any]:
    sent = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    found: dict[str, Any] = server.token(sent, basic=got["credentials"]).json
    return found


def active(server: Server, credentials: tuple[str, str], token: str) -> bool:
    answer = server.call("POST", "/oauth2/introspect", {"token": token}, basic=credentials)
    return bool(answer.json["active"])


def refused(answer: Answer, code: str) -> None:
    assert (answer.status, answer.json["error"]) == (400, code), answer.text


def test_a_code_gives_tokens_and_an_id_token_that_a_library_verifies(server: Server) -> None:
    """RFC 6749 section 4.1.4, OpenID Connect Core sections 3.1.3.3 and 3.1.3.7."""
    got = exchanged(server, "codes library")
    client_id = got["credentials"][0]

    header = jwt.get_unverified_header(got["id_token"])
    assert header == {"typ": "JWT", "alg": "RS256", "kid": server.jwks[0]["kid"]}
    key = jwt.PyJWK(server.jwks[0])
    claims = jwt.decode(got["id_token"], key, algorithms=["RS256"], audience=client_id)
    assert (claims["nonce"], claims["auth_time"], claims["amr"], claims["sid"]) == (
        "n-1",
        1_800_000_000,
        ["pwd"],
        "sid-1",
    )
    assert (claims["azp"], claims["sub"]) == (client_id, "jane@carbon.super")
    assert (got["token_type"], got["scope"]) == ("Bearer", "openid email")


def test_a_public_client_needs_its_verifier_alone(server: Server) -> None:
    """RFC 7636 section 4.5, RFC 8252 section 8.5."""
    client, _ = made(server, "codes public", public=True)
    code = code_of(server, client)

    refused(
        server.token(form(code, client_id=client.client_id, code_verifier="w" * 43)),
        "invalid_grant",
    )
    answer = server.token(form(code, client_id=client.client_id))

    assert answer.status == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_replayed_code_revokes_the_tokens_that_it_gave(server: Server) -> None:
    """RFC 6749 section 4.1.2, RFC 9700 section 2.1.1."""
    client, credentials = made(server, "codes replay")
    code = code_of(server, client)
    got = server.token(form(code), basic=credentials).json
    assert active(server, credentials, got["access_token"])

    refused(server.token(form(code), basic=credentials), "invalid_grant")

    assert not active(server, credentials, got["access_token"])
    sent = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    refused(server.token(sent, basic=credentials), "invalid_grant")


def test_a_code_of_another_client_is_refused_and_still_serves_its_own(server: Server) -> None:
    client, credentials = made(server, "codes own")
    _, others = made(server, "codes other")
    code = code_of(server, client)

    refused(server.token(form(code), basic=others), "invalid_grant")

    assert server.token(form(code), basic=credentials).status == 200


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"code": ""}, "invalid_request"),
        ({"code": "x" * 5000}, "invalid_grant"),
        ({"code": "#%00\u2028"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"redirect_uri": HOME + "/../x"}, "invalid_grant"),
        ({"redirect_uri": HOME + "?x=1"}, "invalid_grant"),
        ({"redirect_uri": HOME + "#x"}, "invalid_grant"),
        ({"redirect_uri": "https://app.example:443/callback"}, "invalid_grant"),
        ({"redirect_uri": "https://user@app.example/callback"}, "invalid_grant"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_request_that_does_not_hold_is_refused_and_uses_nothing_up(
    server: Server, sent: dict[str, str], code: str
) -> None:
    client, credentials = made(server, "codes wrong")
    text = code_of(server, client)

    refused(server.token(form(text, **sent), basic=credentials), code)

    assert server.token(form(text), basic=credentials).status == 200


def test_a_code_that_comes_twice_in_a_request_is_refused(server: Server) -> None:
    """RFC 6749 section 3.2."""
    client, credentials = made(server, "codes doubled")
    text = code_of(server, client)

    answer = server.token([*form(text).items(), ("code", text)], basic=credentials)

    refused(answer, "invalid_request")


def test_of_many_exchanges_at_once_one_gets_tokens_which_the_others_revoke(server: Server) -> None:
    client, credentials = made(server, "codes race")
    text = code_of(server, client)

    def give(_: int) -> Answer:
        return server.token(form(text), basic=credentials)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(give, range(4)))

    won = [one for one in answers if one.status == 200]
    assert len(won) == 1, [one.text for one in answers]
    for answer in answers:
        if answer is not won[0]:
            refused(answer, "invalid_grant")
    assert not active(server, credentials, won[0].json["access_token"])


def test_the_scope_parameter_of_the_exchange_adds_nothing(server: Server) -> None:
    client, credentials = made(server, "codes scope")
    text = code_of(server, client)

    answer = server.token(form(text, scope="openid apim:api_publish"), basic=credentials)

    assert answer.json["scope"] == "openid email"


def test_claims_of_the_id_token_are_asked_for_one_by_one(server: Server) -> None:
    """OpenID Connect Core section 5.5."""
    claims = json.loads('{"id_token": {"groups": {"essential": true}, "nothing": null}}')

    got = exchanged(server, "codes claims", scopes=("openid",), claims=claims)

    assert "Internal/everyone" in got["claims"]["groups"]
    assert "nothing" not in got["claims"]
