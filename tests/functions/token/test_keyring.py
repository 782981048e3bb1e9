"""The key ring: fetched once, looked at again in time, and of use while the vault is not."""

import json

import pytest

from functions.token.keyring import LIFETIME, KeyRing
from portico.domain.errors import Unavailable
from portico.tokens.keys import ES256, generate
from tests.fakes import FakeClock


class Vault:
    """A secret with keys that can be rotated and can fail."""

    def __init__(self) -> None:
        self.keys = [generate(ES256, 1)]
        self.fetched = 0
        self.failing = False

    def fetch(self) -> str:
        self.fetched += 1
        if self.failing:
            raise Unavailable("no answer")
        return json.dumps({"keys": self.keys})


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ring(vault: Vault, clock: FakeClock) -> KeyRing:
    return KeyRing(vault.fetch, clock)


def test_keys_are_fetched_at_first_use_and_kept(
    ring: KeyRing, vault: Vault, clock: FakeClock
) -> None:
    assert vault.fetched == 0
    key = ring.signing()
    clock.pass_by(LIFETIME - 1)

    assert ring.signing() is key
    assert list(ring.verifying()) == [key.kid]
    assert vault.fetched == 1


def test_a_rotated_key_signs_after_a_while_and_the_old_one_still_verifies(
    ring: KeyRing, vault: Vault, clock: FakeClock
) -> None:
    old = ring.signing()
    vault.keys.insert(0, generate(ES256, 2))
    clock.pass_by(LIFETIME)

    new = ring.signing()

    assert new.kid == vault.keys[0]["kid"] != old.kid
    assert set(ring.verifying()) == {new.kid, old.kid}


def test_old_keys_serve_while_the_vault_does_not(
    ring: KeyRing, vault: Vault, clock: FakeClock
) -> None:
    key = ring.signing()
    vault.failing = True
    clock.pass_by(LIFETIME)

    assert ring.signing().kid == key.kid


def test_without_any_key_there_is_no_token(ring: KeyRing, vault: Vault) -> None:
    vault.failing = True

    with pytest.raises(Unavailable):
        ring.signing()
