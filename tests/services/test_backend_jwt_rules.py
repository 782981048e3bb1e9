"""A tenant's rules about backend JWTs, and the users that the gateway knows, on fakes."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.backend_jwt import BackendJwtRules, GatewayUser
from portico.domain.errors import InvalidInput, Stale
from portico.domain.operations import AuditEntry
from portico.domain.records import Discard
from portico.domain.user import ADMIN, EVERYONE, SUBSCRIBER, Caller
from portico.services.accounts import Accounts
from portico.services.backend_jwt_rules import RulingBackendJwt
from portico.services.gateway_users import AT_ONCE, GatewayUsers
from portico.services.roles import Roles
from portico.services.tenants import Tenants
from tests.fakes import FakeClock, FakeRecords

TENANT = "acme.com"
CALLER = Caller(TENANT, "admin", (ADMIN,))
WSO2 = "http://wso2.org/claims"
EMAIL, ROLE, COUNTRY = f"{WSO2}/emailaddress", f"{WSO2}/role", f"{WSO2}/country"
DEFAULTS = BackendJwtRules(tenant=TENANT)


class Plain:
    def hash(self, password: str) -> str:
        return password

    def verify(self, hashed: str, password: str) -> bool:
        return hashed == password

    def outdated(self, hashed: str) -> bool:
        return False


class Site:
    def __init__(self) -> None:
        self.records, self.clock = FakeRecords(), FakeClock()
        self.accounts = Accounts(self.records, self.clock, Plain())
        self.ruling = RulingBackendJwt(self.records, self.clock, ("acme_plugins",))
        self.accounts.create(CALLER, "admin", "admin-password", [ADMIN])

    def known(self, name: str) -> dict[str, str] | None:
        found = self.records.get(GatewayUser, tenant=TENANT, name=name)
        return found.claims if found else None

    def forget(self, name: str) -> None:
        """As a user who is older than the mirror."""
        self.records.commit(Discard(GatewayUser(tenant=TENANT, name=name)))


@pytest.fixture
def site() -> Site:
    return Site()


# --- users ---


def test_a_users_claims_reach_the_gateway_with_every_change(site: Site) -> None:
    jane = site.accounts.create(
        CALLER, "Jane", "jane-password", [SUBSCRIBER], email="j@acme.com", claims={COUNTRY: "LK"}
    )
    known = site.known("jane")
    assert known
    assert (known[EMAIL], known[COUNTRY]) == ("j@acme.com", "LK")
    assert known[ROLE] == f"{SUBSCRIBER},{EVERYONE}"
    assert f"{WSO2}/givenname" not in known
    assert "jane-password" not in str(known)
    changed = site.accounts.update(CALLER, jane, email="new@acme.com", claims={})
    known = site.known("jane")
    assert known
    assert known[EMAIL] == "new@acme.com"
    assert COUNTRY not in known
    site.accounts.delete(CALLER, changed)
    assert site.known("jane") is None


def test_a_change_that_fails_changes_neither(site: Site) -> None:
    jane = site.accounts.create(CALLER, "jane", "jane-password", email="j@acme.com")
    before = site.known("jane")
    with pytest.raises(Exception, match="changed"):
        site.accounts.update(CALLER, replace(jane, stamp=9), email="new@acme.com")
    assert site.known("jane") == before


def test_roles_reach_the_gateway_however_many_users_get_them(site: Site) -> None:
    users = [site.accounts.create(CALLER, f"user{number}", "some-password") for number in range(70)]
    roles = Roles(site.records, site.clock)
    role = roles.create(CALLER, "partners", [user.id for user in users])
    assert all("partners" in (site.known(user.name) or {})[ROLE] for user in users)
    roles.delete(CALLER, role)
    assert not any("partners" in (site.known(user.name) or {})[ROLE] for user in users)


def test_the_first_administrator_is_known_too(site: Site) -> None:
    tenants = Tenants(site.records, site.clock)
    tenants.prepare(TENANT)
    tenants.first_admin(TENANT, "root", lambda: "hashed")
    assert (site.known("root") or {})[f"{WSO2}/username"] == "root"


def test_users_who_are_older_than_the_mirror_are_told_with_the_first_claim(site: Site) -> None:
    names = [f"user{number}" for number in range(AT_ONCE * 2 + 3)]
    for name in names:
        site.accounts.create(CALLER, name, "some-password", email=f"{name}@acme.com")
        site.forget(name)
    site.ruling.change(CALLER, replace(DEFAULTS, algorithm="RS256"))
    assert site.known("user0") is None
    site.ruling.change(CALLER, replace(DEFAULTS, claims=(EMAIL,)))
    assert all((site.known(name) or {})[EMAIL] == f"{name}@acme.com" for name in names)
    assert GatewayUsers(site.records).complete(TENANT) == 0


def test_a_user_who_is_changed_meanwhile_is_not_overwritten(site: Site) -> None:
    jane = site.accounts.create(CALLER, "jane", "jane-password", email="old@acme.com")
    site.accounts.create(CALLER, "kate", "kate-password", email="kate@acme.com")
    site.forget("jane")
    site.forget("kate")

    def overtake() -> None:
        site.accounts.update(CALLER, jane, email="new@acme.com")

    site.records.before_commit = overtake
    GatewayUsers(site.records).complete(TENANT)
    assert (site.known("jane") or {})[EMAIL] == "new@acme.com"
    assert (site.known("kate") or {})[EMAIL] == "kate@acme.com"


# --- rules ---


def test_without_rules_there_are_the_defaults(site: Site) -> None:
    assert site.ruling.show(TENANT) == DEFAULTS
    assert (DEFAULTS.dialect, DEFAULTS.claims, DEFAULTS.algorithm) == (WSO2, (), "ES256")
    assert (DEFAULTS.extension_seconds, DEFAULTS.extension_open) == (0.5, False)


def test_rules_are_the_callers_own_tenants_and_told_in_the_audit_trail(site: Site) -> None:
    site.ruling.change(CALLER, BackendJwtRules(tenant="other.com", compatibility="1.x"))
    assert site.ruling.show(TENANT).old
    assert not site.ruling.show("other.com").old
    entries = [one for one in site.records.items.values() if isinstance(one, AuditEntry)]
    (entry,) = [one for one in entries if one.kind == "backend-jwt-rules"]
    assert (entry.before["compatibility"], entry.after["compatibility"]) == ("", "1.x")


def test_a_change_of_what_was_not_seen_is_stale(site: Site) -> None:
    site.ruling.change(CALLER, DEFAULTS, 0)
    with pytest.raises(Stale):
        site.ruling.change(CALLER, replace(DEFAULTS, algorithm="RS256"), 0)


def test_a_change_that_was_overtaken_is_made_on_what_is_there_now(site: Site) -> None:
    def overtake() -> None:
        site.ruling.change(CALLER, replace(DEFAULTS, encoding="base64"))

    site.records.before_commit = overtake
    assert site.ruling.change(CALLER, replace(DEFAULTS, algorithm="RS256")).stamp == 2


BAD: list[tuple[dict[str, Any], str]] = [
    ({"dialect": ""}, "dialect"),
    ({"dialect": "claims"}, "dialect"),
    ({"dialect": "http://wso2.org/claims/"}, "dialect"),
    ({"dialect": "http://a b"}, "dialect"),
    ({"dialect": "http://a\r\nX: y"}, "dialect"),
    ({"dialect": "http://" + "a" * 300}, "dialect"),
    ({"claims": ("http://wso2.org/claims/password",)}, "userClaims.0"),
    ({"claims": ("http://wso2.org/claims/subscriber",)}, "userClaims.0"),
    ({"claims": (EMAIL, EMAIL)}, "userClaims"),
    ({"algorithm": "none"}, "algorithm"),
    ({"algorithm": "HS256"}, "algorithm"),
    ({"encoding": "hex"}, "encoding"),
    ({"compatibility": "2.x"}, "compatibility"),
    ({"extension": "subprocess.Popen"}, "extension.name"),
    ({"extension": "arn:aws:s3:::bucket"}, "extension.name"),
    ({"extension": "acme_plugins"}, ""),  # the name of a function
    ({"extension": "acme_plugins.clearance.Clearance"}, ""),
    ({"extension_seconds": 0.01}, "extension.seconds"),
    ({"extension_seconds": 10.0}, "extension.seconds"),
    ({"extension_seconds": float("nan")}, "extension.seconds"),
]


@pytest.mark.parametrize(("rules", "field"), BAD)
def test_what_is_wrong_is_named(site: Site, rules: dict[str, Any], field: str) -> None:
    wanted = replace(DEFAULTS, **rules)
    if not field:
        assert site.ruling.change(CALLER, wanted).extension == rules["extension"]
        return
    with pytest.raises(InvalidInput) as problem:
        site.ruling.change(CALLER, wanted)
    assert [one.field for one in problem.value.problems] == [f"BackendJwt.{field}"]
    assert site.ruling.show(TENANT) == DEFAULTS
