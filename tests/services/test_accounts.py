"""Users: who gets in, who has to wait, and what may not be done to them."""

from dataclasses import dataclass, field, replace

import pytest

from portico.domain.errors import (
    AlreadyExists,
    InUse,
    InvalidInput,
    LostRace,
    NotFound,
    TooManyAttempts,
    Unauthenticated,
)
from portico.domain.gateway import Revocation
from portico.domain.operations import AuditEntry
from portico.domain.records import Create
from portico.domain.tenant import Tenant
from portico.domain.user import ADMIN, SUBSCRIBER, Attempts, Caller, User
from portico.services.accounts import Accounts
from portico.services.attempts import PER_ADDRESS, PER_USER, WINDOW
from portico.services.clients import Clients
from portico.services.passwords import DUMMY, Passwords
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
CALLER = Caller(TENANT, "admin", (ADMIN,))


@dataclass
class PlainHasher:
    """Hashes that can be read, and every comparison that was made."""

    version: str = "1"
    compared: list[str] = field(default_factory=list)

    def hash(self, password: str) -> str:
        return f"{self.version}:{password}"

    def verify(self, hashed: str, password: str) -> bool:
        self.compared.append(hashed)
        return hashed.partition(":")[2] == password

    def outdated(self, hashed: str) -> bool:
        return not hashed.startswith(f"{self.version}:")


@dataclass
class Site:
    """Accounts on fakes, with Jane and an administrator."""

    records: FakeRecords = field(default_factory=FakeRecords)
    clock: FakeClock = field(default_factory=FakeClock)
    hasher: PlainHasher = field(default_factory=PlainHasher)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.records, self.clock, self.hasher)
        self.admin = self.accounts.create(CALLER, "admin", "admin-password", [ADMIN])
        self.jane = self.accounts.create(CALLER, "Jane", "jane-password", [SUBSCRIBER])

    def sign_in(
        self, name: str = "jane", password: str = "jane-password", address: str = ""
    ) -> User:
        return self.accounts.authenticate(TENANT, name, password, address)

    def fail(self, times: int, name: str = "jane", address: str = "") -> None:
        for _ in range(times):
            with pytest.raises(Unauthenticated):
                self.sign_in(name, "wrong", address)


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_name_is_compared_without_case(site: Site) -> None:
    assert site.sign_in("JANE").id == site.jane.id
    assert site.jane.name == "jane"


@pytest.mark.parametrize("name", ["nobody", "ja#ne", "j" * 5000, ""])
def test_an_unknown_user_takes_a_comparison_too_and_gets_the_same_words(
    site: Site, name: str
) -> None:
    with pytest.raises(Unauthenticated) as unknown:
        site.sign_in(name)
    with pytest.raises(Unauthenticated) as wrong:
        site.sign_in("jane", "wrong")

    assert str(unknown.value) == str(wrong.value)
    assert site.hasher.compared == [DUMMY, site.jane.password]


def test_the_dummy_costs_what_a_real_hash_costs() -> None:
    passwords = Passwords()

    assert not passwords.outdated(DUMMY)
    assert not passwords.verify(DUMMY, "")


def test_argon2id_keeps_and_verifies_a_password() -> None:
    passwords = Passwords()
    hashed = passwords.hash("correct horse")

    assert hashed.startswith("$argon2id$")
    assert passwords.verify(hashed, "correct horse")
    assert not passwords.verify(hashed, "wrong horse")
    assert not passwords.verify("not a hash", "correct horse")


def test_an_inactive_user_does_not_get_in(site: Site) -> None:
    site.accounts.update(CALLER, site.jane, active=False)

    with pytest.raises(Unauthenticated):
        site.sign_in()


@pytest.mark.parametrize("name", ["jane", "nobody"])
def test_a_name_is_locked_after_some_failures_known_or_not(site: Site, name: str) -> None:
    site.fail(PER_USER, name)

    with pytest.raises(TooManyAttempts) as caught:
        site.sign_in(name)
    assert caught.value.retry_after == WINDOW + 1
    site.clock.pass_by(WINDOW + 1)
    if name == "jane":
        site.sign_in()


def test_one_failure_less_does_not_lock_and_success_begins_anew(site: Site) -> None:
    site.fail(PER_USER - 1)
    site.sign_in()
    site.fail(PER_USER - 1)

    assert site.sign_in().name == "jane"


def test_failures_of_long_ago_do_not_count(site: Site) -> None:
    site.fail(PER_USER - 1)
    site.clock.pass_by(WINDOW + 1)
    site.fail(PER_USER - 1)

    assert site.sign_in().name == "jane"


def test_a_name_is_locked_again_after_its_window(site: Site) -> None:
    site.fail(PER_USER)
    site.clock.pass_by(WINDOW + 1)
    site.fail(PER_USER)

    with pytest.raises(TooManyAttempts):
        site.sign_in()


def test_a_sign_in_without_failures_before_writes_nothing(site: Site) -> None:
    commits = len(site.records.commits)

    site.sign_in(address="203.0.113.9")

    assert len(site.records.commits) == commits


def test_an_address_is_locked_whatever_names_it_tries(site: Site) -> None:
    for number in range(PER_ADDRESS):
        site.fail(1, f"user{number}", "203.0.113.9")

    with pytest.raises(TooManyAttempts):
        site.sign_in(address="203.0.113.9")
    assert site.sign_in(address="203.0.113.10").name == "jane"


def test_the_addresses_of_one_ipv6_network_count_together(site: Site) -> None:
    for number in range(PER_ADDRESS):
        site.fail(1, f"user{number}", f"2001:db8:1:2::{number:x}")

    with pytest.raises(TooManyAttempts):
        site.sign_in(address="2001:db8:1:2:ffff::1")
    assert site.sign_in(address="2001:db8:1:3::1").name == "jane"


@pytest.mark.parametrize("address", ["", "no address", "x" * 5000])
def test_an_address_that_is_none_does_no_harm(site: Site, address: str) -> None:
    site.fail(1, address=address)

    assert site.sign_in(address=address).name == "jane"


def test_a_lucky_guess_among_many_at_once_is_not_told(site: Site) -> None:
    """The others fail while this one compares the password."""

    class Meanwhile(PlainHasher):
        def verify(self, hashed: str, password: str) -> bool:
            site.records.commit(
                Create(
                    Attempts(
                        tenant=TENANT,
                        subject="user:jane",
                        count=PER_USER,
                        expires=int(site.clock.now()) + WINDOW,
                    )
                )
            )
            return super().verify(hashed, password)

    accounts = Accounts(site.records, site.clock, Meanwhile())

    with pytest.raises(TooManyAttempts):
        accounts.authenticate(TENANT, "jane", "jane-password")


def test_failures_at_the_same_moment_are_all_counted(site: Site) -> None:
    site.fail(1)
    site.records.before_commit = lambda: site.fail(1)

    site.fail(1)

    found = site.records.get(Attempts, tenant=TENANT, subject="user:jane")
    assert found is not None
    assert found.count == 3


def test_an_old_hash_is_renewed_at_sign_in(site: Site) -> None:
    site.hasher.version = "2"

    site.sign_in()

    assert site.accounts.get(TENANT, "jane").password == "2:jane-password"
    assert site.sign_in().name == "jane"


def test_a_hash_is_not_renewed_over_a_change(site: Site) -> None:
    site.hasher.version = "2"
    site.records.before_commit = lambda: site.accounts.update(
        CALLER, site.jane, email="a@b.example"
    )

    assert site.sign_in().name == "jane"
    assert site.accounts.get(TENANT, "jane").email == "a@b.example"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jane", ("home.example", "jane")),
        (" Jane ", ("home.example", "jane")),
        ("jane@carbon.super", (TENANT, "jane")),
        ("jane@ACME.example", ("acme.example", "jane")),
        ("jane@mail.example", ("home.example", "jane@mail.example")),
        ("jane@mail.example@acme.example", ("acme.example", "jane@mail.example")),
        ("@acme.example", ("home.example", "@acme.example")),
        ("jane@", ("home.example", "jane@")),
        ("jane@" + "x" * 5000, ("home.example", "jane@" + "x" * 5000)),
    ],
)
def test_a_name_tells_its_tenant_if_there_is_one(
    site: Site, name: str, expected: tuple[str, str]
) -> None:
    site.records.commit(Create(Tenant(tenant="acme.example")))

    assert site.accounts.resolve(name, "home.example") == expected


def test_a_name_is_taken_once_in_any_case(site: Site) -> None:
    with pytest.raises(AlreadyExists, match="jane"):
        site.accounts.create(CALLER, "JANE@carbon.super", "another-password")


@pytest.mark.parametrize(
    ("name", "password", "roles", "fields"),
    [
        ("a/b", "long-enough", [], {"userName"}),
        ("", "long-enough", [], {"userName"}),
        ("a" * 101, "long-enough", [], {"userName"}),
        ("joe", "short", [], {"password"}),
        ("joe", "l" * 257, [], {"password"}),
        ("joe", "long-enough", ["<b>"], {"roles"}),
        ("joe", "long-enough", ["r"] * 51, {"roles"}),
        ("a b", "", [""], {"userName", "password", "roles"}),
    ],
)
def test_a_bad_user_is_refused_with_all_its_faults(
    site: Site, name: str, password: str, roles: list[str], fields: set[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        site.accounts.create(CALLER, name, password, roles)

    assert {problem.field for problem in caught.value.problems} == fields


def test_users_are_found_by_name_id_and_in_a_list(site: Site) -> None:
    assert site.accounts.get(TENANT, "Jane") == site.jane
    assert site.accounts.get_by_id(TENANT, site.jane.id) == site.jane
    assert [user.name for user in site.accounts.list(TENANT)] == ["admin", "jane"]
    with pytest.raises(NotFound):
        site.accounts.get(TENANT, "nobody")
    with pytest.raises(NotFound):
        site.accounts.get_by_id("acme.example", site.jane.id)


def test_a_change_of_an_old_copy_loses(site: Site) -> None:
    site.accounts.update(CALLER, site.jane, email="new@mail.example")

    with pytest.raises(LostRace):
        site.accounts.update(CALLER, site.jane, email="old@mail.example")


def test_the_last_administrator_stays(site: Site) -> None:
    with pytest.raises(InUse):
        site.accounts.delete(CALLER, site.admin)
    with pytest.raises(InUse):
        site.accounts.update(CALLER, site.admin, roles=[SUBSCRIBER])
    with pytest.raises(InUse):
        site.accounts.update(CALLER, site.admin, active=False)

    site.accounts.update(CALLER, site.jane, roles=[ADMIN])
    site.accounts.delete(CALLER, site.admin)

    assert [user.name for user in site.accounts.list(TENANT)] == ["jane"]


def test_the_audit_trail_tells_of_users_and_no_secrets(site: Site) -> None:
    changed = site.accounts.update(CALLER, site.jane, password="another-password")
    site.accounts.delete(CALLER, changed)

    trail = [one for one in site.records.items.values() if isinstance(one, AuditEntry)]
    assert [one.action for one in trail] == ["create", "create", "update", "delete"]
    assert "another-password" not in repr(trail)
    assert "jane-password" not in repr(trail)
    assert trail[2].after == {"password": "changed"}


def test_a_changed_password_is_the_only_one(site: Site) -> None:
    site.accounts.update(CALLER, replace(site.jane), password="another-password")

    assert site.sign_in(password="another-password").name == "jane"
    site.fail(1)


def test_a_users_rest_clients_go_with_the_user(site: Site) -> None:
    clients = Clients(site.records, site.clock)
    jane = Caller(TENANT, "jane")
    hers, secret = clients.register(jane, "cli", "jane", ["client_credentials"])
    others, _ = clients.register(CALLER, "cli", "admin", ["client_credentials"])

    site.accounts.delete(CALLER, site.jane)

    with pytest.raises(Unauthenticated):
        clients.authenticate(hers.client_id, secret)
    assert clients.get(TENANT, others.client_id)
    assert site.records.get(Revocation, tenant=TENANT, subject=f"client:{hers.client_id}")
    again, _ = clients.register(jane, "cli", "jane", ["client_credentials"])
    assert again.client_id != hers.client_id
