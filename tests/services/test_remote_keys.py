"""Keys at others' addresses: how long they are kept, and how seldom anybody is asked."""

import json
from typing import Any

import pytest

from portico.domain.errors import InvalidInput, Unavailable
from portico.services.remote_keys import (
    LIFETIME,
    MAX_SETS,
    PAUSE,
    RETRY,
    STALE,
    RemoteKeys,
)
from tests.fakes import FakeClock
from tests.functions.token.signing import pair

URL = "https://idp.example/jwks"


class Site:
    """A server of keys that can fail, and a clock."""

    def __init__(self) -> None:
        self.clock, self.asked = FakeClock(), 0
        self.answer: bytes | Exception = jwks(pair("RS256").jwk)
        self.keys = RemoteKeys(self.fetch, self.clock)

    def fetch(self, url: str, max_bytes: int) -> bytes:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def kids(self, **more: Any) -> list[str]:
        return [key.kid for key in self.keys.of([], URL, **more)]


def jwks(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_set_is_fetched_once_in_five_minutes(site: Site) -> None:
    assert [site.kids(), site.kids()] == [["one"], ["one"]]
    assert site.asked == 1
    site.clock.pass_by(LIFETIME)
    site.kids()
    assert site.asked == 2


def test_an_unknown_key_id_is_looked_for_at_most_once_a_minute(site: Site) -> None:
    site.kids()
    site.answer = jwks(pair("RS256").jwk, pair("ES256", "two").jwk)
    for _ in range(5):
        assert site.kids(fresh=True) == ["one"]
    assert site.asked == 1
    site.clock.pass_by(PAUSE)
    assert site.kids(fresh=True) == ["one", "two"]
    for _ in range(5):
        site.kids(fresh=True)
    assert site.asked == 2


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable("away"),
        InvalidInput("status 500"),
        b"",
        b"[]",
        b"{}",
        b'{"keys": 1}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=repr,
)
def test_old_keys_serve_on_for_an_hour_while_a_server_fails(
    site: Site, failure: bytes | Exception
) -> None:
    site.kids()
    site.answer = failure
    site.clock.pass_by(LIFETIME)
    assert site.kids() == ["one"]
    site.clock.pass_by(STALE)
    with pytest.raises(Unavailable):
        site.kids()


def test_a_server_that_fails_is_left_alone_for_some_seconds(site: Site) -> None:
    site.answer = Unavailable("away")
    for _ in range(5):
        with pytest.raises(Unavailable):
            site.kids(fresh=True)
    assert site.asked == 1
    site.clock.pass_by(RETRY)
    site.answer = jwks(pair("RS256").jwk)
    assert site.kids() == ["one"]


def test_registered_keys_need_no_server(site: Site) -> None:
    assert [key.kid for key in site.keys.of([pair("ES256").jwk], URL)] == ["one"]
    assert site.keys.of([], "") == ()
    assert site.asked == 0


def test_only_so_many_sets_are_kept(site: Site) -> None:
    for number in range(MAX_SETS + 1):
        site.keys.of([], f"{URL}/{number}")
    site.keys.of([], f"{URL}/{MAX_SETS}")
    assert site.asked == MAX_SETS + 1
    site.keys.of([], f"{URL}/0")
    assert site.asked == MAX_SETS + 2


def test_a_clock_that_jumps_back_keeps_no_set_for_ever(site: Site) -> None:
    site.kids()
    site.clock.pass_by(-LIFETIME - 1)
    site.kids()
    assert site.asked == 2


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
        {**pair("RS256").jwk, "use": "enc"},
        {**pair("RS256").jwk, "key_ops": ["sign"]},
        {**pair("RS256").jwk, "key_ops": "verify"},
        {**pair("RS256").jwk, "alg": "HS256"},
        {**pair("RS256").jwk, "alg": "none"},
        {**pair("RS256").jwk, "alg": ["RS256"]},
        {**pair("RS256").jwk, "n": "AQAB"},
        {**pair("RS256").jwk, "n": 7},
        {**pair("RS256").jwk, "kid": 7},
        {**pair("RS256").jwk, "d": "AQAB"},
        {**pair("ES256").jwk, "crv": "secp256k1"},
        {**pair("ES256").jwk, "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": pair("EdDSA").jwk["x"], "kid": "one"},
        {"kty": "RSA"},
        {"kty": []},
        {},
        [],
        "key",
        None,
    ],
    ids=repr,
)
def test_what_cannot_verify_is_no_key(site: Site, jwk: Any) -> None:
    site.answer = jwks(jwk, pair("ES256", "good").jwk)
    assert site.kids() == ["good"]
