"""Issuing: refresh tokens under bad timing, and scopes by today's roles."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from portico.domain.application import Client
from portico.domain.errors import Forbidden
from portico.domain.gateway import Revocation
from portico.domain.records import Discard, Put, Replace
from portico.domain.user import ADMIN, CREATOR, PUBLISHER, Caller, RefreshToken, TokenFamily, User
from portico.services.clients import Clients, digest
from portico.services.issuing import InvalidGrant, Issuing
from portico.services.revoking import Revoking
from portico.tokens.jwt import verify
from portico.tokens.keys import (
    RS256,
    SigningKey,
    VerificationKey,
    generate,
    public_jwk,
    signing_key,
    verification_keys,
)
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"


@cache
def key() -> SigningKey:
    return signing_key(json.dumps({"keys": [generate(RS256, 0)]}))


def public() -> dict[str, VerificationKey]:
    return verification_keys([public_jwk(key())])


class Site:
    """Issuing and revoking on fakes, with Jane and a REST client of hers."""

    def __init__(self) -> None:
        self.records, self.clock = FakeRecords(), FakeClock()
        issuer = "https://gw.example/oauth2/token"
        self.issuing = Issuing(self.records, self.clock, key, issuer)
        self.revoking = Revoking(self.records, self.clock, public, issuer)
        self.clients = Clients(self.records, self.clock)
        self.jane = User(
            tenant=TENANT, name="jane", id="1", password="", roles=(CREATOR, PUBLISHER)
        )
        self.records.commit(Put(self.jane))
        self.client = self.make_client("cli")

    def make_client(self, name: str, **more: Any) -> Client:
        grants = ["client_credentials", "password", "refresh_token"]
        return self.clients.create(Caller(TENANT, "jane"), name, grants, **more)[0]

    def claims(self, token: str) -> dict[str, Any]:
        return verify(token, public(), now=self.clock.now())

    def active(self, token: str) -> bool:
        return bool(self.revoking.inspect(token)["active"])


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_refresh_token_used_twice_at_once_gives_one_answer_and_ends_the_family(
    site: Site,
) -> None:
    first = site.issuing.to_user(site.client, site.jane, [])
    winners = []
    site.records.before_commit = lambda: winners.append(
        site.issuing.refreshed(site.client, first.refresh_token, [])
    )

    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, first.refresh_token, [])

    assert len(winners) == 1
    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, winners[0].refresh_token, [])
    assert not site.active(winners[0].access_token)
    assert not site.active(first.access_token)


def test_a_family_that_is_revoked_during_a_refresh_stays_revoked(site: Site) -> None:
    first = site.issuing.to_user(site.client, site.jane, [])
    site.records.before_commit = lambda: site.revoking.revoke(site.client, first.refresh_token)

    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, first.refresh_token, [])

    family = site.records.get(TokenFamily, tenant=TENANT, id=site.claims(first.access_token)["fam"])
    assert family is not None
    assert family.revoked


def test_a_revocation_wins_over_a_refresh_at_the_same_moment(site: Site) -> None:
    first = site.issuing.to_user(site.client, site.jane, [])
    got = []
    site.records.before_commit = lambda: got.append(
        site.issuing.refreshed(site.client, first.refresh_token, [])
    )

    site.revoking.revoke(site.client, first.access_token)

    assert not site.active(got[0].access_token)
    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, got[0].refresh_token, [])


def test_a_refresh_token_expires_and_each_rotation_starts_its_time_anew(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    for _ in range(3):
        site.clock.pass_by(site.client.refresh_validity - 1)
        issued = site.issuing.refreshed(site.client, issued.refresh_token, [])
    site.clock.pass_by(site.client.refresh_validity)

    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, issued.refresh_token, [])


def test_expiry_is_checked_when_read_for_the_table_deletes_late(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    stored = site.records.get(RefreshToken, tenant=TENANT, digest=digest(issued.refresh_token))
    assert stored is not None
    site.clock.time = float(stored.expires)

    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, issued.refresh_token, [])


def test_the_family_lives_as_long_as_its_last_refresh_token(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    site.clock.pass_by(1000)
    issued = site.issuing.refreshed(site.client, issued.refresh_token, [])

    token = site.records.get(RefreshToken, tenant=TENANT, digest=digest(issued.refresh_token))
    family = site.records.get(
        TokenFamily, tenant=TENANT, id=site.claims(issued.access_token)["fam"]
    )
    assert token is not None
    assert family is not None
    assert family.expires == token.expires


def test_fewer_scopes_may_be_asked_for_and_come_back_later(site: Site) -> None:
    both = ("apim:api_view", "apim:api_create")
    issued = site.issuing.to_user(site.client, site.jane, both)

    fewer = site.issuing.refreshed(site.client, issued.refresh_token, ["apim:api_view"])
    more = site.issuing.refreshed(site.client, fewer.refresh_token, [*both, "apim:api_publish"])
    all_again = site.issuing.refreshed(site.client, more.refresh_token, [])

    assert fewer.scopes == ("apim:api_view",)
    assert more.scopes == both, "and none that the first did not have"
    assert all_again.scopes == both


def test_roles_of_today_decide_about_a_refreshed_token(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, ["apim:api_view", "apim:api_publish"])
    site.records.commit(Put(replace(site.jane, roles=(CREATOR,))))

    refreshed = site.issuing.refreshed(site.client, issued.refresh_token, [])

    assert refreshed.scopes == ("apim:api_view",)


def test_tokens_of_a_former_user_are_not_those_of_a_new_one_of_the_name(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, ["apim:api_view"])
    site.clock.pass_by(60)
    other = replace(site.jane, id="2", created=int(site.clock.now()))
    site.records.commit(Put(other))

    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, issued.refresh_token, [])
    assert site.revoking.inspect(issued.access_token) == {"active": False}
    own = site.issuing.to_user(site.client, other, ["apim:api_view"])
    assert site.revoking.inspect(own.access_token)["active"]
    assert site.issuing.refreshed(site.client, own.refresh_token, []).scopes == ("apim:api_view",)


def test_a_token_of_a_user_who_is_gone_is_inactive(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    site.records.commit(Discard(site.jane))

    assert site.revoking.inspect(issued.access_token) == {"active": False}


def test_a_rest_client_may_act_for_its_owner_as_the_roles_allow(site: Site) -> None:
    issued = site.issuing.to_application(site.client, ["apim:api_view", "apim:admin"])

    assert issued.scopes == ("apim:api_view",)
    claims = site.claims(issued.access_token)
    assert (claims["aut"], claims["owner"]) == ("APPLICATION", "jane")


def test_an_owner_who_is_no_longer_active_gives_no_scopes(site: Site) -> None:
    site.records.commit(Put(replace(site.jane, active=False)))

    assert site.issuing.to_application(site.client, ["apim:api_view"]).scopes == ("default",)


def test_an_applications_own_token_has_no_rest_scope_even_if_its_owner_is_admin(site: Site) -> None:
    site.records.commit(Put(replace(site.jane, roles=(ADMIN,))))
    client = site.make_client("app", application_id="app-1")

    assert site.issuing.to_application(client, ["apim:admin"]).scopes == ("default",)
    assert site.issuing.to_user(client, site.jane, ["apim:api_view"]).scopes == ("apim:api_view",)


def test_nothing_is_stored_for_a_token_without_a_user(site: Site) -> None:
    before = dict(site.records.items)

    site.issuing.to_application(site.client, [])

    assert site.records.items == before


def test_refresh_tokens_are_stored_as_digests_only(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])

    assert issued.refresh_token not in repr(site.records.items)
    assert issued.access_token not in repr(site.records.items)


def test_every_token_has_an_id_of_its_own(site: Site) -> None:
    tokens = [site.issuing.to_application(site.client, []).access_token for _ in range(20)]

    assert len({site.claims(token)["jti"] for token in tokens}) == 20


def test_revoking_twice_is_once(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    site.revoking.revoke(site.client, issued.refresh_token)
    commits = len(site.records.commits)

    site.revoking.revoke(site.client, issued.refresh_token)

    assert len(site.records.commits) == commits


def test_a_revocation_lasts_as_long_as_the_access_tokens(site: Site) -> None:
    client = site.clients.change(
        Caller(TENANT, "jane"), site.client, token_validity=7200, refresh_validity=60
    )
    issued = site.issuing.to_user(client, site.jane, [])
    site.revoking.revoke(client, issued.refresh_token)

    fam = site.claims(issued.access_token)["fam"]
    found = site.records.get(Revocation, tenant=TENANT, subject=f"fam:{fam}")
    assert found is not None
    assert found.expires == site.clock.now() + 7200
    site.clock.pass_by(7100)
    assert not site.active(issued.access_token)


def test_another_client_may_not_revoke(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    other = site.make_client("other")

    for token in (issued.access_token, issued.refresh_token):
        with pytest.raises(Forbidden):
            site.revoking.revoke(other, token)
    assert site.active(issued.access_token)


def test_tokens_of_before_a_new_secret_are_inactive_and_later_ones_are_not(site: Site) -> None:
    old = site.issuing.to_application(site.client, []).access_token
    site.clock.pass_by(1)
    site.clients.secrets.regenerate(Caller(TENANT, "jane"), site.client)
    new = site.issuing.to_application(site.client, []).access_token

    assert not site.active(old)
    assert site.active(new)


def test_an_expired_token_is_inactive(site: Site) -> None:
    token = site.issuing.to_application(site.client, []).access_token
    site.clock.pass_by(3600)

    assert not site.active(token)


def test_a_changed_family_is_not_overwritten_by_an_older_copy(site: Site) -> None:
    issued = site.issuing.to_user(site.client, site.jane, [])
    fam = site.claims(issued.access_token)["fam"]
    family = site.records.get(TokenFamily, tenant=TENANT, id=fam)
    assert family is not None

    site.records.before_commit = lambda: site.records.commit(
        Replace(replace(family, expires=family.expires + 5))
    )
    site.revoking.revoke(site.client, issued.refresh_token)

    after = site.records.get(TokenFamily, tenant=TENANT, id=fam)
    assert after is not None
    assert (after.revoked, after.expires) == (True, family.expires + 5)
