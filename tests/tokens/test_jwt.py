"""Tokens: what verifies, and every way in which one must not."""

import base64
import json
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.tokens.jwt import (
    ACCESS_TOKEN,
    PLAIN,
    ExpiredToken,
    InvalidToken,
    UnknownKey,
    sign,
    verify,
)
from portico.tokens.keys import (
    ES256,
    RS256,
    SigningKey,
    generate,
    public_jwk,
    signing_key,
    verification_keys,
)

NOW = 1_800_000_000
CLAIMS = {"sub": "jane", "iat": NOW, "nbf": NOW, "exp": NOW + 3600}


def made(alg: str) -> SigningKey:
    return signing_key(json.dumps({"keys": [generate(alg, NOW)]}))


KEYS = {alg: made(alg) for alg in (RS256, ES256)}
JWKS = verification_keys([public_jwk(key) for key in KEYS.values()])
RSA = KEYS[RS256]


def token(claims: dict[str, Any] | None = None, typ: str = ACCESS_TOKEN) -> str:
    return sign(CLAIMS if claims is None else claims, RSA, typ)


def forged(header: dict[str, Any], claims: dict[str, Any] | None = None) -> str:
    """A token with any header, signed with nothing."""
    parts = [json.dumps(one).encode() for one in (header, claims or CLAIMS)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize("alg", [RS256, ES256])
def test_what_a_key_signs_its_public_half_verifies(alg: str) -> None:
    signed = sign(CLAIMS, KEYS[alg], ACCESS_TOKEN)

    assert verify(signed, JWKS, now=NOW) == CLAIMS
    assert pyjwt.get_unverified_header(signed) == {
        "alg": alg,
        "typ": "at+jwt",
        "kid": KEYS[alg].kid,
    }


@pytest.mark.parametrize(
    ("moment", "error"),
    [
        (NOW + 3599, None),
        (NOW + 3600, ExpiredToken),
        (NOW + 9999, ExpiredToken),
        (NOW - 5, None),
        (NOW - 6, InvalidToken),
    ],
)
def test_a_token_holds_in_its_time_only(moment: float, error: type[Exception] | None) -> None:
    if error is None:
        verify(token(), JWKS, now=moment)
        return
    with pytest.raises(error):
        verify(token(), JWKS, now=moment)


def test_a_leeway_covers_clocks_that_differ() -> None:
    assert verify(token(), JWKS, now=NOW + 3610, leeway=11) == CLAIMS
    with pytest.raises(ExpiredToken):
        verify(token(), JWKS, now=NOW + 3610, leeway=10)


def test_a_tampered_token_is_invalid_even_when_it_has_expired() -> None:
    head, _, signature = token().split(".")
    other = token({**CLAIMS, "sub": "admin"}).split(".")[1]

    with pytest.raises(InvalidToken) as caught:
        verify(f"{head}.{other}.{signature}", JWKS, now=NOW + 9999)
    assert not isinstance(caught.value, UnknownKey)


def test_a_token_of_another_deployment_names_an_unknown_key() -> None:
    with pytest.raises(UnknownKey):
        verify(sign(CLAIMS, made(RS256), ACCESS_TOKEN), JWKS, now=NOW)


def test_a_key_set_can_be_cut_down_to_some_keys() -> None:
    jwks = [public_jwk(key) for key in KEYS.values()]

    access_keys = verification_keys(jwks, only=[RSA.kid])

    assert verify(token(), access_keys, now=NOW)
    with pytest.raises(UnknownKey):
        verify(sign(CLAIMS, KEYS[ES256], ACCESS_TOKEN), access_keys, now=NOW)


def test_a_token_of_another_kind_is_not_taken() -> None:
    backend = token(typ=PLAIN)

    with pytest.raises(InvalidToken):
        verify(backend, JWKS, now=NOW)
    assert verify(backend, JWKS, now=NOW, typ=PLAIN) == CLAIMS


FORGED = {
    "alg none": forged({"alg": "none", "typ": ACCESS_TOKEN, "kid": RSA.kid}),
    "HMAC with the public key": forged({"alg": "HS256", "typ": ACCESS_TOKEN, "kid": RSA.kid}),
    "another algorithm": forged({"alg": "ES256", "typ": ACCESS_TOKEN, "kid": RSA.kid}),
    "no kid": forged({"alg": "RS256", "typ": ACCESS_TOKEN}),
    "kid is no text": forged({"alg": "RS256", "typ": ACCESS_TOKEN, "kid": [1]}),
    "typ is no text": forged({"alg": "RS256", "typ": 1, "kid": RSA.kid}),
    "critical header": forged(
        {"alg": "RS256", "typ": ACCESS_TOKEN, "kid": RSA.kid, "crit": ["x"], "x": 1}
    ),
    "empty": "",
    "two parts": "a.b",
    "no JSON": "YQ.YQ.YQ",
    "deep JSON": base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.YQ",
    "a letter beyond ASCII": "é.é.é",
    "half a surrogate pair": "\ud800",
    "too long": "a" * 8193,
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_invalid(text: str) -> None:
    with pytest.raises(InvalidToken):
        verify(text, JWKS, now=NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "jane"},
        {"exp": "soon"},
        {"exp": True},
        {"exp": NOW + 1, "nbf": "now"},
    ],
)
def test_times_must_be_numbers_and_there(claims: dict[str, Any]) -> None:
    signed = pyjwt.PyJWS().encode(
        json.dumps(claims).encode(),
        RSA.private,
        "RS256",
        headers={"typ": ACCESS_TOKEN, "kid": RSA.kid},
    )

    with pytest.raises(InvalidToken):
        verify(signed, JWKS, now=NOW)


@given(st.text(max_size=200))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    with pytest.raises(InvalidToken):
        verify(text, JWKS, now=NOW)


@given(st.integers(min_value=0), st.sampled_from("Aa0-_."))
def test_no_changed_letter_goes_unnoticed(place: int, letter: str) -> None:
    signed = token()
    place %= len(signed) - 1  # the last letter of base64 has bits that nobody reads
    changed = signed[:place] + letter + signed[place + 1 :]
    if changed == signed:
        return
    with pytest.raises(InvalidToken):
        verify(changed, JWKS, now=NOW)


def test_only_two_algorithms_have_keys() -> None:
    with pytest.raises(ValueError, match="HS256"):
        generate("HS256", NOW)
