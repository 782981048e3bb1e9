"""Consumer secrets of an application through the store's real handler: several at once, each told
once.
"""

from typing import Any
from uuid import uuid4

import pytest

from portico.domain.application import Client
from portico.services.client_secrets import LONGEST_SECRET, MAX_SECRETS
from tests.functions.store.conftest import Store

TENANT = "carbon.super"
WISH = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]}


@pytest.fixture
def made(store: Store) -> dict[str, Any]:
    """Fresh keys, with their address."""
    body = {"name": f"secrets {uuid4()}", "throttlingPolicy": "Unlimited"}
    application = store.ok("POST", "/applications", body=body)["applicationId"]
    keys = store.ok("POST", f"/applications/{application}/generate-keys", body=WISH)
    return {**keys, "path": f"/applications/{application}/oauth-keys/{keys['keyMappingId']}"}


def more(store: Store, made: dict[str, Any], **properties: Any) -> Any:
    body = {"additionalProperties": properties}
    return store.ok("POST", f"{made['path']}/generate-secret", body=body)


def works(store: Store, made: dict[str, Any], secret: str) -> bool:
    body = {"consumerSecret": secret}
    return store.call("POST", f"{made['path']}/generate-token", body=body).status == 200


def listed(store: Store, made: dict[str, Any]) -> list[Any]:
    found = store.ok("GET", f"{made['path']}/secrets")
    assert found["count"] == len(found["list"])
    return list(found["list"])


def test_a_second_secret_lets_an_application_rotate_without_downtime(
    store: Store, made: dict[str, Any]
) -> None:
    body = {"additionalProperties": {"expiresIn": 86400, "description": "from May on"}}
    answer = store.call("POST", f"{made['path']}/generate-secret", body=body)

    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/api/am/devportal/v3{made['path']}/secrets"
    added = answer.body
    properties = added["additionalProperties"]
    assert properties["description"] == "from May on"
    assert properties["expiresAt"] == properties["createdAt"] + 86400
    assert works(store, made, made["consumerSecret"])
    assert works(store, made, added["secretValue"])

    first = listed(store, made)[0]["secretId"]
    revoked = store.call("POST", f"{made['path']}/revoke-secret", body={"secretId": first})
    assert (revoked.status, revoked.body) == (204, None)
    assert not works(store, made, made["consumerSecret"])
    assert works(store, made, added["secretValue"])


def test_a_secret_is_told_once_and_stored_as_a_digest(store: Store, made: dict[str, Any]) -> None:
    added = more(store, made)

    texts = [
        str(store.ok("GET", path))
        for path in (f"{made['path']}/secrets", made["path"], made["path"].rpartition("/")[0])
    ]
    client = store.records.get(Client, tenant=TENANT, client_id=made["consumerKey"])
    assert added["secretId"] in texts[0]
    assert added["secretId"] in texts[1]
    for secret in (added["secretValue"], made["consumerSecret"]):
        assert not any(secret in text for text in (*texts, repr(client)))


def test_the_last_secret_may_go_and_a_new_one_come(store: Store, made: dict[str, Any]) -> None:
    (only,) = listed(store, made)
    body = {"secretId": only["secretId"]}
    assert store.call("POST", f"{made['path']}/revoke-secret", body=body).status == 204
    assert listed(store, made) == []
    assert not works(store, made, made["consumerSecret"])
    assert works(store, made, more(store, made)["secretValue"])


def test_regenerating_leaves_one_secret(store: Store, made: dict[str, Any]) -> None:
    others = [made["consumerSecret"], more(store, made)["secretValue"]]
    fresh = store.ok("POST", f"{made['path']}/regenerate-secret")["consumerSecret"]
    assert len(listed(store, made)) == 1
    assert works(store, made, fresh)
    assert not any(works(store, made, one) for one in others)


def test_there_are_only_so_many_live_secrets(store: Store, made: dict[str, Any]) -> None:
    for _ in range(MAX_SECRETS - 1):
        more(store, made)
    answer = store.call("POST", f"{made['path']}/generate-secret", body={})
    assert answer.status == 400
    assert len(listed(store, made)) == MAX_SECRETS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"additionalProperties": {"expiresIn": 0}}, "additionalProperties.expiresIn"),
        ({"additionalProperties": {"expiresIn": -1}}, "additionalProperties.expiresIn"),
        ({"additionalProperties": {"expiresIn": "60"}}, "additionalProperties.expiresIn"),
        ({"additionalProperties": {"expiresIn": True}}, "additionalProperties.expiresIn"),
        ({"additionalProperties": {"expiresIn": LONGEST_SECRET + 1}}, "expiresIn"),
        ({"additionalProperties": {"description": 1}}, "additionalProperties.description"),
        ({"additionalProperties": {"description": "x" * 256}}, "description"),
        ({"additionalProperties": {"description": "a\nb"}}, "description"),
        ({"additionalProperties": {"colour": "red"}}, "additionalProperties.colour"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_secret_is_refused_by_field(
    store: Store, made: dict[str, Any], body: Any, field: str
) -> None:
    answer = store.call("POST", f"{made['path']}/generate-secret", body=body)
    assert answer.status == 400
    assert [one["code"] for one in answer.body["error"]] == [field]
    assert len(listed(store, made)) == 1


def test_a_secret_that_is_not_there_cannot_be_revoked(store: Store, made: dict[str, Any]) -> None:
    path = f"{made['path']}/revoke-secret"
    assert store.call("POST", path, body={"secretId": "missing"}).status == 404
    assert store.call("POST", path, body={}).status == 400
    assert len(listed(store, made)) == 1


@pytest.mark.parametrize(
    ("method", "name"), [("POST", "generate-secret"), ("GET", "secrets"), ("POST", "revoke-secret")]
)
def test_secrets_of_another_users_application_are_not_found(
    store: Store, made: dict[str, Any], method: str, name: str
) -> None:
    body = {"secretId": "any"} if name == "revoke-secret" else {} if method == "POST" else None
    assert store.call(method, f"{made['path']}/{name}", "joe", body=body).status == 404
    assert store.call(method, f"{made['path']}/{name}", "", body=body).status == 401


def test_a_public_client_has_no_secret(store: Store, made: dict[str, Any]) -> None:
    body = {
        "supportedGrantTypes": ["authorization_code", "refresh_token"],
        "callbackUrl": "https://app.example/back",
        "additionalProperties": {"bypassClientCredentials": True},
    }
    changed = store.ok("PUT", made["path"], body=body)
    assert changed["additionalProperties"]["bypassClientCredentials"] is True
    assert changed["additionalProperties"]["pkceMandatory"] is True
    assert listed(store, made) == []
    assert store.call("POST", f"{made['path']}/generate-secret", body={}).status == 400
    assert store.call("POST", f"{made['path']}/regenerate-secret").status == 400
