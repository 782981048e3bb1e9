"""Signing keys are made once, published whole, and never overwritten."""

import json
from dataclasses import dataclass, field

import pytest

from functions.bootstrap.keys import SigningKeys, UnreadableSecret
from portico.domain.errors import Unavailable
from portico.domain.gateway import PublicKeys
from portico.tokens.jwt import sign, verify
from portico.tokens.keys import ES256, RS256, generate, signing_key, verification_keys
from tests.fakes import FakeClock, FakeRecords


@dataclass
class FakeVault:
    """Secrets in a dict; `failing` names those that refuse to be written."""

    values: dict[str, str | None] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)

    def read(self, name: str) -> str | None:
        return self.values.get(name)

    def write(self, name: str, value: str) -> None:
        if name in self.failing:
            raise Unavailable("the vault is closed")
        self.values[name] = value


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def records() -> FakeRecords:
    return FakeRecords()


@pytest.fixture
def keys(vault: FakeVault, records: FakeRecords) -> SigningKeys:
    return SigningKeys(vault, records, FakeClock(), "access", "backend")


def published(records: FakeRecords) -> PublicKeys:
    found = records.get(PublicKeys, tenant="*")
    assert found is not None
    return found


def test_access_tokens_get_an_rsa_key_and_the_backend_jwt_an_ec_key(
    keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    made = keys.ensure()
    access, backend = (
        json.loads(vault.values[name] or "")["keys"] for name in ("access", "backend")
    )
    assert [entry["alg"] for entry in access + backend] == [RS256, ES256]
    assert [entry["kid"] for entry in access + backend] == made
    jwks = published(records)
    assert [(jwk["kid"], jwk["alg"], jwk["kty"], jwk["use"]) for jwk in jwks.keys] == [
        (made[0], RS256, "RSA", "sig"),
        (made[1], ES256, "EC", "sig"),
    ]
    assert jwks.access == (made[0],)


def test_only_public_halves_are_published(keys: SigningKeys, records: FakeRecords) -> None:
    keys.ensure()
    # RFC 7518 sections 6.2.2 and 6.3.2: the private members of EC and RSA keys.
    for jwk in published(records).keys:
        assert not jwk.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth"}


def test_a_token_signed_with_the_secret_verifies_with_what_is_published(
    keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    keys.ensure()
    key = signing_key(vault.values["access"] or "")
    now = 1_800_000_000
    token = sign({"sub": "jane", "iat": now, "exp": now + 60}, key, typ="at+jwt")
    found = published(records)
    assert verify(token, verification_keys(found.keys, found.access), now=now)["sub"] == "jane"


def test_a_second_time_changes_nothing(
    keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    keys.ensure()
    before = dict(vault.values), dict(records.items)
    assert keys.ensure() == []
    assert (vault.values, records.items) == before
    assert len(records.commits) == 1


@pytest.mark.parametrize("placeholder", [None, "", " \n", "{}", '{"keys": []}', '{"keys": null}'])
def test_a_placeholder_counts_as_no_keys(
    placeholder: str | None, keys: SigningKeys, vault: FakeVault
) -> None:
    vault.values = {"access": placeholder, "backend": placeholder}
    assert len(keys.ensure()) == 2


@pytest.mark.parametrize(
    "content",
    [
        "not JSON",
        "[]",
        '"text"',
        "7",
        '{"password": "x"}',
        '{"keys": [{"kid": "a"}]}',
        '{"keys": [{"kid": "a", "alg": "RS256", "private": "no PEM"}]}',
        '{"keys": "text"}',
        '{"keys": [7]}',
    ],
)
def test_a_secret_that_holds_something_else_is_left_alone(
    content: str, keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    vault.values["access"] = content
    with pytest.raises(UnreadableSecret) as refusal:
        keys.ensure()
    assert vault.values["access"] == content
    assert content not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_keys_made_by_a_run_that_died_are_kept_and_published(
    keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    vault.failing = {"backend"}
    with pytest.raises(Unavailable):
        keys.ensure()
    first = vault.values["access"]
    vault.failing = set()
    keys.ensure()
    assert vault.values["access"] == first
    assert len(published(records).keys) == 2


def test_a_lost_record_of_public_keys_is_made_again(
    keys: SigningKeys, records: FakeRecords
) -> None:
    keys.ensure()
    before = published(records)
    records.items.clear()
    keys.ensure()
    assert published(records) == before


def test_rotated_keys_stay_published(
    keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    entries = [generate(ES256, 2), generate(ES256, 1)]
    vault.values["backend"] = json.dumps({"keys": entries})
    keys.ensure()
    kids = [jwk["kid"] for jwk in published(records).keys]
    assert kids[1:] == [entry["kid"] for entry in entries]


def test_what_is_published_belongs_to_the_secrets_when_two_runs_cross(
    keys: SigningKeys, vault: FakeVault, records: FakeRecords
) -> None:
    other = json.dumps({"keys": [generate(RS256, 5)]})

    def second_run() -> None:
        vault.values["access"] = other
        keys.ensure()

    records.before_commit = second_run
    keys.ensure()
    assert published(records).access == (json.loads(other)["keys"][0]["kid"],)
