"""The JWT bearer grant (RFC 7523 section 2.1): who may assert what, and every way to pretend."""

import base64
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from portico.domain.records import Create, Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules, TrustedIssuer
from portico.domain.user import ADMIN, SUBSCRIBER, Caller, User
from tests.functions.token.conftest import TENANT, Answer, Server
from tests.functions.token.signing import by_secret, in_time, now, pair, part, unsigned

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ENDPOINT = "http://127.0.0.1:8280/oauth2/token"
ISSUER = "https://idp.example"
MAKING = "https://hr.example"
ELSEWHERE = "elsewhere.example"
RS, THEIRS = pair("RS256"), pair("RS256", "attacker")


@pytest.fixture(scope="module", autouse=True)
def rules(server: Server) -> Iterator[None]:
    """Two trusted issuers, of which one may make users; and another tenant."""
    issuers = (
        TrustedIssuer(ISSUER, jwks=[RS.jwk], audiences=("https://portico.example",)),
        TrustedIssuer(
            MAKING,
            jwks=[pair("ES256").jwk],
            user_claim="email",
            create_users=True,
            role_claim="groups",
            roles={"staff": SUBSCRIBER, "boss": ADMIN},
        ),
        TrustedIssuer("https://saml.example", kind="saml", jwks=[RS.jwk]),
    )
    server.aws.records.commit(
        Put(TokenRules(tenant=TENANT, issuers=issuers)), Put(Tenant(tenant=ELSEWHERE))
    )
    server.accounts.create(Caller(ELSEWHERE, "root", (ADMIN,)), "jane", "jane-of-elsewhere")
    yield
    server.aws.records.commit(Put(TokenRules(tenant=TENANT)))


@pytest.fixture(scope="module")
def credentials(server: Server) -> tuple[str, str]:
    return server.client("asserting", grant_types=(GRANT, "refresh_token"))[1]


def claims(**more: Any) -> dict[str, Any]:
    told = {"iss": ISSUER, "sub": "jane", "aud": ENDPOINT, "jti": str(uuid.uuid4())}
    return in_time(**{**told, **more})


def ask(server: Server, credentials: tuple[str, str], assertion: str, **more: str) -> Answer:
    return server.token({"grant_type": GRANT, "assertion": assertion, **more}, basic=credentials)


def refused(answer: Answer, error: str = "invalid_grant") -> str:
    assert (answer.status, answer.json.get("error")) == (400, error), answer.text
    return str(answer.json["error_description"])


@pytest.mark.parametrize(
    "audience", [ENDPOINT, ["https://as.example", ENDPOINT], "https://portico.example"]
)
@pytest.mark.parametrize("subject", ["jane", "JANE", "jane@carbon.super"])
def test_an_assertion_of_a_trusted_issuer_gives_tokens_for_its_user(
    server: Server, credentials: tuple[str, str], audience: Any, subject: str
) -> None:
    answer = ask(server, credentials, RS.sign(claims(aud=audience, sub=subject)))
    assert answer.status == 200, answer.text
    told = server.claims(answer.json["access_token"])
    assert (told["sub"], told["aut"]) == ("jane@carbon.super", "APPLICATION_USER")
    assert answer.json["refresh_token"]


def test_an_assertion_is_taken_once_with_and_without_a_jti(
    server: Server, credentials: tuple[str, str]
) -> None:
    """RFC 7523 section 3 item 7."""
    named = claims()
    assert ask(server, credentials, RS.sign(named)).status == 200
    assert "used before" in refused(ask(server, credentials, RS.sign({**named, "x": 1})))
    nameless = RS.sign(claims(jti=None, padding=str(uuid.uuid4())))
    assert ask(server, credentials, nameless).status == 200
    assert "used before" in refused(ask(server, credentials, nameless))


def test_an_assertion_without_a_jti_in_another_form_of_its_signature_is_the_same(
    server: Server, credentials: tuple[str, str]
) -> None:
    """An ECDSA signature (r, s) holds as (r, n - s) too: both are one assertion."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    told = claims(iss=MAKING, email="twice@mail.example", jti=None, x=str(uuid.uuid4()))
    text = pair("ES256").sign(told)
    head, _, signature = text.rpartition(".")
    raw = _bytes(signature)
    other = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    assert ask(server, credentials, text).status == 200
    assert "used before" in refused(ask(server, credentials, f"{head}.{part(other)}"))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_refused_client_uses_up_no_assertion(
    server: Server, credentials: tuple[str, str]
) -> None:
    assertion = RS.sign(claims())
    assert ask(server, (credentials[0], "wrong"), assertion).status == 401
    other = server.client("not-asserting")[1]
    refused(ask(server, other, assertion), "unauthorized_client")
    assert ask(server, credentials, assertion).status == 200


Forge = Callable[[], str]
FORGED: dict[str, Forge] = {
    "alg none": lambda: unsigned(claims()),
    "no signature": lambda: unsigned(claims(), "RS256"),
    "HS256 with the public key": lambda: by_secret(claims(), RS.pem),
    "another's key under the issuer's key id": lambda: replace(THEIRS, jwk=RS.jwk).sign(claims()),
    "an unknown key id": lambda: THEIRS.sign(claims()),
    "jku": lambda: RS.sign(claims(), {"jku": "https://attacker.example"}),
    "x5u": lambda: RS.sign(claims(), {"x5u": "https://attacker.example"}),
    "jwk": lambda: THEIRS.sign(claims(), {"jwk": THEIRS.jwk}),
    "a logout token": lambda: RS.sign(claims(), {"typ": "logout+jwt"}),
    "an access token": lambda: RS.sign(claims(), {"typ": "at+jwt"}),
    "expired": lambda: RS.sign(claims(iat=now() - 400, exp=now() - 100)),
    "without an end": lambda: RS.sign(claims(exp=None)),
    "with an endless end": lambda: RS.sign(claims(exp=10**40)),
    "valid for a week": lambda: RS.sign(claims(exp=now() + 604_800)),
    "not yet valid": lambda: RS.sign(claims(nbf=now() + 600)),
    "of the future": lambda: RS.sign(claims(iat=now() + 600)),
    "for somebody else": lambda: RS.sign(claims(aud="https://as.example")),
    "for nobody": lambda: RS.sign(claims(aud=None)),
    "for another issuer's audience": lambda: pair("ES256").sign(
        claims(iss=MAKING, aud="https://portico.example", email="new@mail.example")
    ),
    "by a stranger": lambda: RS.sign(claims(iss="https://stranger.example")),
    "by nobody": lambda: RS.sign(claims(iss=None)),
    "by an issuer of the other kind": lambda: RS.sign(claims(iss="https://saml.example")),
    "by one issuer in another's name": lambda: RS.sign(claims(iss=MAKING, email="jane")),
    "about nobody": lambda: RS.sign(claims(sub=None)),
    "about nobody, though a user is named": lambda: pair("ES256").sign(
        claims(iss=MAKING, sub=None, email="new@mail.example")
    ),
    "about an empty name": lambda: RS.sign(claims(sub="  ")),
    "about a number": lambda: RS.sign(claims(sub=7)),
    "about somebody unknown": lambda: RS.sign(claims(sub="unknown")),
    "about a user of another tenant": lambda: RS.sign(claims(sub=f"jane@{ELSEWHERE}")),
    "about a name that cannot be": lambda: RS.sign(claims(sub="jane#USER/../x")),
    "about a name of a thousand letters": lambda: RS.sign(claims(sub="x" * 1000)),
    "about half a surrogate pair": lambda: RS.sign(claims(sub="\ud800")),
    "without the claim that names the user": lambda: pair("ES256").sign(claims(iss=MAKING)),
    "a made user of a bad name": lambda: pair("ES256").sign(claims(iss=MAKING, email="a b/c")),
    "a made user of another tenant": lambda: pair("ES256").sign(
        claims(iss=MAKING, email=f"made@{ELSEWHERE}")
    ),
    "too long": lambda: RS.sign(claims(padding="x" * 20_000)),
    "no JWT": lambda: "assertion",
    "not ASCII": lambda: "\u00e4.\u00f6.\u00fc",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_an_assertion_that_does_not_hold_is_refused_and_makes_no_user(
    server: Server, credentials: tuple[str, str], forge: Forge
) -> None:
    before = [one.name for one in server.accounts.list(TENANT)]
    refused(ask(server, credentials, forge()))
    assert [one.name for one in server.accounts.list(TENANT)] == before


def test_a_missing_assertion_is_a_bad_request(server: Server, credentials: tuple[str, str]) -> None:
    refused(ask(server, credentials, ""), "invalid_request")


def test_an_inactive_user_gets_nothing(server: Server, credentials: tuple[str, str]) -> None:
    idle = User(tenant=TENANT, name="idle", id="idle", password="", active=False)
    server.aws.records.commit(Create(idle))
    refused(ask(server, credentials, RS.sign(claims(sub="idle"))))


def test_an_issuer_that_may_makes_users_with_the_roles_of_the_mapping(
    server: Server, credentials: tuple[str, str]
) -> None:
    told = claims(
        iss=MAKING, email="new.one@mail.example", groups=["staff", "admin", 7], given_name="New"
    )
    answer = ask(server, credentials, pair("ES256").sign(told))
    assert answer.status == 200, answer.text
    made = server.accounts.get(TENANT, "new.one@mail.example")
    assert (made.roles, made.email, made.given_name) == ((SUBSCRIBER,), made.name, "New")
    # Roles are given when the user is made; afterwards they are the administrator's business.
    again = claims(iss=MAKING, email="new.one@mail.example", groups="boss")
    assert ask(server, credentials, pair("ES256").sign(again)).status == 200
    assert server.accounts.get(TENANT, made.name).roles == (SUBSCRIBER,)


def test_a_used_assertion_brings_back_no_user(server: Server, credentials: tuple[str, str]) -> None:
    assertion = pair("ES256").sign(claims(iss=MAKING, email="gone@mail.example"))
    assert ask(server, credentials, assertion).status == 200
    server.accounts.delete(server.caller, server.accounts.get(TENANT, "gone@mail.example"))
    assert "used before" in refused(ask(server, credentials, assertion))
    assert server.aws.records.get(User, tenant=TENANT, name="gone@mail.example") is None


def test_iwa_ntlm_is_unsupported_and_the_answer_says_why(
    server: Server, credentials: tuple[str, str]
) -> None:
    answer = server.token({"grant_type": "iwa:ntlm"}, basic=credentials)
    assert "domain controller" in refused(answer, "unsupported_grant_type")
