"""API keys as credentials: of both forms, in header and query, from where they may be used."""

from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from portico.domain.gateway import GatewayApiKey, Revocation
from portico.services.clients import digest
from portico.tokens.jwt import ACCESS_TOKEN, INTERNAL_KEY, PLAIN
from tests.functions.authorizer.world import APPLICATION, GRANT, PIZZA, TENANT, World, signer

RANDOM = "k" * 43
END = 2_000_000_000


@pytest.fixture
def world() -> World:
    found = World()
    found.source.put(replace(PIZZA, security=["oauth2", "api_key"]))
    return found


def code(world: World, *args: Any, **named: Any) -> str:
    with pytest.raises(Refused) as caught:
        world.judge(*args, **named)
    return caught.value.fault.code


def keep(world: World, text: str = RANDOM, **changes: Any) -> GatewayApiKey:
    claims = world.api_key_claims(**changes)
    kept = GatewayApiKey(
        tenant=TENANT, digest=digest(text), expires=int(claims["exp"]), claims=claims
    )
    world.source.put(kept)
    return kept


@pytest.mark.parametrize("opaque", [False, True], ids=["signed", "random"])
def test_a_key_of_a_subscribed_application_passes(world: World, opaque: bool) -> None:
    text = RANDOM if opaque else world.api_key()
    if opaque:
        keep(world)
    decision = world.judge(apikey=text)
    assert (decision["application"], decision["path"]) == ("app-1", "/menu")
    # The gateway function takes it away before the call goes on.
    assert decision["key_name"] == "apikey"


@pytest.mark.parametrize("opaque", [False, True], ids=["signed", "random"])
def test_a_first_call_takes_one_read_and_the_third_none(world: World, opaque: bool) -> None:
    text = RANDOM if opaque else world.api_key()
    keep(world)
    world.judge(apikey=text)
    # Whose a random key is, nobody knows before it is read.
    assert len(world.source.reads) == (2 if opaque else 1)
    world.judge(apikey=text)
    before = len(world.source.reads)
    world.judge(apikey=text)
    assert len(world.source.reads) == before


def test_a_key_in_the_query_passes(world: World) -> None:
    assert world.judge(query=f"a=1&apikey={world.api_key()}&b=2")["path"] == "/menu"
    assert world.judge(query=f"%61pikey={world.api_key()}")["path"] == "/menu"
    assert code(world, query="a=apikey") == "900902"


def test_two_different_keys_in_the_query_are_none(world: World) -> None:
    twice = f"apikey={world.api_key()}&apikey={world.api_key(jti='other')}"
    assert code(world, query=twice) == "900901"


def test_a_key_in_the_header_of_the_apis_own_name(world: World) -> None:
    world.source.put(replace(PIZZA, security=["api_key"], api_key_header="X-Key"))
    assert code(world, apikey=world.api_key()) == "900902"
    decision = world.judge(x_key=world.api_key())
    assert decision["key_name"] == "X-Key"
    assert world.judge(query=f"X-Key={world.api_key()}")["path"] == "/menu"


def test_headers_of_an_apis_own_cost_no_further_read(world: World) -> None:
    own: dict[str, Any] = {"authorization_header": "X-Token", "api_key_header": "X-Key"}
    world.source.put(replace(PIZZA, security=["oauth2", "api_key"], **own))
    world.judge(x_key=world.api_key())
    assert len(world.source.reads) == 1
    other = World()
    other.source.put(replace(PIZZA, security=["oauth2", "api_key"], **own))
    other.judge(x_token=f"Bearer {other.token()}")
    assert len(other.source.reads) == 1


def test_an_api_says_which_credentials_count(world: World) -> None:
    world.source.put(replace(PIZZA, security=["oauth2"]))
    assert code(world, apikey=world.api_key()) == "900902"
    assert world.judge(token=world.token())["key_name"] == ""
    world.source.put(replace(PIZZA, security=["api_key"]))
    world.clock.pass_by(5)
    assert code(world, token=world.token()) == "900902"
    assert world.judge(apikey=world.api_key())
    world.source.put(replace(PIZZA, security=["none"]))
    world.clock.pass_by(5)
    assert code(world, token=world.token(), apikey=world.api_key()) == "900902"


def test_an_access_token_goes_before_an_api_key(world: World) -> None:
    assert code(world, token="nonsense", apikey=world.api_key()) == "900901"


@pytest.mark.parametrize(
    "text", ["", "nonsense", "a.b.c", "..", "x" * 9000, "k" * 43 + "!", "€.a.b"]
)
def test_nonsense_is_no_key(world: World, text: str) -> None:
    assert code(world, apikey=text) == "900901"


def test_keys_and_tokens_are_not_taken_for_each_other(world: World) -> None:
    assert code(world, apikey=world.token()) == "900901"
    assert code(world, apikey=world.api_key(typ=ACCESS_TOKEN)) == "900901"
    assert code(world, apikey=world.api_key(typ=PLAIN)) == "900901"
    assert code(world, apikey=world.api_key(typ=INTERNAL_KEY)) == "900901"
    assert code(world, token=world.api_key()) == "900901"
    assert code(world, apikey=world.api_key(signer("ES256"))) == "900901"
    keep(world)
    assert code(world, token=RANDOM) == "900901"


@pytest.mark.parametrize(
    "changes",
    [
        {"application": None},
        {"application": "app-1"},
        {"application": {"uuid": 5}},
        {"application": {"uuid": "a" * 300}},
        {"tenant": None},
        {"jti": ""},
        {"sub": None},
        {"iat": "now"},
        {"permittedIP": 5},
        {"permittedIP": "not an address"},
        {"permittedReferer": ["*"]},
        {"permittedIP": ",".join(["10.0.0.1"] * 51)},
        {"iss": "https://elsewhere.example"},
        {"tenant": "acme.com"},
    ],
)
def test_a_key_with_unusable_claims_is_refused(world: World, changes: dict[str, Any]) -> None:
    assert code(world, apikey=world.api_key(**changes)) == "900901"


@pytest.mark.parametrize("opaque", [False, True], ids=["signed", "random"])
def test_an_expired_key_says_so(world: World, opaque: bool) -> None:
    text = RANDOM if opaque else world.api_key()
    keep(world)
    world.judge(apikey=text)
    world.clock.pass_by(3600)
    assert code(world, apikey=text) == "900903"


def test_a_revoked_key_is_refused_within_the_caches_time(world: World) -> None:
    signed, kept = world.api_key(), keep(world, jti="key-id-2")
    assert world.judge(apikey=signed)
    assert world.judge(apikey=RANDOM)
    world.source.put(Revocation(tenant=TENANT, subject="key-id-1", expires=END))
    world.source.remove(kept)
    world.clock.pass_by(5)
    assert code(world, apikey=signed) == "900901"
    assert code(world, apikey=RANDOM) == "900901"


def test_all_tokens_of_an_application_are_its_keys_too(world: World) -> None:
    text = world.api_key()
    world.source.put(replace(APPLICATION, since=int(world.clock.now())))
    assert code(world, apikey=text) == "900901"


@pytest.mark.parametrize(
    ("permitted", "address", "passes"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("10.0.0.0/8, 203.0.113.0/24", "203.0.113.8", True),
        ("10.0.0.1/8", "10.2.3.4", True),
        ("203.0.113.0/24", "::ffff:203.0.113.9", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.7", "", False),
    ],
)
def test_a_key_may_be_used_from_its_addresses(
    world: World, permitted: str, address: str, passes: bool
) -> None:
    text = world.api_key(permittedIP=permitted)
    if passes:
        assert world.judge(apikey=text, address=address)
    else:
        assert code(world, apikey=text, address=address) == "900908"


@pytest.mark.parametrize(
    ("permitted", "referrer", "passes"),
    [
        ("https://shop.example/*", "https://shop.example/a", True),
        ("*shop.example*, https://b.example/", "https://b.example/", True),
        ("https://shop.example/*", "https://evil.example/?https://shop.example/", False),
        ("https://shop.example/", "https://shop.example/a", False),
        ("*.example/a*b", "https://x.example/a1b", True),
        ("*.example/a*b", "https://x.example/ab", True),
        ("a*a", "a", False),
        ("https://shop.example/*", None, False),
        ("shop.example", "shopXexample", False),
    ],
)
def test_a_key_may_be_used_with_its_referrers(
    world: World, permitted: str, referrer: str | None, passes: bool
) -> None:
    headers = {"apikey": world.api_key(permittedReferer=permitted)}
    if referrer is not None:
        headers["referer"] = referrer
    if passes:
        assert world.judge(**headers)
    else:
        assert code(world, **headers) == "900908"


def test_a_header_of_the_client_does_not_change_its_address(world: World) -> None:
    text = world.api_key(permittedIP="10.0.0.1")
    assert code(world, apikey=text, x_forwarded_for="10.0.0.1") == "900908"


def test_a_key_needs_the_subscription_and_its_state(world: World) -> None:
    text = world.api_key()
    world.source.put(replace(GRANT, status="BLOCKED"))
    assert code(world, apikey=text) == "900907"
    world.source.remove(GRANT)
    world.clock.pass_by(5)
    assert code(world, apikey=text) == "900908"


def test_a_key_speaks_for_its_application_only_and_has_no_scopes(world: World) -> None:
    text = world.api_key()
    assert code(world, path="/pizza/1.0.0/order/1", apikey=text) == "900905"
    assert world.judge(path="/pizza/1.0.0/machine", apikey=text)
    assert code(world, "POST", "/pizza/1.0.0/order", apikey=text) == "900910"


def test_a_sandbox_key_goes_to_the_sandbox(world: World) -> None:
    there = replace(PIZZA, security=["api_key"], sandbox_endpoint="http://sand.example")
    world.source.put(there)
    assert world.judge(apikey=world.api_key(keytype="SANDBOX"))["endpoint"] == "http://sand.example"


def test_made_up_keys_cost_one_read_and_push_nothing_out(world: World) -> None:
    keep(world)
    world.judge(apikey=RANDOM)
    for number in range(5):
        assert code(world, apikey=f"{number}" * 43) == "900901"
    before = len(world.source.reads)
    world.judge(apikey=RANDOM)
    assert len(world.source.reads) == before
