"""How long an id_token holds."""

import json
from functools import cache
from typing import Any

import pytest

from portico.domain.application import ID_TOKEN, Client
from portico.domain.authorization import SignIn
from portico.domain.user import User
from portico.services.id_tokens import ID_TOKEN_VALIDITY, id_token
from portico.tokens.jwt import verify
from portico.tokens.keys import RS256, SigningKey, generate, public_jwk, signing_key
from portico.tokens.keys import verification_keys as keys_of

NOW = 1_800_000_000
JANE = User(tenant="carbon.super", name="jane", id="1", password="")


@cache
def key() -> SigningKey:
    return signing_key(json.dumps({"keys": [generate(RS256, 0)]}))


@pytest.mark.parametrize(("validities", "seconds"), [({}, ID_TOKEN_VALIDITY), ({ID_TOKEN: 60}, 60)])
def test_an_id_token_holds_as_long_as_the_client_wants(
    validities: dict[str, int], seconds: int
) -> None:
    """`exp` of OpenID Connect Core section 2; WSO2's `id_token_expiry_time`."""
    client = Client(
        tenant="carbon.super",
        client_id="shop",
        name="shop",
        owner="jane",
        secrets=(),
        grant_types=("authorization_code",),
        validities=validities,
    )
    text = id_token(
        client, JANE, (), SignIn(at=NOW), "token", issuer="https://gw.example", now=NOW, key=key()
    )

    claims: dict[str, Any] = verify(text, keys_of([public_jwk(key())]), now=NOW, typ="JWT")
    assert claims["exp"] - claims["iat"] == seconds
