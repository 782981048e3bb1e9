"""Users of whom trusted issuers speak, under bad timing."""

import pytest

from portico.domain.errors import AlreadyExists
from portico.domain.records import Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules, TrustedIssuer
from portico.domain.user import SUBSCRIBER, User
from portico.services.accounts import Accounts
from portico.services.assertions import JWT, SAML, Assertions, Person, mapped_roles, trusted
from portico.services.issuing import InvalidGrant
from portico.services.replays import MARGIN, Replays
from tests.fakes import FakeClock, FakeRecords

TENANT = "acme.example"
MAKING = TrustedIssuer("https://hr.example", create_users=True, roles={"staff": SUBSCRIBER})


class Plain:
    """Passwords in clear, for nobody signs in with them here."""

    def hash(self, password: str) -> str:
        return password

    def verify(self, hashed: str, password: str) -> bool:
        return hashed == password

    def outdated(self, hashed: str) -> bool:
        return False


class Site:
    def __init__(self) -> None:
        self.records, self.clock = FakeRecords(), FakeClock()
        self.replays = Replays(self.records)
        accounts = Accounts(self.records, self.clock, Plain())
        self.assertions = Assertions(self.records, accounts)
        self.records.commit(Put(Tenant(tenant=TENANT)))


@pytest.fixture
def site() -> Site:
    return Site()


def test_an_id_comes_once_for_each_tenant_kind_and_issuer(site: Site) -> None:
    keys = [
        ("acme.example", "jwt", "a", "bc"),
        ("other.example", "jwt", "a", "bc"),
        ("acme.example", "saml", "a", "bc"),
        ("acme.example", "jwt", "ab", "c"),
        ("acme.example", "jwt", "a\n1:b", "c"),
        ("acme.example", "jwt", "a", "\U0001f355" * 400),
    ]
    for key in keys:
        site.replays.once(*key, 100)
    for key in keys:
        with pytest.raises(AlreadyExists):
            site.replays.once(*key, 200)


def test_what_is_remembered_stays_beyond_the_end(site: Site) -> None:
    assert vars(site.replays.first(TENANT, "jwt", "a", "b", 100).record)["expires"] == 100 + MARGIN


def test_two_assertions_at_once_make_one_user(site: Site) -> None:
    other = []

    def meanwhile() -> None:
        other.append(site.assertions.user(TENANT, MAKING, Person("new"))[0])

    site.records.before_commit = meanwhile
    user, pending = site.assertions.user(TENANT, MAKING, Person("new", ["staff"]))
    assert user == other[0]
    assert pending == ()


def test_the_same_assertion_at_once_makes_a_user_once(site: Site) -> None:
    once = site.replays.first(TENANT, "jwt", MAKING.issuer, "id", 100)
    site.records.before_commit = lambda: site.records.commit(once)
    with pytest.raises(InvalidGrant, match="used before"):
        site.assertions.user(TENANT, MAKING, Person("new"), once)
    assert site.records.get(User, tenant=TENANT, name="new") is None


def test_a_known_user_leaves_the_assertion_to_be_used_with_the_tokens(site: Site) -> None:
    site.records.commit(Put(User(tenant=TENANT, name="jane", id="1", password="")))
    once = site.replays.first(TENANT, "jwt", MAKING.issuer, "id", 100)
    user, pending = site.assertions.user(TENANT, MAKING, Person("Jane@ACME.example"), once)
    assert (user.name, pending) == ("jane", (once,))


@pytest.mark.parametrize("name", ["", " ", "a/b", "x" * 101, "jane@carbon.super", "nobody#"])
def test_a_name_that_is_nobodys_makes_nobody(site: Site, name: str) -> None:
    with pytest.raises(InvalidGrant):
        site.assertions.user(TENANT, MAKING, Person(name))


def test_an_issuer_is_trusted_by_kind_and_exact_name() -> None:
    rules = TokenRules(tenant=TENANT, issuers=(MAKING, TrustedIssuer("", kind=SAML)))
    assert trusted(rules, JWT, MAKING.issuer) is MAKING
    for kind, name in ((SAML, MAKING.issuer), (JWT, MAKING.issuer + "/"), (SAML, ""), (JWT, "")):
        with pytest.raises(InvalidGrant):
            trusted(rules, kind, name)


def test_roles_that_are_not_mapped_count_for_nothing() -> None:
    mapping = {"staff": SUBSCRIBER, "people": SUBSCRIBER}
    assert mapped_roles(mapping, ["people", "admin", "staff"]) == [SUBSCRIBER]
