"""Clients: their secrets, their names, and their end."""

import pytest

from portico.domain.application import Client, ClientHome, ClientName
from portico.domain.errors import InvalidInput, LostRace, NotFound, Unauthenticated
from portico.domain.gateway import GatewayClient, Revocation
from portico.domain.operations import AuditEntry
from portico.domain.user import Caller
from portico.services.client_secrets import MAX_SECRETS
from portico.services.clients import Clients, digest
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane")


@pytest.fixture
def records() -> FakeRecords:
    return FakeRecords()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def clients(records: FakeRecords, clock: FakeClock) -> Clients:
    return Clients(records, clock)


def refused(clients: Clients, client_id: str, secret: str, home: str = TENANT) -> None:
    with pytest.raises(Unauthenticated):
        clients.authenticate(client_id, secret, home)


def test_a_client_proves_itself_by_its_secret(clients: Clients) -> None:
    client, secret = clients.create(JANE, "shop", ["password"])

    assert clients.authenticate(client.client_id, secret) == client
    refused(clients, client.client_id, secret + "x")
    refused(clients, client.client_id, "")
    refused(clients, "nobody", secret)


@pytest.mark.parametrize("client_id", ["", "a b", "a\x00", "é", "x" * 256])
def test_what_no_consumer_key_looks_like_is_looked_up_nowhere(
    clients: Clients, client_id: str
) -> None:
    assert clients.find(client_id) is None


def test_secrets_are_stored_as_digests_only(clients: Clients, records: FakeRecords) -> None:
    client, secret = clients.create(JANE, "shop", ["password"])

    assert secret not in repr(records.items)
    assert client.secrets[0].digest == digest(secret)


def test_the_gateway_knows_an_applications_client_and_no_other(
    clients: Clients, records: FakeRecords
) -> None:
    keys, _ = clients.create(JANE, "keys", ["password"], application_id="app", key_type="SANDBOX")
    rest, _ = clients.create(JANE, "rest", ["password"])

    known = records.get(GatewayClient, tenant=TENANT, client_id=keys.client_id)
    assert known is not None
    assert (known.application_id, known.key_type) == ("app", "SANDBOX")
    assert keys.application_owner == "jane"
    assert records.get(GatewayClient, tenant=TENANT, client_id=rest.client_id) is None


def test_an_expired_secret_is_none(
    clients: Clients, records: FakeRecords, clock: FakeClock
) -> None:
    from dataclasses import replace

    from portico.domain.records import Replace

    client, secret = clients.create(JANE, "shop", ["password"])
    ending = replace(client.secrets[0], expires=int(clock.now()) + 60)
    records.commit(Replace(replace(client, secrets=(ending,))))

    assert clients.authenticate(client.client_id, secret)
    clock.pass_by(60)
    refused(clients, client.client_id, secret)


def test_a_tenants_client_is_found_by_its_key_alone(clients: Clients, records: FakeRecords) -> None:
    client, secret = clients.create(Caller("acme.example", "joe"), "shop", ["password"])

    for home in (TENANT, "acme.example", "other.example"):
        assert clients.authenticate(client.client_id, secret, home).tenant == "acme.example"
    clients.remove(Caller("acme.example", "joe"), client)
    assert records.get(ClientHome, tenant="*", client_id=client.client_id) is None


def test_the_super_tenants_client_is_found_from_another_tenants_path(clients: Clients) -> None:
    client, secret = clients.create(JANE, "shop", ["password"])

    assert clients.authenticate(client.client_id, secret, "acme.example") == client


def test_registering_again_gives_one_secret_more(clients: Clients) -> None:
    first, one = clients.register(JANE, "cli", "jane", ["password"], ["https://a.example"])
    second, two = clients.register(JANE, "cli", "jane", ["client_credentials"])

    assert first.client_id == second.client_id
    assert second.grant_types == ("password",), "the first registration decides"
    assert clients.authenticate(first.client_id, one)
    assert clients.authenticate(first.client_id, two)


def test_a_client_keeps_only_so_many_secrets(clients: Clients) -> None:
    secrets = [clients.register(JANE, "cli", "jane", [])[1] for _ in range(MAX_SECRETS + 1)]
    client, _ = clients.register(JANE, "cli", "jane", [])

    assert len(client.secrets) == MAX_SECRETS
    refused(clients, client.client_id, secrets[0])
    assert clients.authenticate(client.client_id, secrets[-1])


def test_two_registrations_at_the_same_moment_are_one_client(
    clients: Clients, records: FakeRecords
) -> None:
    first: list[tuple[Client, str]] = []
    records.before_commit = lambda: first.append(clients.register(JANE, "cli", "jane", []))

    second, secret = clients.register(JANE, "cli", "jane", [])

    assert second.client_id == first[0][0].client_id
    assert clients.authenticate(second.client_id, secret)
    assert clients.authenticate(second.client_id, first[0][1])


def test_a_regenerated_secret_ends_the_others_and_the_tokens_of_before(
    clients: Clients, records: FakeRecords, clock: FakeClock
) -> None:
    client, old = clients.create(JANE, "shop", ["password"])

    changed, new = clients.secrets.regenerate(JANE, client)

    refused(clients, client.client_id, old)
    assert clients.authenticate(client.client_id, new) == changed
    ended = records.get(Revocation, tenant=TENANT, subject=f"client:{client.client_id}")
    assert ended is not None
    assert ended.since == clock.now() - 1, "what the new secret gets in this second holds"
    assert ended.expires > clock.now() + client.token_validity


def test_a_removed_client_is_gone_everywhere(clients: Clients, records: FakeRecords) -> None:
    keys, secret = clients.create(JANE, "keys", ["password"], application_id="app")
    rest, _ = clients.register(JANE, "cli", "jane", [])
    clients.remove(JANE, keys)
    clients.remove(JANE, rest)

    refused(clients, keys.client_id, secret)
    assert records.get(GatewayClient, tenant=TENANT, client_id=keys.client_id) is None
    assert records.get(ClientName, tenant=TENANT, owner="jane", name="cli") is None
    ended = records.get(Revocation, tenant=TENANT, subject=f"client:{keys.client_id}")
    assert ended is not None
    assert ended.since == 0, "all of its tokens"
    with pytest.raises(NotFound):
        clients.get(TENANT, keys.client_id)
    again, _ = clients.register(JANE, "cli", "jane", [])
    assert again.client_id != rest.client_id


def test_a_client_changes_in_what_is_named_only(clients: Clients) -> None:
    client, _ = clients.create(JANE, "shop", ["password"], token_validity=60)

    changed = clients.change(JANE, client, grant_types=["client_credentials"])

    assert changed.grant_types == ("client_credentials",)
    assert changed.token_validity == 60
    assert clients.find(client.client_id) == changed


def test_every_change_is_in_the_audit_trail_without_secrets(
    clients: Clients, records: FakeRecords
) -> None:
    client, secret = clients.create(JANE, "shop", ["password"])
    client = clients.change(JANE, client, token_validity=60)
    client, added = clients.secrets.add(JANE, client)
    client, new = clients.secrets.regenerate(JANE, client)
    clients.remove(JANE, client)

    trail = [one for one in records.items.values() if isinstance(one, AuditEntry)]
    assert [one.action for one in trail] == [
        "create", "update", "add-secret", "regenerate-secret", "delete",
    ]  # fmt: skip
    assert not any(text in repr(trail) for text in (secret, added, new))


def test_a_secret_ends_when_it_was_said_to_and_is_cleaned_away(
    clients: Clients, clock: FakeClock
) -> None:
    client, first = clients.create(JANE, "shop", ["password"])
    client, short = clients.secrets.add(JANE, client, 60, "for an hour of trying")

    assert clients.authenticate(client.client_id, short)
    clock.pass_by(60)
    refused(clients, client.client_id, short)
    assert clients.authenticate(client.client_id, first)
    client, _ = clients.secrets.add(JANE, client)
    assert [one.description for one in client.secrets] == ["", ""], "the expired one is gone"


def test_a_revoked_secret_holds_no_longer_and_the_others_do(clients: Clients) -> None:
    client, first = clients.create(JANE, "shop", ["password"])
    client, second = clients.secrets.add(JANE, client)

    client = clients.secrets.revoke(JANE, client, client.secrets[0].id)

    refused(clients, client.client_id, first)
    assert clients.authenticate(client.client_id, second) == client
    with pytest.raises(NotFound):
        clients.secrets.revoke(JANE, client, "first")


def test_two_changes_of_the_secrets_at_the_same_moment_lose_none(
    clients: Clients, records: FakeRecords
) -> None:
    client, _ = clients.create(JANE, "shop", ["password"])
    records.before_commit = lambda: clients.secrets.add(JANE, client)

    with pytest.raises(LostRace):
        clients.secrets.revoke(JANE, client, client.secrets[0].id)

    found = clients.find(client.client_id)
    assert found is not None
    assert len(found.secrets) == 2


@pytest.mark.parametrize("method", ["none", "private_key_jwt"])
def test_a_client_that_proves_itself_otherwise_has_no_secret(clients: Clients, method: str) -> None:
    client, text = clients.create(JANE, "spa", ["password"], more={"auth_method": method})

    assert (text, client.secrets) == ("", ())
    refused(clients, client.client_id, "")
    with pytest.raises(InvalidInput):
        clients.secrets.add(JANE, client)
    with pytest.raises(InvalidInput):
        clients.secrets.regenerate(JANE, client)


def test_removing_a_client_that_registered_itself_leaves_one_of_the_same_name(
    clients: Clients, records: FakeRecords
) -> None:
    clients.register(JANE, "cli", "jane", [])
    other, _ = clients.create(JANE, "cli", ["password"], more={"management": "digest"})

    clients.remove(JANE, other)

    assert records.get(ClientName, tenant=TENANT, owner="jane", name="cli") is not None
