"""Token exchange (RFC 8693): whose token becomes whose, never wider, never longer."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from portico.domain.application import Client
from portico.domain.records import Put, Replace
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules, TrustedIssuer
from portico.domain.user import ADMIN, Caller
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Answer, Server
from tests.functions.token.signing import by_secret, in_time, now, pair, unsigned

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
ACCESS, JWT, ID = f"{TYPE}access_token", f"{TYPE}jwt", f"{TYPE}id_token"
URL = "http://127.0.0.1:8280"
ISSUER = "https://idp.example"
ELSEWHERE = "elsewhere.example"
RS = pair("RS256")
SCOPES = "apim:api_view apim:api_create"
Credentials = tuple[str, str]


@pytest.fixture(scope="module", autouse=True)
def rules(server: Server) -> Iterator[None]:
    issuer = TrustedIssuer(ISSUER, jwks=[RS.jwk], audiences=("portico-at-idp",))
    server.aws.records.commit(
        Put(TokenRules(tenant=TENANT, issuers=(issuer,))), Put(Tenant(tenant=ELSEWHERE))
    )
    yield
    server.aws.records.commit(Put(TokenRules(tenant=TENANT)))


@pytest.fixture(scope="module")
def first(server: Server) -> Credentials:
    """Who has Jane's own token."""
    grants = ("password", "client_credentials", "refresh_token", GRANT)
    return server.client("first", grant_types=grants)[1]


@pytest.fixture(scope="module")
def second(server: Server) -> Credentials:
    """Who exchanges it."""
    grants = (GRANT, "client_credentials", "password", "refresh_token")
    return server.client("second", grant_types=grants)[1]


def token_of(server: Server, credentials: Credentials, scope: str = SCOPES) -> str:
    form = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}
    answer = server.token({**form, "scope": scope}, basic=credentials)
    assert answer.status == 200, answer.text
    return str(answer.json["access_token"])


def itself(server: Server, credentials: Credentials) -> str:
    answer = server.token({"grant_type": "client_credentials"}, basic=credentials)
    return str(answer.json["access_token"])


def ask(server: Server, credentials: Credentials, token: str, kind: str, **more: str) -> Answer:
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": kind, **more}
    filled = {name: value for name, value in form.items() if value}
    return server.token(filled, basic=credentials)


def refused(answer: Answer, error: str = "invalid_request") -> str:
    assert (answer.status, answer.json.get("error")) == (400, error), answer.text
    return str(answer.json["error_description"])


def foreign(**more: Any) -> dict[str, Any]:
    return in_time(**{"iss": ISSUER, "sub": "jane", "aud": "portico-at-idp", **more})


@pytest.mark.parametrize("kind", [ACCESS, JWT])
def test_an_access_token_of_ours_is_exchanged_for_one_of_the_asking_client(
    server: Server, first: Credentials, second: Credentials, kind: str
) -> None:
    """Section 2.2.1; impersonation, section 1.1."""
    answer = ask(server, second, token_of(server, first), kind)
    assert answer.status == 200, answer.text
    assert answer.json["issued_token_type"] == ACCESS
    assert answer.json["token_type"] == "Bearer"
    assert "refresh_token" not in answer.json
    claims = server.claims(answer.json["access_token"])
    assert (claims["sub"], claims["client_id"]) == ("jane@carbon.super", second[0])
    assert claims["scope"] == SCOPES
    assert "act" not in claims


def test_the_requested_type_is_told_back(
    server: Server, first: Credentials, second: Credentials
) -> None:
    answer = ask(server, second, token_of(server, first), ACCESS, requested_token_type=JWT)
    assert answer.json["issued_token_type"] == JWT


def test_an_exchanged_token_never_outlives_the_subject_token(
    server: Server, first: Credentials, second: Credentials
) -> None:
    client = server.clients.get(TENANT, first[0])
    server.aws.records.commit(Replace(replace(client, validities={"password": 100})))
    short = token_of(server, first)
    server.aws.records.commit(Put(replace(client, stamp=client.stamp + 5)))
    answer = ask(server, second, short, ACCESS)
    assert 0 < answer.json["expires_in"] <= 100
    claims = server.claims(answer.json["access_token"])
    assert claims["exp"] <= server.claims(short)["exp"]


def test_a_scope_is_never_wider_than_that_of_the_subject_token(
    server: Server, first: Credentials, second: Credentials
) -> None:
    token = token_of(server, first, "apim:api_view")
    fine = ask(server, second, token, ACCESS, scope="apim:api_view")
    assert server.claims(fine.json["access_token"])["scope"] == "apim:api_view"
    refused(ask(server, second, token, ACCESS, scope=SCOPES), "invalid_scope")
    # Neither by a second exchange.
    again = fine.json["access_token"]
    refused(ask(server, first, again, ACCESS, scope="apim:api_create"), "invalid_scope")


def test_an_opaque_token_of_ours_is_exchanged_too(server: Server, second: Credentials) -> None:
    client, credentials = server.client("opaque", grant_types=("password",))
    server.aws.records.commit(Replace(replace(client, opaque=True)))
    token = token_of(server, credentials)
    assert "." not in token
    answer = ask(server, second, token, ACCESS)
    assert server.claims(answer.json["access_token"])["sub"] == "jane@carbon.super"


@pytest.mark.parametrize("kind", [JWT, ID])
def test_a_trusted_issuers_token_is_exchanged_for_its_user(
    server: Server, second: Credentials, kind: str
) -> None:
    answer = ask(server, second, RS.sign(foreign()), kind, scope="apim:api_view")
    assert answer.status == 200, answer.text
    claims = server.claims(answer.json["access_token"])
    assert (claims["sub"], claims["scope"]) == ("jane@carbon.super", "apim:api_view")


def test_a_trusted_issuers_token_is_no_access_token_of_ours(
    server: Server, second: Credentials
) -> None:
    """Section 3: the type `access_token` is for tokens of the server that is asked."""
    refused(ask(server, second, RS.sign(foreign()), ACCESS))


def test_an_actor_is_named_in_act_and_so_are_those_before(
    server: Server, first: Credentials, second: Credentials
) -> None:
    """Section 4.1: the outermost `act` is who acts now."""
    token = token_of(server, first)
    once = ask(
        server, second, token, ACCESS, actor_token=itself(server, second), actor_token_type=ACCESS
    )
    assert once.status == 200, once.text
    inner = server.claims(once.json["access_token"])["act"]
    assert inner["sub"] == second[0]
    told = once.json["access_token"]
    twice = ask(
        server, first, told, ACCESS, actor_token=itself(server, first), actor_token_type=ACCESS
    )
    act = server.claims(twice.json["access_token"])["act"]
    assert (act["sub"], act["act"]) == (first[0], inner)
    # Exchanged without an actor, those before are not forgotten.
    third = ask(server, second, twice.json["access_token"], ACCESS)
    assert server.claims(third.json["access_token"])["act"] == act
    told = server.call(
        "POST", "/oauth2/introspect", {"token": twice.json["access_token"]}, basic=first
    )
    assert told.json["act"] == act


def test_a_foreign_actor_is_named_with_its_issuer(
    server: Server, first: Credentials, second: Credentials
) -> None:
    actor = RS.sign(foreign(sub="robot", secret="not told"))
    token = token_of(server, first)
    answer = ask(server, second, token, ACCESS, actor_token=actor, actor_token_type=JWT)
    claims = server.claims(answer.json["access_token"])
    assert claims["act"] == {"sub": "robot", "iss": ISSUER}


def test_a_chain_of_actors_ends(server: Server, second: Credentials) -> None:
    act: dict[str, Any] = {"sub": "0"}
    for number in range(1, 6):
        act = {"sub": str(number), "act": act}
    refused(ask(server, second, RS.sign(foreign(act=act)), JWT))
    fine = ask(server, second, RS.sign(foreign(act=act["act"])), JWT)
    assert fine.status == 200, fine.text
    assert ask(server, second, RS.sign(foreign(act="x" * 9000)), JWT).status == 200


@pytest.mark.parametrize(
    ("may_act", "fits"),
    [
        ({"sub": "robot"}, True),
        ({"sub": "robot", "iss": ISSUER}, True),
        ({"sub": "another"}, False),
        ({"sub": "robot", "iss": "https://other.example"}, False),
        ({}, False),
        ("robot", False),
    ],
)
def test_may_act_says_who_may(
    server: Server, second: Credentials, may_act: Any, fits: bool
) -> None:
    """Section 4.4."""
    token = RS.sign(foreign(may_act=may_act))
    actor = RS.sign(foreign(sub="robot"))
    answer = ask(server, second, token, JWT, actor_token=actor, actor_token_type=JWT)
    assert answer.status == (200 if fits else 400), answer.text
    refused(ask(server, second, token, JWT))  # impersonation is not what it allows


def test_an_exchanged_token_ends_alone(
    server: Server, first: Credentials, second: Credentials
) -> None:
    """Section 2.1 ties no life to another; neither client can end the other's sign-in."""
    token = token_of(server, first)
    exchanged = ask(server, second, token, ACCESS).json["access_token"]
    assert server.call("POST", "/oauth2/revoke", {"token": exchanged}, basic=second).status == 200
    told = server.call("POST", "/oauth2/introspect", {"token": token}, basic=first)
    assert told.json["active"] is True


# --- refused -----------------------------------------------------------------------------------


def test_a_token_that_was_revoked_or_changed_is_refused(
    server: Server, first: Credentials, second: Credentials
) -> None:
    token = token_of(server, first)
    refused(ask(server, second, token[:-6] + "AAAAAA", ACCESS))
    assert server.call("POST", "/oauth2/revoke", {"token": token}, basic=first).status == 200
    refused(ask(server, second, token, ACCESS))


def test_a_refresh_token_or_an_applications_token_is_no_subject(
    server: Server, first: Credentials, second: Credentials
) -> None:
    form = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}
    refresh = server.token(form, basic=first).json["refresh_token"]
    refused(ask(server, second, refresh, ACCESS))
    refused(ask(server, second, refresh, f"{TYPE}refresh_token"))
    assert "user's" in refused(ask(server, second, itself(server, first), ACCESS))


def test_a_token_of_another_tenant_is_refused(server: Server, second: Credentials) -> None:
    root = Caller(ELSEWHERE, "root", (ADMIN,))
    server.accounts.create(root, "jane", "jane-of-elsewhere")
    client, secret = server.clients.create(root, "theirs", ("password",))
    form = {"grant_type": "password", "username": "jane", "password": "jane-of-elsewhere"}
    answer = server.token(form, basic=(client.client_id, secret))
    refused(ask(server, second, answer.json["access_token"], ACCESS))


def test_a_client_without_the_grant_exchanges_nothing(server: Server, first: Credentials) -> None:
    other = server.client("no-exchange")[1]
    refused(ask(server, other, token_of(server, first), ACCESS), "unauthorized_client")


def test_a_public_client_exchanges_its_own_tokens_only(server: Server, first: Credentials) -> None:
    client, credentials = server.client("public", grant_types=("password", GRANT))
    own = token_of(server, credentials)
    server.aws.records.commit(Replace(replace(client, auth_method="none")))

    def exchange(token: str) -> Answer:
        form = {"subject_token": token, "subject_token_type": ACCESS}
        return server.token({"grant_type": GRANT, "client_id": client.client_id, **form})

    assert exchange(own).status == 200
    refused(exchange(token_of(server, first)))


def test_an_actor_token_of_another_client_is_refused(
    server: Server, first: Credentials, second: Credentials
) -> None:
    token, actor = token_of(server, first), itself(server, first)
    refused(ask(server, second, token, ACCESS, actor_token=actor, actor_token_type=ACCESS))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": f"{TYPE}saml2"}, "invalid_request"),
        ({"subject_token_type": "access_token"}, "invalid_request"),
        ({"requested_token_type": f"{TYPE}refresh_token"}, "invalid_request"),
        ({"requested_token_type": ID}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"actor_token_type": ACCESS}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": f"{TYPE}saml1"}, "invalid_request"),
        ({"audience": "https://other.example"}, "invalid_target"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"resource": f"{URL}.evil.example/"}, "invalid_target"),
        ({"resource": f"{URL}@evil.example/"}, "invalid_target"),
        ({"resource": f"{URL}/pizza#fragment"}, "invalid_target"),
        ({"resource": "pizza"}, "invalid_target"),
    ],
    ids=str,
)
def test_a_bad_request_is_refused_by_its_code(
    server: Server, first: Credentials, second: Credentials, more: dict[str, str], error: str
) -> None:
    """Section 2.2.2."""
    form = {"subject_token": token_of(server, first), "subject_token_type": ACCESS, **more}
    token, kind = form.pop("subject_token"), form.pop("subject_token_type")
    refused(ask(server, second, token, kind, **form), error)


def test_what_our_tokens_are_for_may_be_named(
    server: Server, first: Credentials, second: Credentials
) -> None:
    token = token_of(server, first)
    for more in ({"audience": second[0]}, {"resource": f"{URL}/pizza/1.0"}):
        assert ask(server, second, token, ACCESS, **more).status == 200


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned(foreign()),
    "HS256 with the public key": lambda: by_secret(foreign(), RS.pem),
    "an unknown key id": lambda: pair("RS256", "attacker").sign(foreign()),
    "jku": lambda: RS.sign(foreign(), {"jku": "https://attacker.example"}),
    "expired": lambda: RS.sign(foreign(exp=now() - 60, iat=now() - 90)),
    "without an end": lambda: RS.sign(foreign(exp=None)),
    "of the future": lambda: RS.sign(foreign(iat=now() + 600)),
    "for another": lambda: RS.sign(foreign(aud="another-at-idp")),
    "by a stranger": lambda: RS.sign(foreign(iss="https://stranger.example")),
    "in our own name": lambda: RS.sign(foreign(iss=f"{URL}/oauth2/token")),
    "about nobody": lambda: RS.sign(foreign(sub=None)),
    "about somebody unknown": lambda: RS.sign(foreign(sub=str(uuid.uuid4()))),
    "about a user of another tenant": lambda: RS.sign(foreign(sub=f"jane@{ELSEWHERE}")),
    "a logout token": lambda: RS.sign(foreign(), {"typ": "logout+jwt"}),
    "about half a surrogate pair": lambda: RS.sign(foreign(sub="\ud800")),
    "no JWT": lambda: "token",
    "not ASCII": lambda: "\u00e4.\u00f6.\u00fc",
    "a foreign key's token with our issuer": lambda: RS.sign(
        foreign(iss=f"{URL}/oauth2/token", aud=f"{URL}/oauth2/token"), {"typ": "at+jwt"}
    ),
}


@pytest.mark.parametrize("kind", [ACCESS, JWT, ID])
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_token_that_does_not_hold_is_refused(
    server: Server, second: Credentials, forge: Callable[[], str], kind: str
) -> None:
    refused(ask(server, second, forge(), kind))


def test_an_opaque_client_gets_an_opaque_token_and_no_jwt(
    server: Server, first: Credentials
) -> None:
    client, credentials = server.client("opaque-exchange", grant_types=(GRANT,))
    server.aws.records.commit(Replace(replace(client, opaque=True)))
    token = token_of(server, first)
    assert "." not in ask(server, credentials, token, ACCESS).json["access_token"]
    refused(ask(server, credentials, token, ACCESS, requested_token_type=JWT))


def test_the_tokens_of_a_client_that_is_gone_are_refused(
    server: Server, second: Credentials
) -> None:
    client, credentials = server.client("gone", grant_types=("password",))
    token = token_of(server, credentials)
    assert isinstance(client, Client)
    server.clients.remove(server.caller, client)
    refused(ask(server, second, token, ACCESS))
