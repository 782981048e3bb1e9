"""How clients prove who they are: RFC 6749 section 2.3, RFC 7523 section 2.2, OpenID Connect Core
section 9; and that nobody else can.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest

from portico.domain.application import Client
from portico.domain.records import Replace
from tests.conftest import REGION
from tests.functions.token.conftest import Answer, Server, basic_header
from tests.functions.token.signing import Pair, by_secret, in_time, now, pair, part, unsigned
from tests.functions.token.test_token_rules import asked, spent

ENDPOINT = "http://127.0.0.1:8280/oauth2/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ITSELF = {"grant_type": "client_credentials"}
PUBLIC = ("authorization_code", "refresh_token", "client_credentials", "password")


def signing_client(server: Server, *pairs: Pair, **more: Any) -> Client:
    client, _ = server.client(f"signing-{uuid.uuid4()}")
    jwks = [one.jwk for one in pairs or (pair("RS256"),)]
    changed = replace(client, **{"auth_method": "private_key_jwt", "jwks": jwks, **more})
    server.aws.records.commit(Replace(changed))
    return changed


def by_method(server: Server, method: str) -> tuple[Client, tuple[str, str]]:
    client, credentials = server.client(f"method-{uuid.uuid4()}", grant_types=PUBLIC)
    changed = replace(client, auth_method=method)
    server.aws.records.commit(Replace(changed))
    return changed, credentials


def claims_of(client: Client, **more: Any) -> dict[str, Any]:
    told = {"iss": client.client_id, "sub": client.client_id, "aud": ENDPOINT}
    return in_time(**{**told, "jti": str(uuid.uuid4()), **more})


def present(server: Server, assertion: str, **more: str) -> Answer:
    form = {**ITSELF, "client_assertion_type": TYPE, "client_assertion": assertion, **more}
    return server.token({name: value for name, value in form.items() if value})


def seen(server: Server) -> list[int]:
    """When each of the remembered ids ends: what a refused assertion must not change."""
    client = boto3.client("dynamodb", region_name=REGION)
    pages = client.get_paginator("scan").paginate(TableName=server.aws.settings.access_table)
    items = [item for page in pages for item in page["Items"]]
    client.close()
    return sorted(int(one["expires"]["N"]) for one in items if "#SEEN#" in one["pk"]["S"])


def refused(answer: Answer, error: str = "invalid_client") -> None:
    status = 401 if error == "invalid_client" else 400
    assert (answer.status, answer.json.get("error")) == (status, error), answer.text
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert "access_token" not in answer.json


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_private_key_jwt_with_each_algorithm(server: Server, alg: str) -> None:
    client = signing_client(server, pair(alg))
    answer = present(server, pair(alg).sign(claims_of(client)))
    assert answer.status == 200, answer.text
    assert server.claims(answer.json["access_token"])["sub"] == client.client_id


@pytest.mark.parametrize(
    "audience",
    [
        ENDPOINT,
        [ENDPOINT],
        "http://127.0.0.1:8280/token",
        "http://127.0.0.1:8280/t/carbon.super/oauth2/token",
    ],
)
def test_private_key_jwt_is_for_the_issuer_or_the_token_endpoint(
    server: Server, audience: Any
) -> None:
    client = signing_client(server)
    assertion = pair("RS256").sign(claims_of(client, aud=audience))
    assert present(server, assertion, client_id=client.client_id).status == 200


def test_private_key_jwt_for_client_credentials_takes_one_read_and_one_write(
    server: Server,
) -> None:
    client = signing_client(server)
    assertion = pair("RS256").sign(claims_of(client))
    with asked() as counted:
        assert present(server, assertion).status == 200
    assert spent(counted) == (1, 1)


def test_private_key_jwt_without_a_key_id_is_tried_with_every_key(server: Server) -> None:
    client = signing_client(server, pair("RS256", "other"), pair("ES256"), pair("RS256"))
    assert present(server, pair("RS256").sign(claims_of(client), {"kid": None})).status == 200


def test_private_key_jwt_is_also_for_revocation_and_introspection(server: Server) -> None:
    client = signing_client(server)
    token = present(server, pair("RS256").sign(claims_of(client))).json["access_token"]

    def call(path: str, audience: str) -> Answer:
        form = {
            "token": token,
            "client_assertion_type": TYPE,
            "client_assertion": pair("RS256").sign(claims_of(client, aud=audience)),
        }
        return server.call("POST", path, form)

    path = "/oauth2/introspect"
    assert call(path, ENDPOINT).json["active"] is True
    assert call("/oauth2/revoke", "http://127.0.0.1:8280/oauth2/revoke").status == 200
    assert call(path, f"http://127.0.0.1:8280{path}").json["active"] is False
    refused(call("/oauth2/revoke", f"http://127.0.0.1:8280{path}"))


def test_an_assertion_is_taken_once(server: Server) -> None:
    """RFC 7523 section 3 item 7."""
    client = signing_client(server)
    claims = claims_of(client)
    assert present(server, pair("RS256").sign(claims)).status == 200
    before = seen(server)
    # Signed anew, but of the same name.
    again = present(server, pair("RS256").sign({**claims, "exp": claims["exp"] + 1}))
    refused(again)
    assert "used before" in again.json["error_description"]
    assert seen(server) == before


def test_the_same_jti_of_another_client_is_another(server: Server) -> None:
    for _ in range(2):
        client = signing_client(server)
        assertion = pair("RS256").sign(claims_of(client, jti="the-same-for-all-" + "x" * 20))
        assert present(server, assertion).status == 200


def test_what_is_remembered_of_an_assertion_ends(server: Server) -> None:
    client = signing_client(server)
    claims = claims_of(client)
    before = seen(server)
    assert present(server, pair("RS256").sign(claims)).status == 200
    (ends,) = Counter(seen(server)) - Counter(before)
    assert claims["exp"] < ends <= claims["exp"] + 3600


Forge = Callable[[Client], str]
RS = pair("RS256")
THEIRS = pair("RS256", "attacker")
FORGED: dict[str, Forge] = {
    "alg none": lambda c: unsigned(claims_of(c)),
    "alg None": lambda c: unsigned(claims_of(c), "None"),
    "no signature under RS256": lambda c: unsigned(claims_of(c), "RS256"),
    "HS256 with the public key as PEM": lambda c: by_secret(claims_of(c), RS.pem),
    "HS256 with the public modulus": lambda c: by_secret(claims_of(c), RS.jwk["n"].encode()),
    "HS256 with the client id": lambda c: by_secret(claims_of(c), c.client_id.encode()),
    "another's key under the client's key id": lambda c: replace(THEIRS, jwk=RS.jwk).sign(
        claims_of(c)
    ),
    "an unknown key id": lambda c: RS.sign(claims_of(c), {"kid": "unknown"}),
    "a key id that is a path": lambda c: RS.sign(claims_of(c), {"kid": "../../dev/null"}),
    "jku": lambda c: RS.sign(claims_of(c), {"jku": "https://attacker.example/jwks"}),
    "x5u": lambda c: RS.sign(claims_of(c), {"x5u": "https://attacker.example/x5u"}),
    "jwk in the header": lambda c: THEIRS.sign(claims_of(c), {"jwk": THEIRS.jwk}),
    "x5c": lambda c: RS.sign(claims_of(c), {"x5c": ["MIIB"]}),
    "crit": lambda c: RS.sign(claims_of(c), {"crit": ["exp"]}),
    "another kind of token": lambda c: RS.sign(claims_of(c), {"typ": "dpop+jwt"}),
    "expired": lambda c: RS.sign(claims_of(c, exp=now() - 60, iat=now() - 300)),
    "valid for a day": lambda c: RS.sign(claims_of(c, exp=now() + 86_400)),
    "valid for ever": lambda c: RS.sign(claims_of(c, exp=None)),
    "valid until infinity": lambda c: RS.sign(claims_of(c, exp=float("inf"))),
    "valid until no number": lambda c: RS.sign(claims_of(c, exp=float("nan"))),
    "exp as a text": lambda c: RS.sign(claims_of(c, exp=str(now() + 60))),
    "exp as a boolean": lambda c: RS.sign(claims_of(c, exp=True)),
    "not valid yet": lambda c: RS.sign(claims_of(c, nbf=now() + 200)),
    "of the future": lambda c: RS.sign(claims_of(c, iat=now() + 200)),
    "for another server": lambda c: RS.sign(claims_of(c, aud="https://as.example/token")),
    "for another server too": lambda c: RS.sign(
        claims_of(c, aud=[ENDPOINT, "https://as.example/token"])
    ),
    "for nobody": lambda c: RS.sign(claims_of(c, aud=None)),
    "for a list of nobody": lambda c: RS.sign(claims_of(c, aud=[])),
    "for a number": lambda c: RS.sign(claims_of(c, aud=[1])),
    "for a longer address": lambda c: RS.sign(claims_of(c, aud=ENDPOINT + "/../other")),
    "by another issuer": lambda c: RS.sign(claims_of(c, iss="somebody")),
    "about another subject": lambda c: RS.sign(claims_of(c, sub="somebody")),
    "by nobody": lambda c: RS.sign(claims_of(c, iss=None)),
    "without a jti": lambda c: RS.sign(claims_of(c, jti=None)),
    "with an endless jti": lambda c: RS.sign(claims_of(c, jti="x" * 501)),
    "too long": lambda c: RS.sign(claims_of(c, padding="x" * 20_000)),
    "claims that are a list": lambda c: f"{part({'alg': 'RS256'})}.{part([1])}.{part(b'x')}",
    "a header that is no object": lambda c: f"{part([])}.{part(claims_of(c))}.{part(b'x')}",
    "deep nesting": lambda c: f"{part({'alg': 'RS256'})}.{part(b'[' * 9000)}.{part(b'x')}",
    "half a surrogate pair": lambda c: RS.sign(claims_of(c, jti="\ud800")),
    "five parts": lambda c: ".".join(["eyJhbGciOiJkaXIifQ"] * 5),
    "no JWT": lambda c: c.client_id,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_an_assertion_that_does_not_hold_is_refused_and_changes_nothing(
    server: Server, forge: Forge
) -> None:
    client = signing_client(server)
    before = seen(server)
    refused(present(server, forge(client), client_id=client.client_id))
    assert seen(server) == before


def test_a_truncated_or_changed_signature_is_refused(server: Server) -> None:
    client = signing_client(server)
    text = RS.sign(claims_of(client))
    head, body, signature = text.split(".")
    for changed in (
        text[:-8],
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{part({})}.{signature}",
    ):
        refused(present(server, changed, client_id=client.client_id))


def test_a_key_verifies_with_its_own_algorithm_alone(server: Server) -> None:
    """RFC 8725 section 3.1: a key registered for PS256 takes no RS256."""
    client = signing_client(server, replace(RS, jwk={**RS.jwk, "alg": "PS256"}))
    refused(present(server, RS.sign(claims_of(client))))
    assert present(server, replace(RS, alg="PS256").sign(claims_of(client))).status == 200


def test_symmetric_weak_and_private_keys_of_a_client_are_not_taken(server: Server) -> None:
    secret = {"kty": "oct", "k": part(b"secret" * 8), "kid": "one", "alg": "HS256"}
    client = signing_client(server, jwks=[secret])
    refused(present(server, by_secret(claims_of(client), b"secret" * 8)))
    client = signing_client(server, jwks=[{**RS.jwk, "use": "enc"}])
    refused(present(server, RS.sign(claims_of(client))))
    client = signing_client(server, jwks=[{**RS.jwk, "n": "AQAB"}, {"kty": "RSA"}, {}])
    refused(present(server, RS.sign(claims_of(client))))


def test_an_assertion_of_a_client_that_is_not_there(server: Server) -> None:
    ghost = replace(signing_client(server), client_id="ghost")
    refused(present(server, RS.sign(claims_of(ghost))))


def test_an_assertion_and_its_type_belong_together(server: Server) -> None:
    client = signing_client(server)
    assertion = RS.sign(claims_of(client))
    refused(present(server, assertion, client_assertion_type=""), "invalid_request")
    refused(present(server, "", client_id=client.client_id), "invalid_request")
    refused(present(server, assertion, client_assertion_type="urn:other"))
    refused(present(server, assertion, client_id="somebody"))
    assert present(server, assertion).status == 200


# --- one way, the registered one -----------------------------------------------------


def test_two_ways_at_once_are_refused(server: Server) -> None:
    """RFC 6749 section 2.3: the client MUST NOT use more than one method in each request."""
    client, (client_id, secret) = server.client("two-ways")
    assertion = RS.sign(claims_of(client))
    signed = {"client_assertion_type": TYPE, "client_assertion": assertion}
    basic = (client_id, secret)
    refused(server.token({**ITSELF, "client_secret": secret}, basic=basic), "invalid_request")
    refused(server.token({**ITSELF, **signed}, basic=basic), "invalid_request")
    post = {"client_id": client_id, "client_secret": secret}
    refused(server.token({**ITSELF, **signed, **post}), "invalid_request")
    assert server.token({**ITSELF, "client_id": client_id}, basic=basic).status == 200
    refused(server.token({**ITSELF, "client_id": "other"}, basic=basic), "invalid_request")


@pytest.mark.parametrize(
    ("method", "ways"),
    [
        ("", {"basic", "post"}),
        ("client_secret_basic", {"basic"}),
        ("client_secret_post", {"post"}),
        ("private_key_jwt", set()),
        ("none", set()),
    ],
)
def test_a_client_authenticates_in_the_registered_way_alone(
    server: Server, method: str, ways: set[str]
) -> None:
    """RFC 7591 section 2, `token_endpoint_auth_method`."""
    _, (client_id, secret) = by_method(server, method)
    basic = server.token(ITSELF, basic=(client_id, secret))
    post = server.token({**ITSELF, "client_id": client_id, "client_secret": secret})
    for name, answer in (("basic", basic), ("post", post)):
        if name in ways:
            assert answer.status == 200, answer.text
        else:
            refused(answer)


def test_a_client_with_keys_but_registered_for_a_secret_cannot_sign(server: Server) -> None:
    client = signing_client(server, auth_method="")
    refused(present(server, RS.sign(claims_of(client))))


@pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
def test_credentials_in_the_address_are_refused(server: Server, name: str) -> None:
    """RFC 6749 section 2.3.1."""
    _, credentials = server.client("address")
    answer = server.call("POST", "/oauth2/revoke", {"token": "x"}, basic=credentials)
    assert answer.status == 200
    answer = server.call(
        "POST", "/oauth2/revoke", {"token": "x"}, basic=credentials, query=f"{name}=secret"
    )
    refused(answer, "invalid_request")


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic Og==", "Basic YWJj", "Bearer x", "Negotiate x", "Basic /w=="],
)
def test_a_malformed_header_is_refused(server: Server, header: str) -> None:
    refused(server.token(ITSELF, headers={"authorization": header}))


def test_a_wrong_secret_and_an_unknown_client_read_the_same(server: Server) -> None:
    _, (client_id, _) = server.client("reads")
    texts = {
        server.token(ITSELF, basic=(client_id, "wrong")).text,
        server.token(ITSELF, basic=("unknown", "wrong")).text,
        server.token({**ITSELF, "client_id": client_id, "client_secret": "wrong"}).text,
        # Neither does it tell whether somebody is a public client.
        server.token({**ITSELF, "client_id": client_id}).text,
        server.token({**ITSELF, "client_id": "unknown"}).text,
    }
    assert len(texts) == 1


@pytest.mark.parametrize("client_id", ["x" * 3000, "a b", "\u00e4", "a\nb"], ids=ascii)
def test_what_cannot_be_a_client_is_no_key_of_a_table(server: Server, client_id: str) -> None:
    """DynamoDB refuses keys that are too long; nobody gets that far."""
    refused(server.token({**ITSELF, "client_id": client_id, "client_secret": "x"}))
    refused(server.token(ITSELF, basic=(client_id, "x")))
    refused(server.token({"grant_type": "refresh_token", "client_id": client_id}))


def test_the_scheme_of_the_answer_is_the_one_that_failed(server: Server) -> None:
    """RFC 6749 section 5.2."""
    answer = server.token(ITSELF, headers={"authorization": basic_header("a", "b")})
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


# --- public clients ------------------------------------------------------------------


def test_a_public_client_is_taken_at_its_word_for_its_grants(server: Server) -> None:
    client, _ = by_method(server, "none")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": client.client_id}
    refused(server.token(form), "invalid_grant")
    refused(server.token({**form, "grant_type": "authorization_code"}), "invalid_request")
    revoked = server.call("POST", "/oauth2/revoke", {"token": "x", "client_id": client.client_id})
    assert revoked.status == 200


@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_a_public_client_gets_no_token_that_needs_a_secret(server: Server, grant: str) -> None:
    """RFC 6749 section 4.4: the client credentials grant is for confidential clients only."""
    client, _ = by_method(server, "none")
    form = {"grant_type": grant, "client_id": client.client_id, "username": "a", "password": "b"}
    refused(server.token(form), "unauthorized_client")


def test_a_public_client_cannot_introspect(server: Server) -> None:
    """RFC 7662 section 2.1: some form of authorization is required."""
    client, _ = by_method(server, "none")
    form = {"token": "x", "client_id": client.client_id}
    refused(server.call("POST", "/oauth2/introspect", form))
