"""Signing keys are made once, public before they sign, rotated with overlap, and never lost."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1

from functions.authorizer.assertions import Signer
from functions.token.keyring import KeyRing
from portico.domain.errors import Unavailable
from portico.domain.gateway import PublicKeys
from portico.services.clients import LONGEST_TOKEN
from portico.services.rotating import KEEP, OVERLAP, KeySet, UnreadableSecret, plan
from portico.tokens.jwt import sign, verify
from portico.tokens.keys import ES256, RS256, begins, generate, signing_key, verification_keys
from tests.fakes import FakeClock, FakeRecords

DAY = 86_400
ACCESS, BACKEND = "access", "backend"


class Killed(BaseException):
    """The end of a process, which no `except Exception` sees."""


@dataclass
class FakeVault:
    """Secrets in a dict; `failing` names those that refuse, `killing` those whose write is the last
    thing that a process does (before it or after it).
    """

    values: dict[str, str | None] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    killing: dict[str, str] = field(default_factory=dict)
    before_write: Any = None

    def read(self, name: str) -> str | None:
        return self.values.get(name)

    def write(self, name: str, value: str) -> None:
        if self.before_write:
            hook, self.before_write = self.before_write, None
            hook()
        if name in self.failing:
            raise Unavailable("the vault is closed")
        if self.killing.get(name) == "before":
            raise Killed
        self.values[name] = value
        if self.killing.get(name) == "after":
            raise Killed

    def keys(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(self.values[name] or "")["keys"]
        return entries


@dataclass
class Deployment:
    """Both sets of keys; access tokens are signed with EC here, too, for RSA keys take time."""

    vault: FakeVault = field(default_factory=FakeVault)
    records: FakeRecords = field(default_factory=FakeRecords)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.access = self.key_set(ACCESS, ES256)
        self.backend = self.key_set(BACKEND, ES256)

    def key_set(self, name: str, alg: str) -> KeySet:
        return KeySet(self.vault, self.records, self.clock, name, alg, access=name == ACCESS)

    def ensure(self, every: float = 0, *, at_once: bool = False) -> list[str]:
        made = self.access.ensure(every, at_once=at_once)
        return [*made, *self.backend.ensure(every, at_once=at_once)]

    def published(self) -> PublicKeys:
        found = self.records.get(PublicKeys, tenant="*")
        assert found is not None
        return found

    def token(self) -> str:
        """An access token of this moment by a token function that reads its secret now."""
        key = signing_key(self.vault.values[ACCESS] or "", self.clock.now())
        return self.signed(key)

    def signed(self, key: Any) -> str:
        now = int(self.clock.now())
        return sign({"sub": "jane", "iat": now, "exp": now + LONGEST_TOKEN}, key, typ="at+jwt")

    def verifies(self, token: str, with_keys: PublicKeys | None = None) -> bool:
        found = with_keys or self.published()
        try:
            verify(token, verification_keys(found.keys, found.access), now=self.clock.now())
        except Exception:
            return False
        return True


@pytest.fixture
def site() -> Deployment:
    return Deployment()


def test_access_tokens_get_an_rsa_key_and_the_backend_jwt_an_ec_key(site: Deployment) -> None:
    made = [*site.key_set(ACCESS, RS256).ensure(), *site.backend.ensure()]
    jwks = site.published()
    assert [(jwk["kid"], jwk["alg"], jwk["kty"], jwk["use"]) for jwk in jwks.keys] == [
        (made[0], RS256, "RSA", "sig"),
        (made[1], ES256, "EC", "sig"),
    ]
    assert jwks.access == (made[0],)


def test_only_public_halves_are_published(site: Deployment) -> None:
    site.key_set(ACCESS, RS256).ensure()
    site.backend.ensure()
    # RFC 7518 sections 6.2.2 and 6.3.2: the private members of EC and RSA keys.
    for jwk in site.published().keys:
        assert not jwk.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth"}


def test_a_backend_key_is_never_taken_for_one_of_access_tokens(site: Deployment) -> None:
    site.ensure()
    site.clock.pass_by(DAY)
    site.ensure(at_once=True)
    assert set(site.published().access) == {entry["kid"] for entry in site.vault.keys(ACCESS)}
    backend = signing_key(site.vault.values[BACKEND] or "", site.clock.now())
    assert not site.verifies(site.signed(backend))


def test_a_second_time_changes_nothing(site: Deployment) -> None:
    site.ensure()
    before = dict(site.vault.values), dict(site.records.items)
    assert site.ensure() == []
    assert (site.vault.values, site.records.items) == before


@pytest.mark.parametrize("placeholder", [None, "", " \n", "{}", '{"keys": []}', '{"keys": null}'])
def test_a_placeholder_counts_as_no_keys(placeholder: str | None, site: Deployment) -> None:
    site.vault.values = {ACCESS: placeholder, BACKEND: placeholder}
    assert len(site.ensure()) == 2


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
def test_a_secret_that_holds_something_else_is_left_alone(content: str, site: Deployment) -> None:
    site.vault.values[ACCESS] = content
    with pytest.raises(UnreadableSecret) as refusal:
        site.ensure(at_once=True)
    assert site.vault.values[ACCESS] == content
    assert content not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_lost_record_of_public_keys_is_made_again(site: Deployment) -> None:
    site.ensure()
    before = site.published()
    site.records.items.clear()
    site.ensure()
    assert site.published().access == before.access
    assert {jwk["kid"] for jwk in site.published().keys} == {jwk["kid"] for jwk in before.keys}


# --- rotation ---


def test_a_new_key_is_published_long_before_it_signs(site: Deployment) -> None:
    (old, _) = site.ensure()
    site.clock.pass_by(DAY)
    (new, _) = site.ensure(at_once=True)
    assert set(site.published().access) == {old, new}
    text = site.vault.values[ACCESS] or ""
    assert signing_key(text, site.clock.now()).kid == old
    assert signing_key(text, site.clock.now() + OVERLAP - 1).kid == old
    assert signing_key(text, site.clock.now() + OVERLAP).kid == new


def test_rotating_twice_at_once_rotates_once(site: Deployment) -> None:
    site.ensure()
    site.clock.pass_by(DAY)
    assert len(site.ensure(at_once=True)) == 2
    assert site.ensure(at_once=True) == []
    assert len(site.vault.keys(ACCESS)) == 2


def test_keys_are_rotated_when_their_time_has_come_and_not_before(site: Deployment) -> None:
    site.ensure(90 * DAY)
    site.clock.pass_by(90 * DAY - 1)
    assert site.ensure(90 * DAY) == []
    site.clock.pass_by(1)
    assert len(site.ensure(90 * DAY)) == 2


def test_keys_are_never_rotated_by_age_with_zero_days(site: Deployment) -> None:
    site.ensure()
    site.clock.pass_by(10_000 * DAY)
    assert site.ensure(0) == []


def test_tokens_of_before_during_and_after_a_rotation_hold_to_their_end(site: Deployment) -> None:
    site.ensure()
    tokens = [site.token()]
    issued = [site.clock.now()]
    site.clock.pass_by(DAY)
    site.ensure(at_once=True)
    for _ in range(8):  # until well after the new key has begun to sign
        tokens.append(site.token())
        issued.append(site.clock.now())
        site.clock.pass_by(OVERLAP / 4)
    assert len({signing_kid(token) for token in tokens}) == 2
    for _ in range(20):
        site.ensure()
        for token, at in zip(tokens, issued, strict=True):
            assert site.verifies(token) == (site.clock.now() < int(at) + LONGEST_TOKEN)
        site.clock.pass_by(DAY / 2)


def signing_kid(token: str) -> str:
    import jwt

    return str(jwt.get_unverified_header(token)["kid"])


def test_an_old_key_goes_when_nothing_of_it_can_live(site: Deployment) -> None:
    (old, old_backend) = site.ensure()
    site.clock.pass_by(DAY)
    (new, new_backend) = site.ensure(at_once=True)
    site.clock.pass_by(OVERLAP + KEEP - 1)
    site.ensure()
    assert set(site.published().access) == {old, new}
    site.clock.pass_by(1)
    site.ensure()
    assert {jwk["kid"] for jwk in site.published().keys} == {new, new_backend}
    assert [entry["kid"] for entry in site.vault.keys(ACCESS)] == [new]
    assert old_backend not in [entry["kid"] for entry in site.vault.keys(BACKEND)]


def test_nobody_who_caches_sees_an_unknown_key(site: Deployment) -> None:
    """A warm token function, a warm authorizer and a reader of the JWKS, all as old as allowed."""
    site.ensure()
    ring = KeyRing(lambda: site.vault.values[ACCESS] or "", site.clock)
    backend = Signer(lambda: site.vault.values[BACKEND] or "", site.clock.now)
    site.clock.pass_by(DAY)
    ring.signing(), backend.key()
    published = [(site.clock.now(), site.published())]
    site.ensure(at_once=True)
    for _ in range(40):
        site.clock.pass_by(60)
        published.append((site.clock.now(), site.published()))
        # The oldest answer that anybody may still hold: five minutes (JWKS, `max-age`).
        held = next(keys for at, keys in published if at >= site.clock.now() - 300)
        assert site.verifies(site.signed(ring.signing()), held)
        assert backend.key().kid in {jwk["kid"] for jwk in held.keys}
    assert ring.signing().kid == site.vault.keys(ACCESS)[1]["kid"]
    assert backend.key().kid == site.vault.keys(BACKEND)[1]["kid"]


# --- what dies on the way ---


@pytest.mark.parametrize("first", [True, False], ids=["the first keys", "a rotation"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", [ACCESS, BACKEND])
def test_a_run_that_is_killed_leaves_no_unknown_key_and_the_next_one_mends(
    site: Deployment, name: str, moment: str, first: bool
) -> None:
    if not first:
        site.ensure()
        site.clock.pass_by(DAY)
    site.vault.killing = {name: moment}
    with pytest.raises(Killed):
        site.ensure(at_once=True)
    site.vault.killing = {}
    if name == ACCESS and (moment == "after" or not first):
        site.clock.pass_by(OVERLAP)
        assert site.verifies(site.token()), "a key that signs was never published"
    site.ensure(at_once=True)
    site.clock.pass_by(OVERLAP)
    kids = {entry["kid"] for one in (ACCESS, BACKEND) for entry in site.vault.keys(one)}
    assert {jwk["kid"] for jwk in site.published().keys} == kids
    assert site.verifies(site.token())


def test_a_run_that_is_killed_before_it_publishes_has_changed_nothing(site: Deployment) -> None:
    site.ensure()
    site.clock.pass_by(DAY)
    before = dict(site.vault.values), site.published()

    def die() -> None:
        raise Killed

    site.records.before_commit = die
    with pytest.raises(Killed):
        site.ensure(at_once=True)
    assert (dict(site.vault.values), site.published()) == before


def test_a_vault_that_refuses_is_told_and_harmless(site: Deployment) -> None:
    site.ensure()
    site.clock.pass_by(DAY)
    site.vault.failing = {ACCESS}
    with pytest.raises(Unavailable):
        site.ensure(at_once=True)
    assert site.verifies(site.token())
    site.vault.failing = set()
    assert len(site.ensure(at_once=True)) == 2


def test_what_is_published_belongs_to_the_secrets_when_two_runs_cross(site: Deployment) -> None:
    site.ensure()
    site.clock.pass_by(DAY)
    # Another rotation, from beginning to end, between this one's publication and its write.
    site.vault.before_write = lambda: site.access.ensure(at_once=True)
    site.access.ensure(at_once=True)
    assert set(site.published().access) == {entry["kid"] for entry in site.vault.keys(ACCESS)}
    site.clock.pass_by(OVERLAP)
    assert site.verifies(site.token())


def test_both_sets_may_be_published_at_the_same_moment(site: Deployment) -> None:
    site.records.before_commit = site.backend.ensure
    site.access.ensure()
    assert len(site.published().keys) == 2
    assert len(site.published().access) == 1


# --- the plan ---


def test_keys_from_before_rotation_sign_since_they_were_made() -> None:
    entries = [generate(ES256, 200), generate(ES256, 100)]
    assert [begins(entry) for entry in entries] == [200, 100]
    assert plan(entries, ES256, 300) == entries
    assert signing_key(json.dumps({"keys": entries}), 300).kid == entries[0]["kid"]


def test_the_only_key_is_never_outlived() -> None:
    entries = [generate(ES256, 1)]
    assert plan(entries, ES256, 10**10) == entries


# --- two kinds of keys in one set ---


@pytest.fixture
def both(site: Deployment) -> KeySet:
    """A backend JWT's set with keys of both kinds."""
    return KeySet(site.vault, site.records, site.clock, BACKEND, ES256, access=False, also=(RS256,))


def algs(site: Deployment) -> list[str]:
    return sorted(entry["alg"] for entry in site.vault.keys(BACKEND))


def test_a_set_that_had_one_kind_of_keys_gets_the_other_and_loses_nothing(
    site: Deployment, both: KeySet
) -> None:
    site.ensure()
    (old,) = site.vault.keys(BACKEND)
    (made,) = both.ensure()
    assert algs(site) == [ES256, RS256]
    assert site.vault.keys(BACKEND)[0] == old
    assert {jwk["kid"] for jwk in site.published().keys} >= {old["kid"], made}
    # It signs at once: nobody can have waited for it.
    assert signing_key(site.vault.values[BACKEND] or "", site.clock.now(), RS256).kid == made
    commits = len(site.records.commits)
    assert both.ensure() == []
    assert len(site.records.commits) == commits


def test_each_kind_has_a_rotation_of_its_own(site: Deployment, both: KeySet) -> None:
    both.ensure()
    site.clock.pass_by(DAY)
    assert len(both.ensure(at_once=True)) == 2
    assert algs(site) == [ES256, ES256, RS256, RS256]
    site.clock.pass_by(OVERLAP)
    for alg in (ES256, RS256):
        newest = [entry for entry in site.vault.keys(BACKEND) if entry["alg"] == alg][-1]
        text = site.vault.values[BACKEND] or ""
        assert signing_key(text, site.clock.now(), alg).kid == newest["kid"]
    site.clock.pass_by(KEEP)
    both.ensure()
    assert algs(site) == [ES256, RS256]


def test_keys_of_backend_jwts_have_certificates_and_those_of_tokens_have_none(
    site: Deployment, both: KeySet
) -> None:
    # A key from before there were certificates.
    old = generate(ES256, int(site.clock.now()))
    site.vault.values[BACKEND] = json.dumps({"keys": [old]})
    site.access.ensure()
    both.ensure()
    published = {jwk["kid"]: jwk for jwk in site.published().keys}
    assert all("x5c" not in published[kid] for kid in site.published().access)
    for entry in site.vault.keys(BACKEND):
        jwk = published[entry["kid"]]
        (certificate,) = jwk["x5c"]
        parsed = x509.load_der_x509_certificate(base64.b64decode(certificate))
        thumbprint = base64.urlsafe_b64encode(parsed.fingerprint(SHA1())).decode().rstrip("=")  # noqa: S303
        assert jwk["x5t"] == entry["x5t"] == thumbprint
        parsed.verify_directly_issued_by(parsed)
    kept = site.vault.keys(BACKEND)[0]
    assert (kept["kid"], kept["private"]) == (old["kid"], old["private"])
