"""Applications and their keys through the store's real handler."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portico.domain.application import Client, KeyMapping, Subscription
from portico.domain.gateway import GatewayApplication, GatewayClient, Grant, Revocation
from portico.domain.operations import AuditEntry
from tests.functions.store.conftest import Store

TENANT = "carbon.super"
GRANTS = ["client_credentials", "password", "refresh_token"]
WISH = {"keyType": "PRODUCTION", "grantTypesToBeSupported": GRANTS, "validityTime": "1200"}


@pytest.fixture
def application(store: Store, request: pytest.FixtureRequest) -> str:
    """The id of a new application of Jane's."""
    made = store.ok(
        "POST",
        "/applications",
        body={"name": f"app {abs(hash(request.node.name))}", "throttlingPolicy": "10PerMin"},
    )
    return str(made["applicationId"])


def test_a_new_developer_has_one_default_application(store: Store) -> None:
    (first,) = store.ok("GET", "/applications", "pam")["list"]
    assert (first["name"], first["throttlingPolicy"]) == ("DefaultApplication", "Unlimited")
    assert store.call("DELETE", f"/applications/{first['applicationId']}", "pam").status == 200
    assert store.ok("GET", "/applications", "pam")["list"] == []


def test_made_shown_changed_and_removed(store: Store) -> None:
    answer = store.call(
        "POST",
        "/applications",
        body={
            "name": "Calculator",
            "throttlingPolicy": "20PerMin",
            "description": "Counts",
            "attributes": {"Cost centre": "42"},
            "groups": ["g"],
            "tokenType": "JWT",
        },
    )
    assert answer.status == 201
    made = answer.body
    path = f"/applications/{made['applicationId']}"
    assert answer.headers["location"].endswith(path)
    assert made["owner"] == "jane"
    assert made["status"] == "APPROVED"
    shown = store.call("GET", path)
    assert shown.body == made
    assert shown.headers["etag"] == answer.headers["etag"]
    seen = store.records.get(
        GatewayApplication, tenant=TENANT, application_id=made["applicationId"]
    )
    assert seen is not None
    assert (seen.name, seen.policy, seen.attributes) == (
        "Calculator",
        "20PerMin",
        {"Cost centre": "42"},
    )
    # A client sends back what it was given, read-only fields and all.
    changed = store.ok("PUT", path, body={**made, "name": "Abacus", "throttlingPolicy": "50PerMin"})
    assert (changed["name"], changed["throttlingPolicy"]) == ("Abacus", "50PerMin")
    seen = store.records.get(
        GatewayApplication, tenant=TENANT, application_id=made["applicationId"]
    )
    assert seen is not None
    assert (seen.name, seen.policy) == ("Abacus", "50PerMin")
    assert store.call("DELETE", path).status == 200
    assert store.call("GET", path).status == 404
    assert (
        store.records.get(GatewayApplication, tenant=TENANT, application_id=made["applicationId"])
        is None
    )


def test_numbers_are_whole_and_differ(store: Store, application: str) -> None:
    other = store.ok(
        "POST", "/applications", "joe", body={"name": "Numbered", "throttlingPolicy": "Unlimited"}
    )
    seen = [
        store.records.get(GatewayApplication, tenant=TENANT, application_id=id_)
        for id_ in (application, other["applicationId"])
    ]
    numbers = [one.number for one in seen if one]
    assert len(set(numbers)) == 2
    assert all(isinstance(number, int) and number > 0 for number in numbers)


def test_a_name_is_taken_once_per_owner(store: Store) -> None:
    body = {"name": "Unique", "throttlingPolicy": "Unlimited"}
    first = store.ok("POST", "/applications", body=body)
    assert store.call("POST", "/applications", body={**body, "name": "UNIQUE"}).status == 409
    store.ok("POST", "/applications", "joe", body=body)
    other = store.ok("POST", "/applications", body={**body, "name": "Other"})
    path = f"/applications/{other['applicationId']}"
    assert store.call("PUT", path, body=body).status == 409
    assert store.ok("GET", path)["name"] == "Other"
    store.ok("DELETE", f"/applications/{first['applicationId']}")
    assert store.ok("PUT", path, body=body)["name"] == "Unique"


def test_a_stale_change_or_removal_is_refused(store: Store, application: str) -> None:
    path = f"/applications/{application}"
    shown = store.call("GET", path)
    stale = {"If-Match": shown.headers["etag"]}
    assert store.call("PUT", path, body=shown.body, headers=stale).status == 200
    assert store.call("PUT", path, body=shown.body, headers=stale).status == 412
    assert store.call("DELETE", path, headers=stale).status == 412
    assert store.call("DELETE", path, headers={"If-Match": "*"}).status == 200


def test_lists_are_filtered_sorted_and_paged(store: Store) -> None:
    for name in ("Zeta list", "Alpha list", "Mid list"):
        store.ok(
            "POST", "/applications", "joe", body={"name": name, "throttlingPolicy": "Unlimited"}
        )
    query = {"query": "LIST", "limit": "2", "sortBy": "name", "sortOrder": "desc"}
    body = store.ok("GET", "/applications", "joe", query=query)
    assert [one["name"] for one in body["list"]] == ["Zeta list", "Mid list"]
    assert body["pagination"]["total"] == 3


@pytest.mark.parametrize("query", [{"sortBy": "colour"}, {"sortOrder": "up"}, {"limit": "many"}])
def test_unknown_orders_are_refused(store: Store, query: dict[str, str]) -> None:
    answer = store.call("GET", "/applications", query=query)
    assert answer.status == 400
    assert answer.body["error"][0]["code"] in query


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{not json", "body"),
        ("", "body"),
        ("[]", "body"),
        ('{"name": "n", "throttlingPolicy": NaN}', "body"),
        ({"name": "n"}, "throttlingPolicy"),
        ({"throttlingPolicy": "Unlimited"}, "name"),
        ({"name": "", "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": 7, "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": "n" * 101, "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": "<script>", "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": " lead", "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": "trail ", "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": "a\nb", "throttlingPolicy": "Unlimited"}, "name"),
        ({"name": "n", "throttlingPolicy": "Platinum"}, "throttlingPolicy"),
        ({"name": "n", "throttlingPolicy": "Gold"}, "throttlingPolicy"),
        ({"name": "n", "throttlingPolicy": "Unlimited", "colour": "red"}, "colour"),
        ({"name": "n", "throttlingPolicy": "Unlimited", "description": "d" * 513}, "description"),
        ({"name": "n", "throttlingPolicy": "Unlimited", "tokenType": "SAML"}, "tokenType"),
        ({"name": "n", "throttlingPolicy": "Unlimited", "groups": "g"}, "groups"),
        ({"name": "n", "throttlingPolicy": "Unlimited", "attributes": {"a": 1}}, "attributes.a"),
        (
            {"name": "n", "throttlingPolicy": "Unlimited", "attributes": {"a": "v" * 1100}},
            "attributes",
        ),
        ({"name": "n", "throttlingPolicy": "Unlimited", "visibility": "PUBLIC"}, "visibility"),
    ],
)
def test_bad_applications_are_refused_by_field(store: Store, body: Any, field: str) -> None:
    before = store.ok("GET", "/applications", query={"limit": "100"})["pagination"]["total"]
    answer = store.call("POST", "/applications", body=body)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.body["error"]]
    after = store.ok("GET", "/applications", query={"limit": "100"})["pagination"]["total"]
    assert after == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_users_application_is_not_found(
    store: Store, application: str, method: str
) -> None:
    body = {"name": "Mine", "throttlingPolicy": "Unlimited"} if method == "PUT" else None
    for user in ("joe", "jane@acme.com"):
        assert store.call(method, f"/applications/{application}", user, body=body).status == 404
    assert store.ok("GET", f"/applications/{application}")


@pytest.mark.parametrize(
    ("user", "status"), [("", 401), ("nobody", 401)], ids=["anonymous", "without the role"]
)
def test_applications_need_a_scope(store: Store, user: str, status: int) -> None:
    assert store.call("GET", "/applications", user).status == status


def test_no_applications_in_another_tenant(store: Store) -> None:
    header = {"X-WSO2-Tenant": "acme.com"}
    assert store.call("GET", "/applications", headers=header).status == 403


# Keys


def keys_of(store: Store, application: str, **more: Any) -> Any:
    return store.ok("POST", f"/applications/{application}/generate-keys", body={**WISH, **more})


def test_keys_are_made_and_their_secret_told_once(store: Store, application: str) -> None:
    answer = store.call("POST", f"/applications/{application}/generate-keys", body=WISH)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    made = answer.body
    assert made["supportedGrantTypes"] == GRANTS
    assert made["keyState"] == "APPROVED"
    secret = made["consumerSecret"]
    assert len(secret) >= 32
    seen = store.records.get(GatewayClient, tenant=TENANT, client_id=made["consumerKey"])
    assert seen is not None
    assert (seen.application_id, seen.key_type) == (application, "PRODUCTION")
    client = store.records.get(Client, tenant=TENANT, client_id=made["consumerKey"])
    assert client is not None
    assert (client.token_validity, client.owner) == (1200, "jane")
    for path in ("oauth-keys", f"oauth-keys/{made['keyMappingId']}", "keys", "keys/PRODUCTION"):
        shown = store.call("GET", f"/applications/{application}/{path}")
        assert shown.status == 200
        assert made["consumerKey"] in str(shown.body)
        assert secret not in str(shown.body)
        assert "consumerSecret'" not in str(shown.body)


def test_one_set_of_keys_of_each_type(store: Store, application: str) -> None:
    made = keys_of(store, application)
    path = f"/applications/{application}/generate-keys"
    assert store.call("POST", path, body=WISH).status == 409
    sandbox = keys_of(store, application, keyType="SANDBOX")
    assert sandbox["consumerKey"] != made["consumerKey"]
    listed = store.ok("GET", f"/applications/{application}/oauth-keys")
    assert {one["keyType"] for one in listed["list"]} == {"PRODUCTION", "SANDBOX"}


@pytest.mark.parametrize("form", ["oauth-keys/{id}", "keys/PRODUCTION"])
def test_a_new_secret_ends_the_old_one(store: Store, application: str, form: str) -> None:
    made = keys_of(store, application)
    path = f"/applications/{application}/" + form.format(id=made["keyMappingId"])
    fresh = store.ok("POST", f"{path}/regenerate-secret")
    assert fresh["consumerKey"] == made["consumerKey"]
    assert fresh["consumerSecret"] != made["consumerSecret"]
    token = {"consumerSecret": made["consumerSecret"]}
    assert store.call("POST", f"{path}/generate-token", body=token).status == 400
    token = {"consumerSecret": fresh["consumerSecret"]}
    assert store.call("POST", f"{path}/generate-token", body=token).status == 200


@pytest.mark.parametrize("form", ["oauth-keys/{id}", "keys/PRODUCTION"])
def test_grants_and_callback_are_changed(store: Store, application: str, form: str) -> None:
    made = keys_of(store, application)
    path = f"/applications/{application}/" + form.format(id=made["keyMappingId"])
    wanted = {
        **made,
        "supportedGrantTypes": ["authorization_code", "refresh_token"],
        "callbackUrl": "https://app.example/back",
        "additionalProperties": {"application_access_token_expiry_time": "60"},
    }
    changed = store.ok("PUT", path, body=wanted)
    assert changed["supportedGrantTypes"] == ["authorization_code", "refresh_token"]
    assert changed["callbackUrl"] == "https://app.example/back"
    client = store.records.get(Client, tenant=TENANT, client_id=made["consumerKey"])
    assert client is not None
    assert client.validity("client_credentials") == 60
    assert client.redirect_uris == ("https://app.example/back",)


@pytest.mark.parametrize(
    ("method", "form"),
    [
        ("DELETE", "oauth-keys/{id}"),
        ("POST", "oauth-keys/{id}/clean-up"),
        ("POST", "keys/PRODUCTION/clean-up"),
    ],
)
def test_removed_keys_are_gone_and_can_be_made_again(
    store: Store, application: str, method: str, form: str
) -> None:
    made = keys_of(store, application)
    path = f"/applications/{application}/" + form.format(id=made["keyMappingId"])
    assert store.call(method, path).status == 200
    key = made["consumerKey"]
    assert store.records.get(Client, tenant=TENANT, client_id=key) is None
    assert store.records.get(GatewayClient, tenant=TENANT, client_id=key) is None
    assert store.records.get(Revocation, tenant=TENANT, subject=f"client:{key}")
    assert store.ok("GET", f"/applications/{application}/oauth-keys")["count"] == 0
    assert keys_of(store, application)["consumerKey"] != key


def test_a_token_comes_from_the_token_endpoint(store: Store, application: str) -> None:
    made = keys_of(store, application)
    path = f"/applications/{application}/oauth-keys/{made['keyMappingId']}/generate-token"
    store.asked.clear()
    answer = store.call(
        "POST",
        path,
        body={
            "consumerSecret": made["consumerSecret"],
            "scopes": ["order", "menu"],
            "validityPeriod": 600,
            "revokeToken": "earlier",
        },
    )
    assert answer.body == {
        "accessToken": "header.payload.signature",
        "tokenScopes": ["order", "menu"],
        "validityTime": 3600,
    }
    assert answer.headers["cache-control"] == "no-store"
    who = {"client": made["consumerKey"], "secret": made["consumerSecret"]}
    assert store.asked == [
        {"path": "/oauth2/revoke", **who, "token": "earlier"},
        {
            "path": "/oauth2/token",
            **who,
            "grant_type": "client_credentials",
            "scope": "order menu",
            "validity_period": "600",
        },
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "consumerSecret"),
        ({"consumerSecret": None}, "consumerSecret"),
        ({"consumerSecret": "wrong"}, "consumerSecret"),
        ({"consumerSecret": 7}, "consumerSecret"),
        ({"consumerSecret": "x", "validityPeriod": "60"}, "validityPeriod"),
        ({"consumerSecret": "x", "validityPeriod": 604801}, "validityPeriod"),
        ({"consumerSecret": "x", "grantType": "TOKEN_EXCHANGE"}, "grantType"),
        ({"consumerSecret": "x", "colour": "red"}, "colour"),
        ("nonsense", "body"),
    ],
)
def test_a_token_without_the_right_secret_is_refused(
    store: Store, application: str, body: Any, field: str
) -> None:
    made = keys_of(store, application)
    store.asked.clear()
    path = f"/applications/{application}/oauth-keys/{made['keyMappingId']}/generate-token"
    answer = store.call("POST", path, body=body)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.body["error"]]
    assert store.asked == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"keyType": "STAGING"}, "keyType"),
        ({"keyType": None}, "keyType"),
        ({"grantTypesToBeSupported": []}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": ["iwa:ntlm"]}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": "password"}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": ["authorization_code"]}, "callbackUrl"),
        ({"callbackUrl": "/relative"}, "callbackUrl"),
        ({"callbackUrl": "javascript:alert(1)"}, "callbackUrl"),
        ({"callbackUrl": "https://app.example/#part"}, "callbackUrl"),
        ({"callbackUrl": "https://[bad"}, "callbackUrl"),
        ({"callbackUrl": "https://a.example/ b"}, "callbackUrl"),
        ({"validityTime": "soon"}, "validityTime"),
        ({"validityTime": "0"}, "validityTime"),
        ({"validityTime": "-1"}, "validityTime"),
        ({"validityTime": True}, "validityTime"),
        ({"validityTime": "604801"}, "validityTime"),
        (
            {"additionalProperties": {"refresh_token_expiry_time": 31536001}},
            "additionalProperties.refresh_token_expiry_time",
        ),
        ({"keyManager": "Okta"}, "keyManager"),
        ({"clientId": "mine", "clientSecret": "x"}, "clientId"),
        ({"additionalProperties": {"colour": "red"}}, "additionalProperties.colour"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_keys_are_refused_by_field(
    store: Store, application: str, change: dict[str, Any], field: str
) -> None:
    path = f"/applications/{application}/generate-keys"
    answer = store.call("POST", path, body={**WISH, **change})
    assert answer.status == 400
    assert any(one["code"].startswith(field) for one in answer.body["error"]), answer.body
    assert store.records.list(KeyMapping, tenant=TENANT, application_id=application) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "generate-keys"),
        ("GET", "oauth-keys"),
        ("GET", "oauth-keys/{id}"),
        ("PUT", "oauth-keys/{id}"),
        ("DELETE", "oauth-keys/{id}"),
        ("POST", "oauth-keys/{id}/regenerate-secret"),
        ("POST", "oauth-keys/{id}/generate-token"),
        ("POST", "oauth-keys/{id}/clean-up"),
        ("GET", "keys/PRODUCTION"),
        ("POST", "keys/PRODUCTION/regenerate-secret"),
    ],
)
def test_keys_of_another_users_application_are_not_found(
    store: Store, application: str, method: str, path: str
) -> None:
    made = keys_of(store, application)
    bodies: dict[str, Any] = {"generate-keys": WISH, "oauth-keys/{id}": {"callbackUrl": ""}}
    body = bodies.get(path, {"consumerSecret": made["consumerSecret"]})
    full = f"/applications/{application}/" + path.format(id=made["keyMappingId"])
    answer = store.call(method, full, "joe", body=None if method == "GET" else body)
    assert answer.status == 404
    assert store.records.get(Client, tenant=TENANT, client_id=made["consumerKey"])


@pytest.mark.parametrize("path", ["oauth-keys/missing", "keys/SANDBOX"])
def test_missing_keys_are_not_found(store: Store, application: str, path: str) -> None:
    keys_of(store, application)
    assert store.call("GET", f"/applications/{application}/{path}").status == 404


def test_an_unknown_key_type_is_refused(store: Store, application: str) -> None:
    assert store.call("GET", f"/applications/{application}/keys/STAGING").status == 400


def test_removing_an_application_removes_all_of_it(store: Store, application: str) -> None:
    made = keys_of(store, application)
    wish = {"applicationId": application, "throttlingPolicy": "Gold"}
    for api in ("pizza", "sushi"):
        store.ok("POST", "/subscriptions", body={**wish, "apiId": api})
    assert store.call("DELETE", f"/applications/{application}").status == 200
    records, key = store.records, made["consumerKey"]
    assert records.list(Subscription, tenant=TENANT, application_id=application) == []
    assert records.list(Grant, tenant=TENANT, application_id=application) == []
    assert records.list(KeyMapping, tenant=TENANT, application_id=application) == []
    assert records.get(Client, tenant=TENANT, client_id=key) is None
    assert records.get(GatewayClient, tenant=TENANT, client_id=key) is None
    assert records.get(Revocation, tenant=TENANT, subject=f"client:{key}")


def test_changes_are_in_the_audit_trail_without_secrets(store: Store, application: str) -> None:
    made = keys_of(store, application)
    day = store.records.list(AuditEntry, tenant=TENANT, day=datetime.now(UTC).date().isoformat())
    mine = [one for one in day if application in (one.subject, one.after.get("application"))]
    assert {("create", "application"), ("generate-keys", "application")} <= {
        (one.action, one.kind) for one in mine
    }
    assert made["consumerSecret"] not in str(day)


@pytest.mark.parametrize("id_", ["x" * 3000, "é", "..", "%2F", "a b", "'", "{}"])
def test_an_id_of_any_kind_is_not_found(store: Store, id_: str) -> None:
    for path in ("/applications", "/subscriptions", "/apis", "/throttling-policies/application"):
        assert store.call("GET", f"{path}/{id_}").status == 404
    wish = {"applicationId": id_, "apiId": id_, "throttlingPolicy": "Gold"}
    assert store.call("POST", "/subscriptions", body=wish).status == 404
    body = {"name": "Long policy", "throttlingPolicy": id_}
    assert store.call("POST", "/applications", body=body).status == 400


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u202e", "x" * 600])
def test_odd_texts_never_break_the_function(store: Store, text: str) -> None:
    body = {"name": "Odd", "throttlingPolicy": "Unlimited", "description": text}
    answer = store.call("POST", "/applications", body=body)
    assert answer.status in (201, 400)
    if answer.status == 201:
        path = f"/applications/{answer.body['applicationId']}"
        assert store.ok("GET", path)["description"] == text
        assert store.call("DELETE", path).status == 200
