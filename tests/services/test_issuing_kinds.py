"""Issuing: opaque tokens, tokens given again, limits of live ones, scopes, claims as headers."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.application import Client
from portico.domain.authorization import Code, SignIn
from portico.domain.claims import DIALECT
from portico.domain.errors import AlreadyExists, LostRace, Unavailable
from portico.domain.gateway import (
    Deployment,
    GatewayApplication,
    Grant,
    OpaqueToken,
    Revocation,
    subject_of_user,
)
from portico.domain.live_tokens import KeptToken, LiveTokens
from portico.domain.records import Create, Discard, Put, Replace
from portico.domain.token_rules import TokenRules
from portico.domain.user import CREATOR, PUBLISHER, SUBSCRIBER, Caller, User
from portico.services.clients import Clients, digest
from portico.services.granting import Memory
from portico.services.issuing import InvalidGrant, Issuing
from portico.services.revoking import Revoking
from portico.tokens.jwt import sign, verify
from tests.fakes import FakeClock, FakeRecords
from tests.services.test_issuing import key, public

TENANT = "carbon.super"
GRANTS = ["client_credentials", "password", "refresh_token"]


class Site:
    """Issuing on fakes, with Jane, a client of hers, and rules to set."""

    def __init__(self, tenant: str = TENANT) -> None:
        self.tenant = tenant
        self.records, self.clock = FakeRecords(), FakeClock()
        issuer = "https://gw.example/oauth2/token"
        self.issuing = Issuing(self.records, self.clock, key, issuer)
        self.revoking = Revoking(self.records, self.clock, public, issuer)
        self.clients = Clients(self.records, self.clock)
        self.jane = User(
            tenant=tenant, name="jane", id="1", password="", roles=(CREATOR, PUBLISHER),
            email="jane@example.org",
        )  # fmt: skip
        self.records.commit(Put(self.jane))
        self.client = self.make_client("cli")

    def make_client(self, name: str, **more: Any) -> Client:
        made = {one: more.pop(one) for one in ("application_id",) if one in more}
        client = self.clients.create(Caller(self.tenant, "jane"), name, GRANTS, **made)[0]
        return replace(client, **more)

    def rule(self, **rules: Any) -> None:
        self.records.commit(Put(TokenRules(tenant=self.tenant, **rules)))

    def application(self, client: Client, scopes: tuple[str, ...] = ()) -> str:
        return self.issuing.to_application(client, scopes).access_token

    def user(self, client: Client, *scopes: str) -> str:
        return self.issuing.to_user(client, self.jane, scopes).access_token

    def active(self, token: str) -> bool:
        return bool(self.revoking.inspect(token, self.tenant)["active"])

    def live(self) -> list[str]:
        found = self.records.get(LiveTokens, tenant=self.tenant, client_id=self.client.client_id)
        return [one.jti for one in found.tokens] if found else []


@pytest.fixture
def site() -> Site:
    return Site()


# Opaque tokens


def test_an_opaque_token_is_random_and_stored_by_digest_with_the_claims_of_a_jwt(
    site: Site,
) -> None:
    client = site.make_client("opaque", opaque=True)

    issued = site.issuing.to_application(client, [])

    assert len(issued.access_token) == 43
    assert "." not in issued.access_token
    assert issued.access_token not in repr(site.records.items)
    kept = site.records.get(OpaqueToken, tenant=TENANT, digest=digest(issued.access_token))
    assert kept is not None
    jwt = verify(site.application(site.client), public(), now=site.clock.now())
    assert set(kept.claims) == set(jwt)
    assert kept.expires == kept.claims["exp"] == site.clock.now() + issued.expires_in
    assert site.active(issued.access_token)
    site.clock.pass_by(issued.expires_in)
    assert not site.active(issued.access_token)


def test_an_opaque_token_of_another_tenant_tells_its_tenant_in_what_a_bearer_token_may_hold() -> (
    None
):
    site = Site("acme.example")
    client = site.make_client("opaque", opaque=True)

    token = site.application(client)

    assert token.startswith("acme.example~")
    assert site.records.get(OpaqueToken, tenant="acme.example", digest=digest(token))


def test_a_user_gets_and_refreshes_opaque_tokens_in_one_commit_each(site: Site) -> None:
    client = site.make_client("opaque", opaque=True)
    commits = len(site.records.commits)

    first = site.issuing.to_user(client, site.jane, [])
    second = site.issuing.refreshed(client, first.refresh_token, [])

    assert len(site.records.commits) == commits + 2
    assert site.active(first.access_token)
    assert site.active(second.access_token)
    site.revoking.revoke(client, second.access_token)
    assert not site.active(first.access_token), "for the family has ended"


# Validity


def test_each_grant_type_may_have_its_own_validity(site: Site) -> None:
    client = site.make_client("validities", validities={"password": 60, "refresh_token": 120})

    user = site.issuing.to_user(client, site.jane, [])

    assert user.expires_in == 60
    assert site.issuing.refreshed(client, user.refresh_token, []).expires_in == 120
    assert site.issuing.to_application(client, []).expires_in == 3600
    assert site.issuing.to_application(client, [], 30).expires_in == 30


# Tokens that are given again


def test_tokens_are_new_each_time_unless_the_tenant_wants_otherwise(site: Site) -> None:
    assert site.application(site.client) != site.application(site.client)
    assert site.user(site.client) != site.user(site.client)


@pytest.mark.parametrize("opaque", [False, True])
def test_with_reissue_the_same_token_is_given_for_the_same_client_user_and_scope(
    site: Site, opaque: bool
) -> None:
    site.rule(reissue=True)
    client = site.make_client("again", opaque=opaque)
    scopes = ("apim:api_view", "apim:api_create")

    first = site.issuing.to_user(client, site.jane, scopes)
    site.clock.pass_by(100)
    again = site.issuing.to_user(client, site.jane, scopes[::-1])

    assert again.access_token == first.access_token
    assert (again.expires_in, again.scopes) == (first.expires_in - 100, first.scopes)
    assert site.application(client) == site.application(client) != first.access_token
    assert first.access_token not in repr(site.records.items)


def test_with_reissue_each_answer_has_a_refresh_token_of_its_own(site: Site) -> None:
    site.rule(reissue=True)
    first = site.issuing.to_user(site.client, site.jane, [])
    again = site.issuing.to_user(site.client, site.jane, [])

    assert first.access_token == again.access_token
    for one in (first, again):
        assert site.issuing.refreshed(site.client, one.refresh_token, []).access_token


def test_with_reissue_another_user_client_or_scope_has_another_token(site: Site) -> None:
    site.rule(reissue=True)
    joe = replace(site.jane, name="joe", id="2")
    site.records.commit(Put(joe))
    other = site.make_client("other")

    tokens = {
        site.user(site.client),
        site.user(site.client, "apim:api_view"),
        site.user(other),
        site.issuing.to_user(site.client, joe, []).access_token,
        site.issuing.to_user(site.client, replace(site.jane, id="9"), []).access_token,
        site.issuing.to_user(site.client, site.jane, [], more={"act": {"sub": "x"}}).access_token,
        site.issuing.to_application(site.client, [], 60).access_token,
        site.application(site.client),
    }

    assert len(tokens) == 8


def endings(site: Site, client: Client, token: str) -> dict[str, Any]:
    claims = verify(token, public(), now=site.clock.now())
    now = int(site.clock.now())

    def revoked(subject: str, since: int = 0) -> Any:
        ended = Revocation(tenant=TENANT, subject=subject, expires=now + 9999, since=since)
        return lambda: site.records.commit(Put(ended))

    def subscription() -> None:
        grant = Grant(
            tenant=TENANT, application_id="app-1", prefix="/a/1", api_id="a", subscription_id="1",
            status="UNBLOCKED", policy="Gold", since=now,
        )  # fmt: skip
        site.records.commit(Put(grant))

    def application() -> None:
        ended = GatewayApplication(
            tenant=TENANT, application_id="app-1", number=1, name="a", owner="jane", policy="x",
            since=now,
        )  # fmt: skip
        site.records.commit(Put(ended))

    return {
        "the token": lambda: site.revoking.revoke(client, token),
        "its family": revoked(f"fam:{claims['fam']}"),
        "its client": revoked(f"client:{client.client_id}", now),
        "its user": revoked(subject_of_user("jane"), now),
        "its application": application,
        "a subscription": subscription,
        "its time": lambda: site.clock.pass_by(3595),
    }


ENDINGS = (
    *("the token", "its family", "its client", "its user"),
    *("its application", "a subscription", "its time"),
)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_token_that_has_ended_is_not_given_again(site: Site, ending: str) -> None:
    site.rule(reissue=True)
    client = site.make_client("ending", application_id="app-1")
    token = site.user(client)
    assert site.user(client) == token

    endings(site, client, token)[ending]()

    site.clock.pass_by(2)
    new = site.user(client)
    assert new != token
    assert site.user(client) == new, "and the new one takes its place"


def test_a_revoked_opaque_token_is_not_given_again(site: Site) -> None:
    site.rule(reissue=True)
    client = site.make_client("opaque", opaque=True)
    token = site.application(client)
    site.revoking.revoke(client, token)

    assert site.application(client) != token


def test_two_requests_at_once_get_the_same_token(site: Site) -> None:
    site.rule(reissue=True)
    got = []
    site.records.before_commit = lambda: got.append(site.user(site.client))

    mine = site.user(site.client)

    assert got == [mine]


def test_a_code_always_gives_a_new_token_so_that_its_replay_can_revoke_it(site: Site) -> None:
    site.rule(reissue=True)
    first = site.issuing.to_user(site.client, site.jane, [], family="fam-1").access_token
    again = site.issuing.to_user(site.client, site.jane, [], family="fam-2").access_token

    assert first != again


def test_what_is_kept_to_give_a_token_again_has_the_tokens_end_and_not_its_text(site: Site) -> None:
    site.rule(reissue=True)
    token = site.user(site.client)

    (kept,) = [one for one in site.records.items.values() if isinstance(one, KeptToken)]

    assert kept.expires == site.clock.now() + 3600
    assert token.rpartition(".")[2] not in repr(kept)
    assert sign(kept.claims, key(), "at+jwt") == token


# How many live tokens a client may have


@pytest.mark.parametrize("opaque", [False, True])
def test_beyond_the_limit_the_oldest_token_ends(site: Site, opaque: bool) -> None:
    site.rule(max_tokens=3)
    client = replace(site.client, opaque=opaque)

    tokens = [site.application(client) for _ in range(5)]

    assert [site.active(token) for token in tokens] == [False, False, True, True, True]


def test_a_clients_own_limit_goes_before_the_tenants(site: Site) -> None:
    site.rule(max_tokens=5)
    client = replace(site.client, max_tokens=1)

    tokens = [site.application(client) for _ in range(2)]

    assert [site.active(token) for token in tokens] == [False, True]


def test_expired_tokens_do_not_count(site: Site) -> None:
    site.rule(max_tokens=2)
    old = site.application(site.client)
    site.issuing.to_application(site.client, [], 10)
    site.clock.pass_by(10)

    site.application(site.client)

    assert site.active(old)
    assert len(site.live()) == 2


def test_a_refresh_counts_and_the_end_of_an_access_token_leaves_the_refresh_token(
    site: Site,
) -> None:
    site.rule(max_tokens=1)
    first = site.issuing.to_user(site.client, site.jane, [])
    second = site.issuing.refreshed(site.client, first.refresh_token, [])

    assert [site.active(one.access_token) for one in (first, second)] == [False, True]
    assert site.issuing.refreshed(site.client, second.refresh_token, []).access_token


def test_a_token_that_is_given_again_counts_once(site: Site) -> None:
    site.rule(max_tokens=2, reissue=True)
    token = site.application(site.client)
    for _ in range(5):
        assert site.application(site.client) == token

    assert len(site.live()) == 1


def test_two_requests_at_once_never_leave_more_than_the_limit(site: Site) -> None:
    site.rule(max_tokens=1)
    got: list[str] = []
    site.records.before_commit = lambda: got.append(site.application(site.client))

    got.append(site.application(site.client))

    assert sorted(site.active(token) for token in got) == [False, True]
    assert len(site.live()) == 1


def test_a_lowered_limit_is_reached_step_by_step_within_a_transactions_size(site: Site) -> None:
    site.rule(max_tokens=200)
    for _ in range(150):
        site.application(site.client)
    site.rule(max_tokens=2)

    sizes = []
    for _ in range(5):
        site.application(site.client)
        sizes.append(len(site.live()))

    assert sizes == [111, 72, 33, 2, 2]


def test_who_always_loses_the_race_is_told_to_come_back_and_not_that_a_code_was_used(
    site: Site,
) -> None:
    site.rule(max_tokens=1)

    def again() -> None:
        site.application(site.client)
        site.records.before_commit = again

    site.records.before_commit = again

    with pytest.raises(Unavailable):
        site.application(site.client)


def test_a_lost_race_for_the_callers_own_records_is_the_callers_to_judge(site: Site) -> None:
    site.rule(max_tokens=1, reissue=True)
    code = Code(
        tenant=TENANT, digest="d", client_id="c", user="jane", user_id="1", scopes=(),
        redirect_uri="", stated=False, family="f", sign_in=SignIn(0), expires=0,
    )  # fmt: skip
    site.records.commit(Create(code))
    stale = Replace(replace(code, used=True, stamp=7))

    with pytest.raises(LostRace):
        site.issuing.to_user(site.client, site.jane, [], also=[stale])
    with pytest.raises(AlreadyExists):
        site.issuing.to_user(site.client, site.jane, [], also=[Create(code)])
    assert site.live() == []


def test_a_refresh_that_meets_another_token_of_the_client_goes_on_and_ends_no_family(
    site: Site,
) -> None:
    first = site.issuing.to_user(site.client, site.jane, [])
    site.rule(max_tokens=5)
    site.records.before_commit = lambda: site.application(site.client)

    second = site.issuing.refreshed(site.client, first.refresh_token, [])

    assert site.active(second.access_token)
    assert len(site.live()) == 2


@pytest.mark.parametrize("reissue", [False, True])
def test_transactions_that_meet_are_tried_again(site: Site, reissue: bool) -> None:
    """DynamoDB cancels one of two that run at once, though nothing has changed yet."""
    site.rule(max_tokens=5, reissue=reissue)
    met = []

    def meet() -> None:
        met.append(1)
        raise LostRace("LiveTokens is being changed")

    site.records.before_commit = meet
    token = site.user(site.client)

    assert met
    assert site.active(token)


# Scopes (RFC 6749 section 3.3)


def api(site: Site, scopes: dict[str, list[str]], status: str = "UNBLOCKED") -> None:
    name = f"/api{len(site.records.items)}/1"
    site.records.commit(
        Put(
            Deployment(
                tenant=TENANT, prefix=name, api_id=name, name=name, version="1", context=name,
                provider="admin", state="PUBLISHED", revision_id="1", resources=[], scopes=scopes,
            )
        ),
        Put(
            Grant(
                tenant=TENANT, application_id="app-1", prefix=name, api_id=name,
                subscription_id=name, status=status, policy="Gold",
            )
        ),
    )  # fmt: skip


def test_a_client_gets_no_scope_that_it_may_not_ask_for(site: Site) -> None:
    asked = ("openid", "apim:api_view", "apim:api_create")
    client = site.make_client("few", scopes=("apim:api_view",))

    assert site.issuing.to_user(client, site.jane, asked).scopes == ("apim:api_view",)
    assert site.issuing.to_user(site.client, site.jane, asked).scopes == asked


def test_a_subscription_that_waits_for_approval_gives_no_scope(site: Site) -> None:
    client = site.make_client("app", application_id="app-1")
    api(site, {"order": []})
    api(site, {"eat": []}, "ON_HOLD")
    api(site, {"bake": []}, "REJECTED")
    api(site, {"wash": []}, "BLOCKED")

    granted = site.issuing.to_application(client, ["order", "eat", "bake", "wash"]).scopes

    assert granted == ("order", "wash")


def test_a_scope_that_two_apis_declare_is_for_the_roles_of_both(site: Site) -> None:
    client = site.make_client("app", application_id="app-1")
    api(site, {"a": [SUBSCRIBER], "b": ["x"], "c": []})
    api(site, {"a": [CREATOR], "b": ["y"], "c": ["x"]})

    assert site.issuing.to_user(client, site.jane, ["a", "b", "c"]).scopes == ("a", "c")


def test_a_refresh_never_widens_what_was_granted_even_with_more_roles(site: Site) -> None:
    first = site.issuing.to_user(site.client, site.jane, ["apim:api_view", "apim:admin"])
    site.records.commit(Put(replace(site.jane, roles=("admin",))))

    again = site.issuing.refreshed(site.client, first.refresh_token, ["apim:admin"])

    assert again.scopes == ("default",)
    rest = site.issuing.refreshed(site.client, again.refresh_token, [])
    assert rest.scopes == ("apim:api_view",)


def test_owners_roles_and_apis_are_remembered_for_some_seconds_only(site: Site) -> None:
    memory = Memory(site.clock, 5)
    issuing = replace(site.issuing, memory=memory)
    app = site.make_client("app", application_id="app-1")
    issuing.to_application(app, ["order"])
    issuing.to_application(site.client, ["apim:api_view"])
    api(site, {"order": []})
    site.records.commit(Discard(site.jane))

    def granted() -> tuple[str, ...]:
        ours = issuing.to_application(app, ["order"]).scopes
        return ours + issuing.to_application(site.client, ["apim:api_view"]).scopes

    site.clock.pass_by(4.9)
    assert granted() == ("default", "apim:api_view")
    site.clock.pass_by(0.1)
    assert granted() == ("order", "default")


# Claims as headers


def test_claims_that_the_tenant_lists_are_headers_of_every_users_answer(site: Site) -> None:
    uris = (f"{DIALECT}/emailaddress", f"{DIALECT}/givenname", f"{DIALECT}/unknown")
    site.rule(claim_headers=uris)

    first = site.issuing.to_user(site.client, site.jane, [])
    second = site.issuing.refreshed(site.client, first.refresh_token, [])

    assert first.headers == second.headers == {"Email": "jane@example.org"}
    assert site.issuing.to_application(site.client, []).headers == {}


def test_a_refresh_token_of_before_a_new_password_gives_nothing(site: Site) -> None:
    first = site.issuing.to_user(site.client, site.jane, [])
    site.records.commit(Put(replace(site.jane, era=1)))

    with pytest.raises(InvalidGrant):
        site.issuing.refreshed(site.client, first.refresh_token, [])
