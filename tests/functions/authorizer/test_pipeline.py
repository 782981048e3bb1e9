"""Every way in which a call is refused or passes, through the whole pipeline."""

from dataclasses import replace
from typing import Any

import jwt
import pytest

from functions.authorizer.calls import Call, Refused
from portico.domain.errors import Unavailable
from portico.domain.gateway import Revocation
from portico.tokens.jwt import PLAIN, verify
from portico.tokens.keys import verification_keys
from tests.functions.authorizer.world import (
    APPLICATION,
    CLIENT,
    GRANT,
    PIZZA,
    TENANT,
    World,
    public_keys,
    secret,
    signer,
)

MENU = "/pizza/1.0.0/menu"


@pytest.fixture
def world() -> World:
    return World()


def refusal(world: World, *args: Any, **named: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        world.judge(*args, **named)
    return caught.value


def code(world: World, *args: Any, **named: Any) -> str:
    return refusal(world, *args, **named).fault.code


def claims_of(world: World, decision: dict[str, Any]) -> dict[str, Any]:
    keys = verification_keys(public_keys().keys)
    return verify(decision["jwt"], keys, now=world.clock.now(), typ=PLAIN)


# --- what passes ---


def test_a_subscribed_application_passes(world: World) -> None:
    decision = world.judge(token=world.token())
    assert decision["endpoint"] == "http://pizza.example/v1"
    assert decision["path"] == "/menu"
    assert decision["api"] == "api-1"
    assert all(isinstance(value, str | int | float) for value in decision.values())


def test_the_assertion_of_an_application_has_wso2s_claims(world: World) -> None:
    claims = claims_of(world, world.judge(token=world.token()))
    dialect = "http://wso2.org/claims/"
    assert claims["iss"] == "wso2.org/products/am"
    assert claims["exp"] - claims["iat"] == 900
    assert {name.removeprefix(dialect): v for name, v in claims.items() if dialect in name} == {
        "subscriber": "dora",
        "applicationid": "7",
        "applicationUUId": "app-1",
        "applicationname": "Phone",
        "applicationtier": "50PerMin",
        "applicationAttributes": {"colour": "red"},
        "apicontext": "/pizza/1.0.0",
        "apiname": "PizzaShop",
        "version": "1.0.0",
        "tier": "Gold",
        "keytype": "PRODUCTION",
        "usertype": "APPLICATION",
        "enduser": "dora@carbon.super",
        "enduserTenantId": "-1234",
    }


def test_the_assertion_of_a_user_names_the_user(world: World) -> None:
    claims = claims_of(world, world.judge(token=world.user_token()))
    assert claims["http://wso2.org/claims/enduser"] == "jane@carbon.super"
    assert claims["http://wso2.org/claims/usertype"] == "APPLICATION_USER"
    assert claims["sub"] == "jane@carbon.super"


def test_a_resource_without_authentication_needs_no_token_and_still_has_an_assertion(
    world: World,
) -> None:
    decision = world.judge(path="/pizza/1.0.0/menu/funghi")
    claims = claims_of(world, decision)
    assert claims["http://wso2.org/claims/enduser"] == "anonymous@carbon.super"


def test_an_open_resource_does_not_even_look_at_a_bad_token(world: World) -> None:
    assert world.judge(path="/pizza/1.0.0/menu/funghi", token="nonsense")["path"] == "/menu/funghi"


def test_a_prototype_needs_no_token(world: World) -> None:
    world.source.put(replace(PIZZA, state="PROTOTYPED", access="open"))
    assert world.judge()["path"] == "/menu"


def test_a_deprecated_api_still_answers_its_subscribers(world: World) -> None:
    world.source.put(replace(PIZZA, state="DEPRECATED"))
    assert world.judge(token=world.token())["path"] == "/menu"


def test_a_preflight_passes_without_a_token_and_tells_the_verbs(world: World) -> None:
    decision = world.judge("OPTIONS", access_control_request_method="GET")
    assert decision["preflight"] == "true"
    assert decision["verbs"] == "GET,OPTIONS"
    assert decision["jwt"]


def test_a_declared_options_verb_is_a_call_like_others(world: World) -> None:
    row = ["/menu", "OPTIONS", "Application & Application User", [], "Unlimited"]
    world.source.put(replace(PIZZA, resources=[*PIZZA.resources, row]))
    assert code(world, "OPTIONS") == "900902"
    assert world.judge("OPTIONS", token=world.token())["preflight"] == "false"
    assert world.judge("OPTIONS", access_control_request_method="GET")["preflight"] == "true"


def test_a_sandbox_key_goes_to_the_sandbox(world: World) -> None:
    world.source.put(replace(PIZZA, sandbox_endpoint="http://sand.example"))
    token = world.token(keytype="SANDBOX")
    assert world.judge(token=token)["endpoint"] == "http://sand.example"


def test_one_of_the_resources_scopes_is_enough(world: World) -> None:
    token = world.token(scope="openid admin")
    assert world.judge("POST", "/pizza/1.0.0/order", token)["path"] == "/order"


def test_a_resource_may_ask_for_all_of_its_scopes(world: World) -> None:
    row = ["/both", "GET", "Application & Application User", ["order", "admin"], "Unlimited", True]
    world.source.put(replace(PIZZA, resources=[row]))
    both = "/pizza/1.0.0/both"
    assert world.judge(path=both, token=world.token(scope="admin openid order"))
    assert code(world, path=both, token=world.token(scope="admin")) == "900910"


def test_an_audience_of_the_api_is_in_the_token(world: World) -> None:
    world.source.put(replace(PIZZA, audiences=["shop", "kiosk"]))
    for audience in ("kiosk", ["other", "shop"]):
        assert world.judge(token=world.token(aud=audience))
    for wrong in ("other", [], None, 5, ["sho", 5]):
        refused = refusal(world, token=world.token(aud=wrong))
        assert (refused.fault.code, refused.fault.status) == ("900914", 403)
    world.source.put(replace(PIZZA, audiences=["all"]))
    world.clock.pass_by(5)
    assert world.judge(token=world.token())


@pytest.mark.parametrize(
    ("status", "passes"),
    [("", True), ("APPROVED", True), ("DELETE_PENDING", False), ("REJECTED", False)],
)
def test_an_application_must_be_in_use(world: World, status: str, passes: bool) -> None:
    world.source.put(replace(APPLICATION, status=status))
    if passes:
        assert world.judge(token=world.token())
    else:
        assert code(world, token=world.token()) == "900908"


def test_the_default_version_answers_at_the_bare_context_with_the_same_subscription(
    world: World,
) -> None:
    world.source.put(replace(PIZZA, prefix="/pizza"))
    assert world.judge(path="/pizza/menu", token=world.token())["path"] == "/menu"


def test_a_token_in_the_apis_own_header_is_found(world: World) -> None:
    world.source.put(replace(PIZZA, authorization_header="X-Auth"))
    assert code(world, token=world.token()) == "900902"
    decision = world.judge(x_auth=f"bearer {world.token()}")
    assert decision["header"] == "X-Auth"


# --- what is refused ---


@pytest.mark.parametrize(
    "path",
    [
        "/pizza/1.0.0/../admin",
        "/pizza/1.0.0/menu/..",
        "/pizza/1.0.0/./menu",
        "//pizza/1.0.0/menu",
        "/pizza/1.0.0//menu",
        "/pizza/1.0.0/a%2Fb",
        "/pizza/1.0.0/%2e%2e/admin",
        "/pizza/1.0.0/a\\b",
        "/pizza/1.0.0/a\r\nb",
        "/pizza/1.0.0/\x00",
        "/pizza/1.0.0/..;/admin",
        "pizza/1.0.0/menu",
        "/" + "a" * 9000,
    ],
)
def test_a_path_with_two_readings_is_refused(world: World, path: str) -> None:
    assert code(world, path=path, token=world.token()) == "400"
    assert world.source.reads == []


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/pizza", "/pizza/2.0.0/menu", "/Pizza/1.0.0/menu", "/pizza/1.0.0/unknown"],
)
def test_what_is_not_there_is_not_found(world: World, path: str) -> None:
    assert code(world, path=path, token=world.token()) == "404"


def test_a_tenant_or_context_beyond_a_keys_length_is_not_found(world: World) -> None:
    assert code(world, path=f"/t/{'x' * 3000}/pizza/1.0.0/menu") == "404"
    assert code(world, path=f"/{'x' * 3000}/1.0.0/menu") == "404"


def test_another_verb_is_refused_with_the_verbs_there_are(world: World) -> None:
    refused = refusal(world, "DELETE", token=world.token())
    assert (refused.fault.code, refused.fault.status) == ("405", 405)
    assert refused.allow == "GET, OPTIONS"


@pytest.mark.parametrize(
    ("access", "expected"), [("blocked", "700700"), ("none", "404"), ("of a later release", "404")]
)
def test_what_cannot_be_called(world: World, access: str, expected: str) -> None:
    world.source.put(replace(PIZZA, access=access))
    assert code(world, token=world.token()) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("PUBLISHED", "900902"), ("BLOCKED", "700700"), ("CREATED", "404"), ("Beta", "404")],
)
def test_a_deployment_from_before_states_told_their_access(
    world: World, state: str, expected: str
) -> None:
    world.source.put(replace(PIZZA, state=state, access=""))
    assert code(world) == expected


def test_no_token_is_missing_credentials(world: World) -> None:
    assert code(world) == "900902"
    assert code(world, authorization="Basic YTpi") == "900902"


def tampered(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload[:-2]}{'A' if payload[-2] != 'A' else 'B'}{payload[-1]}.{signature}"


@pytest.mark.parametrize(
    "token", ["", "nonsense", "a.b.c", "..", "{}.{}.{}", "x" * 9000, "\u20ac.a.b"]
)
def test_nonsense_is_no_credential(world: World, token: str) -> None:
    assert code(world, token=token) == "900901"


def test_a_changed_token_is_refused(world: World) -> None:
    assert code(world, token=tampered(world.token())) == "900901"


def test_a_token_of_a_strange_key_is_refused(world: World) -> None:
    assert code(world, token=world.token(signer("RS256", 1))) == "900901"


def test_a_key_made_a_moment_ago_is_found_although_the_keys_are_cached(world: World) -> None:
    world.judge(token=world.token())
    world.source.put(public_keys(signer("RS256"), signer("RS256", 1)))
    assert world.judge(token=world.token(signer("RS256", 1)))["path"] == "/menu"


def test_unknown_keys_do_not_cost_a_read_each(world: World) -> None:
    world.judge(token=world.token())
    for _ in range(3):
        assert code(world, token=world.token(signer("RS256", 1), jti=None, fam=None)) == "900901"
    keys = [each for read in world.source.reads for each in read if each.pk == "*#KEYS"]
    assert len(keys) == 2


def test_nonsense_costs_no_reads_once_the_keys_are_known(world: World) -> None:
    world.judge(token=world.token())
    world.judge(token=world.token())
    before = len(world.source.reads)
    for number in range(5):
        token = tampered(world.token(jti=f"other-{number}", client_id=f"client-{number}"))
        assert code(world, token=token) == "900901"
    assert len(world.source.reads) == before


def test_a_key_taken_out_of_use_takes_its_tokens_with_it(world: World) -> None:
    token = world.token()
    world.judge(token=token)
    world.source.put(public_keys(signer("RS256", 1)))
    world.clock.pass_by(5)
    assert code(world, token=token) == "900901"


def test_the_backends_key_signs_no_access_token(world: World) -> None:
    assert code(world, token=world.token(signer("ES256"))) == "900901"


def test_a_backend_jwt_is_no_access_token(world: World) -> None:
    assert code(world, token=world.judge(token=world.token())["jwt"]) == "900901"


def test_a_token_of_another_type_or_issuer_is_refused(world: World) -> None:
    assert code(world, token=world.token(typ=PLAIN)) == "900901"
    assert code(world, token=world.token(iss="https://elsewhere.example/oauth2/token")) == "900901"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"tenant": None},
        {"client_id": 5},
        {"scope": ["a"]},
        {"iat": "now"},
        {"jti": "x" * 300},
    ],
)
def test_a_token_with_unusable_claims_is_refused(world: World, changes: dict[str, Any]) -> None:
    assert code(world, token=world.token(**changes)) == "900901"


def test_an_expired_token_says_so_even_when_it_was_verified_before(world: World) -> None:
    token = world.token()
    world.judge(token=token)
    world.clock.pass_by(3600)
    assert code(world, token=token) == "900903"


@pytest.mark.parametrize("subject", ["token-1", "fam:family-1", "client:key-1"])
def test_a_revoked_token_is_refused_within_the_caches_time(world: World, subject: str) -> None:
    token = world.token()
    world.judge(token=token)
    world.source.put(Revocation(tenant=TENANT, subject=subject, expires=2_000_000_000))
    assert world.judge(token=token)
    world.clock.pass_by(5)
    assert code(world, token=token) == "900901"


def test_a_revocation_up_to_a_time_spares_later_tokens(world: World) -> None:
    old = world.token()
    since = int(world.clock.now())
    world.source.put(
        Revocation(tenant=TENANT, subject="client:key-1", expires=2_000_000_000, since=since)
    )
    assert code(world, token=old) == "900901"
    world.clock.pass_by(6)
    assert world.judge(token=world.token(jti="token-2"))


def test_a_removed_consumer_key_ends_its_tokens(world: World) -> None:
    token = world.token()
    world.judge(token=token)
    world.source.remove(CLIENT)
    world.clock.pass_by(5)
    assert code(world, token=token) == "900901"


def test_a_consumer_key_of_another_application_is_refused(world: World) -> None:
    world.source.put(replace(CLIENT, application_id="app-2"))
    assert code(world, token=world.token()) == "900901"


def test_without_a_subscription_the_resource_is_forbidden(world: World) -> None:
    world.source.remove(GRANT)
    assert code(world, token=world.token()) == "900908"


def test_a_subscription_to_an_earlier_api_at_this_context_does_not_count(world: World) -> None:
    world.source.put(replace(GRANT, api_id="api-0"))
    assert code(world, token=world.token()) == "900908"


def test_a_rest_client_has_no_subscription(world: World) -> None:
    assert code(world, token=world.token(app=None)) == "900908"


def test_another_tenants_token_is_forbidden(world: World) -> None:
    for record in (CLIENT, APPLICATION, GRANT):
        world.source.put(replace(record, tenant="acme.com"))
    assert code(world, token=world.token(tenant="acme.com")) == "900908"


@pytest.mark.parametrize(
    ("status", "key_type", "expected"),
    [
        ("BLOCKED", "PRODUCTION", "900907"),
        ("BLOCKED", "SANDBOX", "900907"),
        ("PROD_ONLY_BLOCKED", "PRODUCTION", "900907"),
        ("ON_HOLD", "PRODUCTION", "900909"),
        ("REJECTED", "SANDBOX", "900909"),
        ("SOMETHING", "PRODUCTION", "900909"),
    ],
)
def test_a_subscription_that_is_not_open(
    world: World, status: str, key_type: str, expected: str
) -> None:
    world.source.put(replace(GRANT, status=status))
    assert code(world, token=world.token(keytype=key_type)) == expected


def test_blocking_production_leaves_the_sandbox(world: World) -> None:
    world.source.put(replace(PIZZA, sandbox_endpoint="http://sand.example"))
    world.source.put(replace(GRANT, status="PROD_ONLY_BLOCKED"))
    assert world.judge(token=world.token(keytype="SANDBOX"))


def test_the_kind_of_token_must_be_the_resources(world: World) -> None:
    assert code(world, path="/pizza/1.0.0/order/1", token=world.token()) == "900905"
    assert world.judge(path="/pizza/1.0.0/order/1", token=world.user_token())
    assert code(world, path="/pizza/1.0.0/machine", token=world.user_token()) == "900905"
    assert world.judge(path="/pizza/1.0.0/machine", token=world.token())


def test_without_the_resources_scope_the_call_is_forbidden(world: World) -> None:
    refused = refusal(world, "POST", "/pizza/1.0.0/order", world.token(scope="default"))
    assert (refused.fault.code, refused.fault.status) == ("900910", 403)


def test_a_key_type_without_an_endpoint_is_refused(world: World) -> None:
    refused = refusal(world, token=world.token(keytype="SANDBOX"))
    assert (refused.fault.code, refused.fault.status) == ("900901", 403)


@pytest.mark.parametrize("name", ["x_jwt_assertion", "x_jwt-assertion", "x-jwt_assertion"])
def test_a_header_that_cgi_would_take_for_the_assertion_is_refused(world: World, name: str) -> None:
    call = Call(
        method="GET",
        path=MENU,
        headers={name: "forged", "authorization": f"Bearer {world.token()}"},
        source_ip="",
        view=world.model.view(),
        now=world.clock.now(),
    )
    with pytest.raises(Refused) as caught:
        world.pipeline.judge(call)
    assert caught.value.fault.code == "400"


# --- throttling ---


def test_a_call_over_the_subscriptions_limit_waits_for_the_window(world: World) -> None:
    world.source.put(replace(GRANT, policy="Three"))
    token = world.token()
    for _ in range(3):
        world.judge(token=token)
    refused = refusal(world, token=token)
    assert refused.fault.code == "900804"
    assert refused.until == (world.clock.now() // 60 + 1) * 60
    world.clock.pass_by(60)
    assert world.judge(token=world.token())


def test_an_application_has_its_own_limit_for_each_user(world: World) -> None:
    world.source.put(replace(APPLICATION, policy="Two"))
    for _ in range(2):
        world.judge(token=world.user_token())
    assert code(world, token=world.user_token()) == "900803"
    assert world.judge(token=world.token())


def test_a_resources_limit_is_for_all_its_callers(world: World) -> None:
    for number in range(4):
        world.judge(path="/pizza/1.0.0/rare", token=world.token(jti=f"t{number}"))
    assert code(world, path="/pizza/1.0.0/rare", token=world.user_token()) == "900802"
    assert world.judge(token=world.token())


def test_an_apis_limit_takes_the_place_of_its_resources(world: World) -> None:
    world.source.put(replace(PIZZA, api_policy="10KPerMin"))
    for path in ("/menu", "/rare", "/machine", "/menu"):
        world.judge(path=f"/pizza/1.0.0{path}", token=world.token())
    assert code(world, path="/pizza/1.0.0/rare", token=world.token()) == "900800"


def test_a_soft_limit_lets_calls_pass(world: World) -> None:
    world.source.put(replace(GRANT, policy="Soft"))
    for _ in range(10):
        assert world.judge(token=world.token())


def test_a_refused_call_uses_up_no_other_limit(world: World) -> None:
    world.source.put(replace(APPLICATION, policy="Two"))
    token = world.token()
    for _ in range(2):
        world.judge(token=token)
    before = dict(world.counters.granted)
    for _ in range(60):
        assert code(world, token=token) == "900803"
    assert world.counters.granted == before


def test_open_resources_are_limited_by_address(world: World) -> None:
    for _ in range(500):
        world.judge(path="/pizza/1.0.0/menu/funghi")
    assert code(world, path="/pizza/1.0.0/menu/funghi") == "900804"


def test_a_policy_that_is_gone_limits_nothing(world: World) -> None:
    world.source.put(replace(GRANT, policy="Gone"))
    assert world.judge(token=world.token())


# --- reading ---


def test_a_first_call_takes_one_read_the_second_a_look_and_the_next_none(world: World) -> None:
    world.judge(token=world.token())
    assert len(world.source.reads) == 1
    world.judge(token=world.token())
    assert world.source.reads[1:] == [[]]
    world.judge(token=world.token())
    assert len(world.source.reads) == 2


def test_paths_below_a_cached_context_cost_one_look_for_nested_contexts(world: World) -> None:
    token = world.token(aut="APPLICATION_USER", sub="jane@carbon.super")
    for number in range(20):
        world.judge(path=f"/pizza/1.0.0/order/{number}", token=token)
    assert len(world.source.reads) == 2


def test_a_longer_context_is_found_although_a_shorter_one_is_cached(world: World) -> None:
    world.source.put(replace(PIZZA, prefix="/pizza"))
    world.source.put(
        replace(
            PIZZA, prefix="/pizza/2.0.0", context="/pizza/2.0.0", api_id="api-2", version="2.0.0"
        )
    )
    assert world.judge(path="/pizza/menu", token=world.token())["api"] == "api-1"
    assert code(world, path="/pizza/2.0.0/menu", token=world.token()) == "900908"


def test_what_was_just_published_works_at_once(world: World) -> None:
    world.source.remove(GRANT)
    assert code(world, token=world.token()) == "900908"
    world.source.put(GRANT)
    assert world.judge(token=world.token())


def test_a_changed_api_counts_after_the_caches_time(world: World) -> None:
    world.judge(token=world.token())
    world.source.put(replace(PIZZA, state="BLOCKED", access="blocked"))
    world.clock.pass_by(5)
    assert code(world, token=world.token()) == "700700"


def test_an_api_made_again_at_the_same_context_has_its_own_resources(world: World) -> None:
    world.judge(token=world.token())
    world.source.remove(PIZZA)
    row = ["/new", "GET", "None", [], "Unlimited"]
    world.source.put(replace(PIZZA, api_id="api-9", revision_id="rev-9", resources=[row]))
    world.clock.pass_by(5)
    assert code(world, token=world.token()) == "404"
    assert world.judge(path="/pizza/1.0.0/new")["api"] == "api-9"


def test_a_database_that_does_not_answer_is_no_permission(world: World) -> None:
    world.source.failing = Unavailable("down")
    with pytest.raises(Unavailable):
        world.judge(token=world.token())


# --- the assertion ---


def test_the_assertion_is_kept_until_shortly_before_it_expires(world: World) -> None:
    first = world.judge(token=world.token())["jwt"]
    world.clock.pass_by(839)
    assert world.judge(token=first and world.token(iat=int(world.clock.now()) - 839))["jwt"]
    token = world.token()
    one = world.judge(token=token)["jwt"]
    world.clock.pass_by(839)
    assert world.judge(token=token)["jwt"] == one
    world.clock.pass_by(1)
    other = world.judge(token=token)["jwt"]
    assert other != one
    assert claims_of(world, {"jwt": other})["exp"] > world.clock.now() + 60


def test_a_changed_subscription_makes_a_new_assertion(world: World) -> None:
    token = world.token()
    world.judge(token=token)
    world.source.put(replace(GRANT, policy="Unlimited"))
    world.clock.pass_by(5)
    claims = claims_of(world, world.judge(token=token))
    assert claims["http://wso2.org/claims/tier"] == "Unlimited"


def test_a_rotated_key_is_taken_up(world: World) -> None:
    world.judge(token=world.token())
    world.secret = secret("ES256", 1)
    world.clock.pass_by(300)
    decision = world.judge(token=world.token(jti="another"))
    keys = verification_keys([*public_keys().keys, *public_keys(signer("ES256", 1)).keys])
    assert jwt.get_unverified_header(decision["jwt"])["kid"] == signer("ES256", 1).kid
    assert verify(decision["jwt"], keys, now=world.clock.now(), typ=PLAIN)


def test_an_assertion_stays_short_whatever_the_applications_attributes(world: World) -> None:
    world.source.put(replace(APPLICATION, attributes={"long": "x" * 9000}))
    decision = world.judge(token=world.token())
    assert len(decision["jwt"]) <= 4096
    assert "http://wso2.org/claims/applicationAttributes" not in claims_of(world, decision)
