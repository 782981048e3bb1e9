"""Backend JWTs by a tenant's rules: names, claims of users, algorithms, forms, and their length."""

import base64
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from functions.authorizer.assertions import LONGEST
from functions.authorizer.calls import Refused
from portico.domain.backend_jwt import BackendJwtRules, GatewayUser
from portico.domain.errors import Unavailable
from portico.domain.gateway import PublicKeys
from portico.tokens.certificates import certified
from portico.tokens.keys import public_jwk, signing_key, signing_keys
from tests.functions.authorizer.world import (
    APPLICATION,
    GRANT,
    PIZZA,
    TENANT,
    World,
    secret,
)

WSO2 = "http://wso2.org/claims"
EMAIL, GIVEN, COUNTRY = f"{WSO2}/emailaddress", f"{WSO2}/givenname", f"{WSO2}/country"
JANE = GatewayUser(tenant=TENANT, name="jane", claims={EMAIL: "jane@acme.example", GIVEN: "Jané"})
DORA = GatewayUser(tenant=TENANT, name="dora", claims={EMAIL: "dora@acme.example"})


def both() -> str:
    """A secret with a key of each kind, as the deployment makes it."""
    entries = [json.loads(secret(alg, 0))["keys"][0] for alg in ("ES256", "RS256")]
    return json.dumps({"keys": [certified(entry, "Portico backend JWT") for entry in entries]})


@pytest.fixture
def world() -> World:
    world = World()
    world.secret = both()
    return world


def rule(world: World, **rules: Any) -> None:
    world.source.put(BackendJwtRules(tenant=TENANT, **rules))
    world.clock.pass_by(5)


def parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of either form, unverified."""
    head, body, _ = assertion.translate(str.maketrans("-_", "+/")).split(".")
    header, claims = (json.loads(base64.b64decode(one + "==")) for one in (head, body))
    return header, claims


def claims_of(decision: dict[str, Any]) -> dict[str, Any]:
    return parts(decision["jwt"])[1]


def verified(world: World, assertion: str) -> dict[str, Any]:
    """As a back end does it: with the published key that the header names."""
    header = jwt.get_unverified_header(assertion)
    keys = {key.kid: public_jwk(key) for key in signing_keys(world.secret)}
    claims: dict[str, Any] = jwt.decode(
        assertion,
        jwt.PyJWK(keys[header["kid"]]).key,
        algorithms=[header["alg"]],
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


# --- names and users ---


def test_without_rules_nothing_is_read_but_that_there_are_none(world: World) -> None:
    token = world.token()
    world.judge(token=token)
    world.judge(token=token)  # which asks whether another API's context lies below this one's
    before = len(world.source.reads)
    world.judge(token=token)
    assert len(world.source.reads) == before
    asked = [each.kind for read in world.source.reads for each in read]
    assert asked.count(BackendJwtRules) == 1


def test_a_dialect_of_ones_own_names_all_but_the_registered_claims(world: World) -> None:
    rule(world, dialect="urn:acme", claims=(EMAIL,))
    world.source.put(JANE)
    claims = claims_of(world.judge(token=world.user_token()))
    assert claims["urn:acme/subscriber"] == "dora"
    assert claims["urn:acme/emailaddress"] == "jane@acme.example"
    assert not any(name.startswith(WSO2) for name in claims)
    assert claims["iss"] == "wso2.org/products/am"


def test_configured_claims_of_the_user_are_told_and_no_others(world: World) -> None:
    rule(world, claims=(GIVEN, COUNTRY))
    world.source.put(JANE)
    claims = claims_of(world.judge(token=world.user_token()))
    assert claims[GIVEN] == "Jané"
    assert EMAIL not in claims
    assert COUNTRY not in claims  # Jane has none


def test_the_end_user_of_an_application_is_its_owner(world: World) -> None:
    rule(world, claims=(EMAIL,))
    world.source.put(DORA)
    assert claims_of(world.judge(token=world.token()))[EMAIL] == "dora@acme.example"
    assert EMAIL not in claims_of(world.judge(path="/pizza/1.0.0/menu/funghi"))


def test_a_changed_user_is_told_anew_within_the_time_of_the_cache(world: World) -> None:
    rule(world, claims=(EMAIL,))
    world.source.put(JANE)
    token = world.user_token()
    first = world.judge(token=token)["jwt"]
    assert world.judge(token=token)["jwt"] == first
    world.source.put(replace(JANE, claims={EMAIL: "new@acme.example"}))
    world.clock.pass_by(5)
    assert claims_of(world.judge(token=token))[EMAIL] == "new@acme.example"


def test_a_cold_call_reads_rules_and_user_in_the_one_request(world: World) -> None:
    rule(world, claims=(EMAIL,))
    world.source.put(JANE)
    assert claims_of(world.judge(token=world.user_token()))[EMAIL] == "jane@acme.example"
    assert len(world.source.reads) == 1


def test_users_are_not_read_where_their_claims_are_not_told(world: World) -> None:
    rule(world, algorithm="RS256")
    world.judge(token=world.token())
    world.clock.pass_by(1)
    before = len(world.source.reads)
    world.judge(token=world.user_token(jti="another"))
    kinds = [each.kind for read in world.source.reads[before:] for each in read]
    assert GatewayUser not in kinds


# --- keys ---


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_the_tenants_algorithm_signs_with_kid_and_thumbprint(world: World, alg: str) -> None:
    rule(world, algorithm=alg)
    assertion = world.judge(token=world.token())["jwt"]
    header = jwt.get_unverified_header(assertion)
    key = signing_key(world.secret, alg=alg)
    assert (header["alg"], header["kid"], header["typ"]) == (alg, key.kid, "JWT")
    assert verified(world, assertion)["http://wso2.org/claims/apiname"] == "PizzaShop"
    # RFC 7515 section 4.1.7, computed from the certificate that is published.
    (published,) = public_jwk(key)["x5c"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(published))
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA1())).decode()  # noqa: S303
    assert header["x5t"] == thumbprint.rstrip("=")
    assert certificate.public_key() == key.private.public_key()


def test_a_change_of_the_algorithm_is_taken_up_within_the_time_of_the_cache(world: World) -> None:
    token = world.token()
    assert parts(world.judge(token=token)["jwt"])[0]["alg"] == "ES256"
    rule(world, algorithm="RS256")
    assert parts(world.judge(token=token)["jwt"])[0]["alg"] == "RS256"


def test_a_key_that_is_not_there_yet_refuses_and_is_looked_for_again(world: World) -> None:
    world.secret = secret("ES256", 0)
    rule(world, algorithm="RS256")
    with pytest.raises(Unavailable, match="no key for RS256"):
        world.judge(token=world.token())
    world.secret = both()
    world.clock.pass_by(10)
    assert parts(world.judge(token=world.token())["jwt"])[0]["alg"] == "RS256"


def test_the_keys_of_backend_jwts_are_no_keys_of_tokens(world: World) -> None:
    key = signing_key(world.secret, alg="RS256")
    known = world.source.items["*#KEYS", "KEYS"]
    assert isinstance(known, PublicKeys)
    world.source.put(replace(known, access=(), keys=[public_jwk(key)]))
    with pytest.raises(Refused):
        world.judge(token=world.token(key))


# --- forms ---


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
@pytest.mark.parametrize("rules", [{"encoding": "base64"}, {"compatibility": "1.x"}])
def test_plain_base64_is_padded_and_its_own_text_is_signed(
    world: World, alg: str, rules: dict[str, str]
) -> None:
    rule(world, algorithm=alg, **rules)
    # Names whose claims differ in length by one: all three remainders of the padding.
    for name in ("A", "AB", "ABC"):
        world.source.put(replace(APPLICATION, name=f"{name}ÿ?>"))
        world.clock.pass_by(5)
        told, _, signature = world.judge(token=world.token())["jwt"].rpartition(".")
        for part in (*told.split("."), signature):
            assert len(part) % 4 == 0
            base64.b64decode(part, validate=True)  # the standard alphabet only
        public = signing_key(world.secret, alg=alg).private.public_key()
        raw = base64.b64decode(signature)
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(raw, told.encode(), padding.PKCS1v15(), SHA256())
        else:
            number, other = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
            der = encode_dss_signature(number, other)
            public.verify(der, told.encode(), ec.ECDSA(SHA256()))


def test_the_old_form_has_its_end_in_milliseconds_and_the_new_one_in_seconds(world: World) -> None:
    now = int(world.clock.now()) + 5
    rule(world, compatibility="1.x")
    claims = claims_of(world.judge(token=world.token()))
    assert (claims["iat"], claims["exp"]) == (now, (now + 900) * 1000)
    rule(world, encoding="base64")
    claims = claims_of(world.judge(token=world.token()))
    assert claims["exp"] == claims["iat"] + 900


# --- length ---


def test_what_is_left_out_for_length_goes_in_the_stated_order(world: World) -> None:
    rule(world, claims=(EMAIL, GIVEN, COUNTRY))
    long = {EMAIL: "e" * 1000, GIVEN: "g" * 900, COUNTRY: "c" * 900}
    world.source.put(replace(JANE, claims=long))
    world.source.put(replace(APPLICATION, attributes={"text": "x" * 100}))
    assertion = world.judge(token=world.user_token())["jwt"]
    assert len(assertion) < 4096
    claims = parts(assertion)[1]
    assert f"{WSO2}/applicationAttributes" not in claims
    assert COUNTRY not in claims
    assert (claims[EMAIL], claims[GIVEN]) == (long[EMAIL], long[GIVEN])
    ((message, more),) = world.notices
    assert "no room" in message
    assert more["missing"] == [f"{WSO2}/applicationAttributes", COUNTRY]
    assert "ccc" not in str(more)


def test_claims_that_fit_are_all_told_and_nothing_is_noted(world: World) -> None:
    rule(world, claims=(EMAIL,))
    world.source.put(replace(JANE, claims={EMAIL: "e" * 1000}))
    assert len(claims_of(world.judge(token=world.user_token()))[EMAIL]) == 1000
    assert world.notices == []


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
@pytest.mark.parametrize("encoding", ["base64url", "base64"])
@pytest.mark.parametrize("length", range(1900, 1990, 9))
def test_no_assertion_has_4_kb_whatever_is_told(
    world: World, alg: str, encoding: str, length: int
) -> None:
    rule(world, claims=(EMAIL, GIVEN), algorithm=alg, encoding=encoding)
    world.source.put(replace(JANE, claims={EMAIL: "é" * 60, GIVEN: "g" * length}))
    world.source.put(replace(PIZZA, name="P" * 60))
    world.source.put(replace(GRANT, policy="P" * 60))
    assert len(world.judge(token=world.user_token())["jwt"]) <= LONGEST < 4096
