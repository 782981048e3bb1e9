"""Reading and changing a tenant's rules about tokens, on fakes."""

from dataclasses import replace

import pytest

from portico.domain.errors import InvalidInput, LostRace, Stale
from portico.domain.operations import AuditEntry
from portico.domain.records import Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import LoginProvider, TokenRules, sealed_for
from portico.domain.user import Caller
from portico.services.backend_jwt_rules import RulingBackendJwt
from portico.services.tenant_config import TenantConfig, WholeConfig
from portico.services.token_rules import Draft, RulingTokens
from tests.fakes import FakeClock, FakeRecords, FakeSealer

TENANT = "acme.com"
ADMIN = Caller(TENANT, "admin")
PROVIDER = LoginProvider("corp", "Corporate", "https://login.example.com", "portico")
DEFAULTS = TokenRules(tenant=TENANT)


class World:
    def __init__(self) -> None:
        self.records, self.sealer = FakeRecords(), FakeSealer()
        clock = FakeClock()
        self.ruling = RulingTokens(self.records, clock, self.sealer, ("acme_plugins",))
        self.whole = WholeConfig(
            TenantConfig(self.records, clock), self.ruling, RulingBackendJwt(self.records, clock)
        )


def test_without_rules_there_are_the_defaults() -> None:
    assert World().ruling.show(TENANT) == DEFAULTS


def test_a_secret_is_sealed_for_its_tenant_and_provider() -> None:
    world = World()
    draft = Draft(replace(DEFAULTS, providers=(PROVIDER,)), {"corp": "s3cret"})
    (provider,) = world.ruling.change(ADMIN, draft).providers
    assert world.sealer.open(provider.sealed_secret, sealed_for(TENANT, "corp")) == "s3cret"
    with pytest.raises(InvalidInput):
        world.sealer.open(provider.sealed_secret, sealed_for("other.com", "corp"))


def test_a_sealed_secret_that_a_draft_brings_along_is_not_believed() -> None:
    world = World()
    forged = replace(PROVIDER, sealed_secret="somebody else's")
    changed = world.ruling.change(ADMIN, Draft(replace(DEFAULTS, providers=(forged,))))
    assert changed.providers[0].sealed_secret == ""


def test_a_draft_is_for_the_callers_own_tenant() -> None:
    world = World()
    world.ruling.change(ADMIN, Draft(TokenRules(tenant="other.com", reissue=True)))
    assert world.ruling.show(TENANT).reissue
    assert not world.ruling.show("other.com").reissue


def test_a_change_that_was_overtaken_is_made_on_what_is_there_now() -> None:
    world = World()
    secret = Draft(replace(DEFAULTS, providers=(PROVIDER,)), {"corp": "s3cret"})

    def overtake() -> None:
        world.records.before_commit = None
        world.ruling.change(ADMIN, secret)

    world.records.before_commit = overtake
    changed = world.ruling.change(ADMIN, Draft(replace(DEFAULTS, providers=(PROVIDER,))))
    # The secret of the faster change stays: this one did not speak of it.
    assert changed.providers[0].sealed_secret
    assert world.ruling.show(TENANT) == changed


def test_a_change_of_rules_that_were_seen_before_another_is_stale() -> None:
    world = World()
    world.ruling.change(ADMIN, Draft(replace(DEFAULTS, max_tokens=3)), 0)
    with pytest.raises(Stale):
        world.ruling.change(ADMIN, Draft(replace(DEFAULTS, max_tokens=4)), 0)
    assert world.ruling.change(ADMIN, Draft(replace(DEFAULTS, max_tokens=5)), 1).stamp == 2


def test_the_whole_configuration_is_changed_together_or_not_at_all() -> None:
    world = World()
    with pytest.raises(InvalidInput):
        world.whole.change(
            ADMIN, {"DeprecateOldVersions": True}, Draft(replace(DEFAULTS, max_tokens=-1))
        )
    assert world.records.commits == []
    world.whole.change(
        ADMIN, {"DeprecateOldVersions": True}, Draft(replace(DEFAULTS, reissue=True))
    )
    assert len(world.records.commits) == 1
    shown = world.whole.show(TENANT)
    assert (shown.settings["DeprecateOldVersions"], shown.rules.reissue) == (True, True)


def test_the_stamp_of_the_whole_is_new_after_every_change_of_a_part() -> None:
    world = World()
    world.records.commit(Put(Tenant(tenant=TENANT)))
    stamps = [world.whole.show(TENANT).stamp]
    for draft in (None, Draft(DEFAULTS), None):
        told = world.whole.change(ADMIN, {}, draft).stamp
        stamps.append(world.whole.show(TENANT).stamp)
        assert told == stamps[-1]
    world.ruling.change(ADMIN, Draft(DEFAULTS))
    stamps.append(world.whole.show(TENANT).stamp)
    assert len(set(stamps)) == len(stamps)
    with pytest.raises(Stale):
        world.whole.change(ADMIN, {}, None, stamps[0])


def test_a_race_that_is_lost_again_and_again_is_told() -> None:
    world = World()

    def overtake() -> None:
        world.records.before_commit = None
        known = world.ruling.show(TENANT)
        world.records.commit(Put(known))
        world.records.before_commit = overtake

    world.records.before_commit = overtake
    with pytest.raises(LostRace):
        world.ruling.change(ADMIN, Draft(DEFAULTS))


def test_the_audit_trail_tells_what_changed_and_no_secret() -> None:
    world = World()
    draft = Draft(replace(DEFAULTS, reissue=True, providers=(PROVIDER,)), {"corp": "s3cret"})
    world.ruling.change(ADMIN, draft)
    (entry,) = (one for one in world.records.items.values() if isinstance(one, AuditEntry))
    assert set(entry.after) == {"reissue", "providers"}
    assert "s3cret" not in str(entry)
    assert "sealed" not in str(entry)
