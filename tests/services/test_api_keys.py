"""API keys of applications: told once, listed without their text, and ended."""

from dataclasses import dataclass, field, replace

import pytest

from portico.domain.application import ApiKey, Application
from portico.domain.errors import InvalidInput, LimitReached, NotFound, Unavailable
from portico.domain.gateway import GatewayApiKey, Revocation
from portico.domain.records import Put
from portico.domain.user import Caller
from portico.services.api_keys import FOREVER, MAX_KEYS, NEVER, ApiKeys, Wish
from portico.services.applications import Applications
from portico.services.clients import Clients, digest
from portico.services.removing import Removing
from tests.fakes import FakeClock, FakeRecords, FakeSigner

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane")
SHOP = Application(
    tenant=TENANT, owner="jane", id="shop", number=7, name="Shop", policy="Unlimited"
)
OPAQUE = replace(SHOP, id="random", name="Random", token_type="OAUTH")


@dataclass
class World:
    records: FakeRecords = field(default_factory=FakeRecords)
    clock: FakeClock = field(default_factory=FakeClock)
    signer: FakeSigner = field(default_factory=FakeSigner)

    @property
    def removing(self) -> Removing:
        return Removing(self.records, Clients(self.records, self.clock))

    @property
    def keys(self) -> ApiKeys:
        owned = Applications(self.records, self.clock, self.removing)
        return ApiKeys(self.records, self.clock, owned, self.signer)


@pytest.fixture
def world() -> World:
    found = World()
    found.records.commit(Put(SHOP), Put(OPAQUE))
    return found


def test_a_self_contained_key_names_its_application_in_wso2s_words(world: World) -> None:
    wish = Wish("phone", 3600, "10.0.0.0/8", "https://a.example/*")
    made, text = world.keys.generate(JANE, "shop", "SANDBOX", wish)
    ((kind, claims),) = world.signer.asked
    now = int(world.clock.now())
    assert kind == "api_key"
    assert claims == {
        "sub": "jane@carbon.super",
        "jti": made.id,
        "iat": now,
        "exp": now + 3600,
        "tenant": TENANT,
        "token_type": "apiKey",
        "keytype": "SANDBOX",
        "permittedIP": "10.0.0.0/8",
        "permittedReferer": "https://a.example/*",
        "application": {
            "id": 7,
            "uuid": "shop",
            "name": "Shop",
            "owner": "jane",
            "tier": "Unlimited",
        },
    }
    assert made.digest == digest(text)
    assert world.records.list(GatewayApiKey, tenant=TENANT, digest=made.digest) == []


def test_an_application_with_opaque_tokens_has_random_keys(world: World) -> None:
    made, text = world.keys.generate(JANE, "random", "PRODUCTION", Wish())
    kept = world.records.get(GatewayApiKey, tenant=TENANT, digest=digest(text))
    assert kept is not None
    assert kept.claims["application"]["uuid"] == "random"
    assert (kept.expires, made.validity) == (NEVER, FOREVER)
    assert world.signer.asked == []
    assert len(text) >= 43
    assert text not in repr(world.records.list(ApiKey, tenant=TENANT, application_id="random"))


def test_keys_are_listed_by_type_until_they_expire(world: World) -> None:
    first, _ = world.keys.generate(JANE, "shop", "PRODUCTION", Wish("a", 60))
    world.clock.pass_by(1)
    second, _ = world.keys.generate(JANE, "shop", "PRODUCTION", Wish("b"))
    world.keys.generate(JANE, "shop", "SANDBOX", Wish("c"))
    assert [one.id for one in world.keys.all(JANE, "shop", "PRODUCTION")] == [first.id, second.id]
    world.clock.pass_by(59)
    assert [one.id for one in world.keys.all(JANE, "shop", "PRODUCTION")] == [second.id]


@pytest.mark.parametrize("by", ["text", "key_id"])
@pytest.mark.parametrize("application", ["shop", "random"])
def test_a_revoked_key_is_gone_from_the_gateway(world: World, application: str, by: str) -> None:
    made, text = world.keys.generate(JANE, application, "PRODUCTION", Wish(validity=60))
    named = {by: text if by == "text" else made.id}
    world.keys.revoke(JANE, application, "PRODUCTION", **named)
    assert world.keys.all(JANE, application, "PRODUCTION") == []
    assert world.records.get(GatewayApiKey, tenant=TENANT, digest=made.digest) is None
    mark = world.records.get(Revocation, tenant=TENANT, subject=made.id)
    assert (mark and mark.expires) == (made.expires if application == "shop" else None)
    with pytest.raises(NotFound):
        world.keys.revoke(JANE, application, "PRODUCTION", **named)


def test_a_key_of_the_other_type_or_application_is_not_found(world: World) -> None:
    made, text = world.keys.generate(JANE, "shop", "PRODUCTION", Wish())
    for application, kind in (("shop", "SANDBOX"), ("random", "PRODUCTION")):
        with pytest.raises(NotFound):
            world.keys.revoke(JANE, application, kind, text=text)
        with pytest.raises(NotFound):
            world.keys.regenerate(JANE, application, kind, made.id)


def test_a_new_key_in_place_of_an_old_one(world: World) -> None:
    wish = Wish("phone", 60, "10.0.0.1", "*")
    old, before = world.keys.generate(JANE, "random", "PRODUCTION", wish)
    new, after = world.keys.regenerate(JANE, "random", "PRODUCTION", old.id)
    assert before != after
    assert (new.name, new.validity, new.addresses, new.referrers) == ("phone", 60, "10.0.0.1", "*")
    assert world.records.get(GatewayApiKey, tenant=TENANT, digest=digest(before)) is None
    assert world.records.get(GatewayApiKey, tenant=TENANT, digest=digest(after))
    assert [one.id for one in world.keys.all(JANE, "random", "PRODUCTION")] == [new.id]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish(validity=0), "validityPeriod"),
        (Wish(validity=-2), "validityPeriod"),
        (Wish(validity=10**10), "validityPeriod"),
        (Wish(name="x" * 101), "keyName"),
        (Wish(addresses="10.0.0.300"), "permittedIP"),
        (Wish(addresses="example.com"), "permittedIP"),
        (Wish(addresses="10.0.0.1," * 51), "permittedIP"),
        (Wish(referrers="x" * 1001), "permittedReferer"),
        (Wish(referrers="a\nb"), "permittedReferer"),
    ],
)
def test_what_no_key_can_be(world: World, wish: Wish, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.keys.generate(JANE, "shop", "PRODUCTION", wish)
    assert {one.field for one in refused.value.problems} == {field}
    assert world.signer.asked == []


def test_there_are_not_endlessly_many(world: World) -> None:
    for _ in range(MAX_KEYS):
        world.keys.generate(JANE, "random", "PRODUCTION", Wish())
    with pytest.raises(LimitReached):
        world.keys.generate(JANE, "random", "PRODUCTION", Wish())
    assert world.keys.generate(JANE, "random", "SANDBOX", Wish())


def test_another_developers_application_is_not_found(world: World) -> None:
    joe = Caller(TENANT, "joe")
    with pytest.raises(NotFound):
        world.keys.generate(joe, "shop", "PRODUCTION", Wish())
    with pytest.raises(NotFound):
        world.keys.all(joe, "shop", "PRODUCTION")


def test_without_a_signature_there_is_no_key(world: World) -> None:
    world.signer.failing = Unavailable("down")
    with pytest.raises(Unavailable):
        world.keys.generate(JANE, "shop", "PRODUCTION", Wish())
    world.signer.failing = None
    assert world.keys.all(JANE, "shop", "PRODUCTION") == []


def test_with_the_application_go_its_keys(world: World) -> None:
    texts = [world.keys.generate(JANE, "random", "PRODUCTION", Wish())[1] for _ in range(15)]
    application = world.records.get(Application, tenant=TENANT, owner="jane", id="random")
    assert application is not None
    world.removing.finish(application)
    assert world.records.list(ApiKey, tenant=TENANT, application_id="random") == []
    for text in texts:
        assert world.records.get(GatewayApiKey, tenant=TENANT, digest=digest(text)) is None
