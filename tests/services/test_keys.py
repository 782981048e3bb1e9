"""Keys of applications: made once a type, told once, and gone with all that hangs on them."""

from dataclasses import dataclass, field, replace

import pytest

from portico.domain.application import Application, Client, KeyMapping
from portico.domain.errors import AlreadyExists, InvalidInput, NotFound, Unavailable
from portico.domain.gateway import GatewayClient
from portico.domain.records import Put
from portico.domain.user import Caller
from portico.services.applications import Applications
from portico.services.clients import Clients
from portico.services.keys import Keys, KeySettings
from portico.services.removing import Removing
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane")
SHOP = Application(
    tenant=TENANT, owner="jane", id="shop", number=1, name="Shop", policy="Unlimited"
)
WANTED = KeySettings(grant_types=("client_credentials", "password"))


@dataclass
class FakeTokens:
    """A token endpoint that remembers what it was asked."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    failing: Exception | None = None

    def client_credentials(
        self, client_id: str, secret: str, scopes: object, validity: int | None
    ) -> tuple[str, tuple[str, ...], int]:
        if self.failing:
            raise self.failing
        self.asked.append(("token", client_id, secret, scopes, validity))
        return "token", ("default",), 3600

    def revoke(self, client_id: str, secret: str, token: str) -> None:
        self.asked.append(("revoke", client_id, secret, token))


@pytest.fixture
def records() -> FakeRecords:
    found = FakeRecords()
    found.commit(Put(SHOP))
    return found


@pytest.fixture
def tokens() -> FakeTokens:
    return FakeTokens()


@pytest.fixture
def keys(records: FakeRecords, tokens: FakeTokens) -> Keys:
    return service(records, tokens)


def service(records: FakeRecords, tokens: FakeTokens) -> Keys:
    clock = FakeClock()
    clients = Clients(records, clock)
    return Keys(
        records, clock, Applications(records, clock, Removing(records, clients)), clients, tokens
    )


def live(records: FakeRecords) -> list[GatewayClient]:
    return [one for one in records.items.values() if isinstance(one, GatewayClient)]


def test_mapping_client_and_gateway_are_written_together(keys: Keys, records: FakeRecords) -> None:
    made = keys.generate(JANE, "shop", "SANDBOX", WANTED)
    kinds = {type(change.record) for change in records.commits[-1]}
    assert kinds >= {KeyMapping, Client, GatewayClient, Application}
    (seen,) = live(records)
    assert (seen.client_id, seen.key_type) == (made.client.client_id, "SANDBOX")
    assert made.client.key_mapping_id == made.mapping.id
    assert made.secret
    assert made.secret not in str(records.items)


def test_two_at_the_same_moment_make_one_set(
    keys: Keys, records: FakeRecords, tokens: FakeTokens
) -> None:
    def beside() -> None:
        service(records, tokens).generate(JANE, "shop", "PRODUCTION", WANTED)

    records.before_commit = beside
    with pytest.raises(AlreadyExists, match="PRODUCTION"):
        keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    assert len(live(records)) == 1
    assert len([one for one in records.items.values() if isinstance(one, Client)]) == 1


def test_a_removal_of_the_application_at_the_same_moment_wins(
    keys: Keys, records: FakeRecords
) -> None:
    doomed = replace(SHOP, stamp=1, status="DELETE_PENDING")
    records.before_commit = lambda: records.commit(Put(doomed))
    with pytest.raises(NotFound):
        keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    assert live(records) == []


def test_an_edit_of_the_application_at_the_same_moment_does_not_matter(
    keys: Keys, records: FakeRecords
) -> None:
    edited = replace(SHOP, stamp=1, description="better")
    records.before_commit = lambda: records.commit(Put(edited))
    assert keys.generate(JANE, "shop", "PRODUCTION", WANTED).secret


def test_secrets_are_told_when_made_and_never_after(keys: Keys) -> None:
    made = keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    assert keys.show(JANE, "shop", made.mapping.id).secret == ""
    assert [one.secret for one in keys.all(JANE, "shop")] == [""]
    assert keys.change(JANE, "shop", "PRODUCTION", KeySettings(token_validity=60)).secret == ""


def test_what_is_not_given_stays(keys: Keys) -> None:
    wanted = replace(
        WANTED,
        callback_urls=("com.example.app:/back",),
        grant_types=("authorization_code",),
        token_validity=60,
    )
    keys.generate(JANE, "shop", "PRODUCTION", wanted)
    changed = keys.change(JANE, "shop", "PRODUCTION", KeySettings(refresh_validity=90)).client
    assert (changed.grant_types, changed.redirect_uris) == (
        ("authorization_code",),
        ("com.example.app:/back",),
    )
    assert (changed.token_validity, changed.refresh_validity) == (60, 90)
    with pytest.raises(InvalidInput, match="not valid"):
        keys.change(JANE, "shop", "PRODUCTION", KeySettings(callback_urls=()))


def test_a_token_takes_the_place_of_an_earlier_one(keys: Keys, tokens: FakeTokens) -> None:
    made = keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    client, secret = made.client.client_id, made.secret
    token = keys.token(JANE, "shop", made.mapping.id, secret, ["a"], 60, "earlier")
    assert (token.text, token.scopes, token.validity) == ("token", ("default",), 3600)
    assert tokens.asked == [
        ("revoke", client, secret, "earlier"),
        ("token", client, secret, ["a"], 60),
    ]


def test_a_wrong_secret_never_reaches_the_endpoint(keys: Keys, tokens: FakeTokens) -> None:
    keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    for secret in ("", "wrong"):
        with pytest.raises(InvalidInput, match="consumerSecret"):
            keys.token(JANE, "shop", "PRODUCTION", secret, revoke="earlier")
    assert tokens.asked == []


def test_keys_without_the_grant_get_no_token(keys: Keys, tokens: FakeTokens) -> None:
    made = keys.generate(JANE, "shop", "PRODUCTION", KeySettings(grant_types=("password",)))
    with pytest.raises(InvalidInput, match="client_credentials"):
        keys.token(JANE, "shop", "PRODUCTION", made.secret)
    assert tokens.asked == []


def test_an_endpoint_out_of_reach_is_told_as_such(keys: Keys, tokens: FakeTokens) -> None:
    made = keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    tokens.failing = Unavailable("The token endpoint did not answer")
    with pytest.raises(Unavailable):
        keys.token(JANE, "shop", "PRODUCTION", made.secret)


def test_keys_of_another_tenant_are_not_found(keys: Keys) -> None:
    keys.generate(JANE, "shop", "PRODUCTION", WANTED)
    with pytest.raises(NotFound):
        keys.show(Caller("acme.com", "jane"), "shop", "PRODUCTION")
