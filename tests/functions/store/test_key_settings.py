"""What a developer may choose about an application's keys, through the store's real handler."""

from typing import Any
from uuid import uuid4

import pytest

from portico.domain.application import Client
from portico.domain.grant_types import DEVICE, EXCHANGE, GRANT_TYPES
from portico.domain.records import Put
from portico.domain.token_rules import TokenRules
from tests.functions.store.conftest import Store

TENANT = "carbon.super"
BACK = "https://app.example/back"
CODE = {"grantTypesToBeSupported": ["authorization_code", "refresh_token"], "callbackUrl": BACK}


@pytest.fixture
def application(store: Store) -> str:
    return new_application(store)


def new_application(store: Store, **more: Any) -> str:
    body = {"name": f"settings {uuid4()}", "throttlingPolicy": "Unlimited", **more}
    found: str = store.ok("POST", "/applications", body=body)["applicationId"]
    return found


def made(store: Store, application: str, **more: Any) -> tuple[Any, Client]:
    body = {
        "keyType": "PRODUCTION",
        "grantTypesToBeSupported": ["client_credentials", "password"],
        **more,
    }
    keys = store.ok("POST", f"/applications/{application}/generate-keys", body=body)
    return keys, client_of(store, keys)


def client_of(store: Store, keys: Any) -> Client:
    client = store.records.get(Client, tenant=TENANT, client_id=keys["consumerKey"])
    assert client is not None
    return client


def properties(**values: Any) -> dict[str, Any]:
    return {"additionalProperties": values}


def test_every_grant_type_of_the_server_can_be_had(store: Store, application: str) -> None:
    keys, client = made(
        store, application, grantTypesToBeSupported=list(GRANT_TYPES), callbackUrl=BACK
    )
    assert keys["supportedGrantTypes"] == list(GRANT_TYPES)
    assert client.grant_types == GRANT_TYPES
    assert store.ok("GET", "/settings")["grantTypes"] == list(GRANT_TYPES)


def test_a_tenant_decides_which_grant_types_there_are(store: Store) -> None:
    plugin = "https://acme.example/grants/badge"
    body: dict[str, Any] = {"name": "rules", "throttlingPolicy": "Unlimited"}
    path = store.ok("POST", "/applications", "jane@acme.com", body=body)["applicationId"]
    rules = TokenRules(
        tenant="acme.com", grants=("password", plugin), plugins={plugin: "acme:Badge"}
    )
    store.records.commit(Put(rules))
    generate, wish = f"/applications/{path}/generate-keys", {"keyType": "PRODUCTION"}
    refused = store.call(
        "POST", generate, "jane@acme.com",
        body={**wish, "grantTypesToBeSupported": ["client_credentials"]},
    )  # fmt: skip
    assert refused.status == 400
    body = {**wish, "grantTypesToBeSupported": [plugin, "password"]}
    keys = store.ok("POST", generate, "jane@acme.com", body=body)
    assert keys["supportedGrantTypes"] == [plugin, "password"]
    (resident,) = store.ok("GET", "/key-managers", "jane@acme.com")["list"]
    assert resident["availableGrantTypes"] == ["password", plugin]


def test_validities_are_by_grant_in_wso2s_names(store: Store, application: str) -> None:
    keys, client = made(
        store,
        application,
        grantTypesToBeSupported=["client_credentials", "password", DEVICE],
        **properties(
            application_access_token_expiry_time="60",
            user_access_token_expiry_time=120,
            refresh_token_expiry_time=180,
            id_token_expiry_time="N/A",
            grant_type_expiry_times={DEVICE: 30},
        ),
    )
    assert client.validity("client_credentials") == 60
    assert client.validity("password") == 120
    assert client.validity(DEVICE) == 30
    assert client.refresh_validity == 180
    told = keys["additionalProperties"]
    assert told["application_access_token_expiry_time"] == 60
    assert told["user_access_token_expiry_time"] == 120
    assert told["grant_type_expiry_times"] == {DEVICE: 30}
    path = f"/applications/{application}/oauth-keys/{keys['keyMappingId']}"
    store.ok("PUT", path, body=properties(user_access_token_expiry_time=90))
    changed = client_of(store, keys)
    assert (changed.validity("client_credentials"), changed.validity("password")) == (60, 90)


def test_a_token_type_is_that_of_the_application(store: Store) -> None:
    opaque = new_application(store, tokenType="OAUTH")
    assert made(store, opaque)[1].opaque


def test_another_token_type_changes_the_keys_with_the_application(
    store: Store, application: str
) -> None:
    keys, client = made(store, application)
    assert not client.opaque
    path = f"/applications/{application}"
    body = {"name": f"opaque {uuid4()}", "throttlingPolicy": "Unlimited", "tokenType": "OAUTH"}
    store.ok("PUT", path, body=body)
    assert client_of(store, keys).opaque
    store.ok("PUT", path, body={**body, "tokenType": "JWT"})
    assert not client_of(store, keys).opaque


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        (BACK, (BACK,)),
        (f"{BACK},http://127.0.0.1:8000/b", (BACK, "http://127.0.0.1:8000/b")),
        (f"{BACK}\ncom.example.app:/b", (BACK, "com.example.app:/b")),
        (f"regexp=({BACK}|https://b.example/)", (BACK, "https://b.example/")),
        ("", ()),
    ],
)
def test_several_callback_urls(
    store: Store, application: str, text: str, uris: tuple[str, ...]
) -> None:
    keys, client = made(store, application, callbackUrl=text)
    assert client.redirect_uris == uris
    assert keys["callbackUrl"] == ",".join(uris)


def test_a_public_client_is_made_without_a_secret(store: Store, application: str) -> None:
    keys, client = made(store, application, **CODE, **properties(bypassClientCredentials="true"))
    assert "consumerSecret" not in keys
    assert keys["consumerSecrets"] == []
    assert client.public
    assert client.secrets == ()


def test_pkce_may_be_asked_of_clients_with_a_secret(store: Store, application: str) -> None:
    keys, client = made(store, application, **CODE, **properties(pkceMandatory=True))
    assert client.require_pkce
    assert keys["additionalProperties"]["pkceMandatory"] is True
    assert keys["additionalProperties"]["pkceSupportPlain"] is False


def test_scopes_limit_what_the_keys_may_ask_for(store: Store, application: str) -> None:
    _, client = made(store, application, scopes=["order", "openid"])
    assert client.scopes == ("order", "openid")
    _, any_scope = made(
        store, application, keyType="SANDBOX", scopes=["am_application_scope", "default"]
    )
    assert any_scope.scopes is None, "what the portal sends when nobody chose"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (properties(pkceSupportPlain=True), "additionalProperties.pkceSupportPlain"),
        (properties(pkceMandatory="perhaps"), "additionalProperties.pkceMandatory"),
        (properties(bypassClientCredentials=True), "grantTypesToBeSupported"),
        (
            properties(user_access_token_expiry_time=604801),
            "validityTime",
        ),
        (
            properties(application_access_token_expiry_time=-1),
            "additionalProperties.application_access_token_expiry_time",
        ),
        (
            properties(grant_type_expiry_times={EXCHANGE: 60}),
            f"additionalProperties.grant_type_expiry_times.{EXCHANGE}",
        ),
        (properties(grant_type_expiry_times=[]), "additionalProperties.grant_type_expiry_times"),
        ({"callbackUrl": "http://app.example/"}, "callbackUrl"),
        ({"callbackUrl": "regexp=(https://.*)"}, "callbackUrl"),
        ({"callbackUrl": f"{BACK},javascript:x"}, "callbackUrl"),
        ({"grantTypesToBeSupported": ["implicit"]}, "grantTypesToBeSupported"),
    ],
)
def test_a_bad_choice_is_refused_by_field(
    store: Store, application: str, change: dict[str, Any], field: str
) -> None:
    body = {
        "keyType": "PRODUCTION",
        "grantTypesToBeSupported": ["client_credentials"],
        **change,
    }
    answer = store.call("POST", f"/applications/{application}/generate-keys", body=body)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.body["error"]], answer.body
    assert store.ok("GET", f"/applications/{application}/oauth-keys")["count"] == 0


JWK = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43, "kid": "one"}


def test_an_application_may_sign_assertions_instead_of_having_a_secret(
    store: Store, application: str
) -> None:
    """private_key_jwt (OpenID Connect Core section 9, RFC 7523 section 2.2), and back."""
    keys, client = made(store, application, **properties(jwks={"keys": [JWK]}))
    assert not keys.get("consumerSecret")
    assert (client.auth_method, client.jwks, client.secrets) == ("private_key_jwt", [JWK], ())
    path = f"/applications/{application}/oauth-keys/{keys['keyMappingId']}"
    shown = store.ok("GET", path)
    assert shown["additionalProperties"]["jwks"] == {"keys": [JWK]}

    # What was shown, sent back, changes nothing.
    assert client_of(store, store.ok("PUT", path, body=shown)) == client_of(store, keys)

    there = properties(jwks_uri="https://app.example/keys")
    client = client_of(store, store.ok("PUT", path, body=there))
    assert (client.jwks, client.jwks_uri) == ([], "https://app.example/keys")

    client = client_of(store, store.ok("PUT", path, body=properties(jwks="", jwks_uri="")))
    assert (client.auth_method, client.jwks, client.jwks_uri) == ("", [], "")
    assert store.call("POST", f"{path}/generate-secret", body={}).status == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwks": {"keys": []}},
        {"jwks": "no keys"},
        {"jwks": {"keys": [{**JWK, "d": "C" * 43}]}},
        {"jwks": {"keys": [JWK]}, "jwks_uri": "https://app.example/keys"},
        {"jwks_uri": "http://app.example/keys"},
        {"jwks": {"keys": [JWK]}, "bypassClientCredentials": True},
    ],
)
def test_keys_to_sign_with_that_cannot_be_are_refused(
    store: Store, application: str, wrong: dict[str, Any]
) -> None:
    body = {
        "keyType": "PRODUCTION",
        "grantTypesToBeSupported": ["client_credentials"],
        **properties(**wrong),
    }
    answer = store.call("POST", f"/applications/{application}/generate-keys", body=body)
    assert answer.status == 400, answer.body
    assert "jwks" in answer.body["error"][0]["code"]
