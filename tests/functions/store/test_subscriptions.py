"""Subscriptions through the store's real handler."""

from typing import Any

import pytest

from portico.domain.api import SubscriberCount
from portico.domain.application import Subscription
from portico.domain.gateway import Grant
from portico.domain.policy import PolicyUse
from portico.domain.records import Replace
from tests.functions.store.conftest import Store, api

TENANT = "carbon.super"


@pytest.fixture
def application(store: Store, request: pytest.FixtureRequest) -> str:
    """The id of a new application of Jane's."""
    name = f"sub {abs(hash(request.node.name))}"
    made = store.ok("POST", "/applications", body={"name": name, "throttlingPolicy": "Unlimited"})
    return str(made["applicationId"])


def wish(application: str, api: str = "pizza", policy: str = "Gold") -> dict[str, Any]:
    return {"applicationId": application, "apiId": api, "throttlingPolicy": policy}


def subscribers(store: Store, api: str) -> int:
    found = store.records.get(SubscriberCount, tenant=TENANT, api_id=api)
    return found.count if found else 0


def grants(store: Store, application: str) -> list[tuple[str, str, str]]:
    found = store.records.list(Grant, tenant=TENANT, application_id=application)
    return [(one.prefix, one.policy, one.status) for one in found]


def test_subscribed_shown_changed_and_ended(store: Store, application: str) -> None:
    before = subscribers(store, "pizza")
    answer = store.call("POST", "/subscriptions", body=wish(application))
    assert answer.status == 201
    made = answer.body
    path = f"/subscriptions/{made['subscriptionId']}"
    assert answer.headers["location"].endswith(path)
    assert made["status"] == "UNBLOCKED"
    assert made["apiInfo"]["name"] == "Pizza"
    assert made["applicationInfo"]["subscriptionCount"] == 1
    assert subscribers(store, "pizza") == before + 1
    assert grants(store, application) == [("/pizza/1.0.0", "Gold", "UNBLOCKED")]
    assert store.ok("GET", path) == made
    # A client sends back what it was given, with the policy that it asks for.
    changed = store.ok("PUT", path, body={**made, "requestedThrottlingPolicy": "Unlimited"})
    assert changed["throttlingPolicy"] == "Unlimited"
    assert grants(store, application) == [("/pizza/1.0.0", "Unlimited", "UNBLOCKED")]
    uses = store.records.list(PolicyUse, tenant=TENANT, level="subscription", policy="Gold")
    assert made["subscriptionId"] not in [one.subject for one in uses]
    assert store.call("DELETE", path).status == 200
    assert store.call("GET", path).status == 404
    assert store.call("DELETE", path).status == 404
    assert subscribers(store, "pizza") == before
    assert grants(store, application) == []


def test_one_subscription_for_an_application_and_api(store: Store, application: str) -> None:
    store.ok("POST", "/subscriptions", body=wish(application))
    before = subscribers(store, "pizza")
    again = wish(application, policy="Unlimited")
    assert store.call("POST", "/subscriptions", body=again).status == 409
    assert subscribers(store, "pizza") == before
    assert grants(store, application) == [("/pizza/1.0.0", "Gold", "UNBLOCKED")]


def test_lists_by_application_and_by_api(store: Store, application: str) -> None:
    for name in ("pizza", "sushi"):
        store.ok("POST", "/subscriptions", body=wish(application, name))
    store.ok("POST", "/subscriptions", "joe", body=wish(_of_joe(store)))
    by_application = store.ok("GET", "/subscriptions", query={"applicationId": application})
    assert [one["apiId"] for one in by_application["list"]] == ["pizza", "sushi"]
    page = {"applicationId": application, "limit": "1", "offset": "1"}
    second = store.ok("GET", "/subscriptions", query=page)
    assert [one["apiId"] for one in second["list"]] == ["sushi"]
    previous = second["pagination"]["previous"]
    assert f"applicationId={application}" in previous
    by_api = store.ok("GET", "/subscriptions", query={"apiId": "sushi"})
    assert application in [one["applicationId"] for one in by_api["list"]]
    assert {one["applicationInfo"]["owner"] for one in by_api["list"]} == {"jane"}
    both = store.ok("GET", "/subscriptions", query={"apiId": "sushi", "applicationId": application})
    assert [one["apiId"] for one in both["list"]] == ["sushi"]


def _of_joe(store: Store) -> str:
    made = store.call(
        "POST", "/applications", "joe", body={"name": "Joes", "throttlingPolicy": "Unlimited"}
    )
    assert made.status == 201
    return str(made.body["applicationId"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"applicationId": "missing"}, 404),
        ({"apiId": "pizza", "limit": "lots"}, 400),
        ({"apiId": "pizza", "offset": "-1"}, 400),
    ],
)
def test_bad_lists_are_refused(store: Store, query: dict[str, str], status: int) -> None:
    assert store.call("GET", "/subscriptions", query=query).status == status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"apiId": "draft"}, 404),
        ({"apiId": "old"}, 404),
        ({"apiId": "blocked"}, 404),
        ({"apiId": "missing"}, 404),
        ({"apiId": "acme"}, 404),
        ({"apiId": "restricted"}, 404),
        ({"applicationId": "missing"}, 404),
        ({"apiId": "proto"}, 400),
        ({"throttlingPolicy": "Bronze"}, 400),
        ({"throttlingPolicy": "Nonsense"}, 400),
        ({"throttlingPolicy": ""}, 400),
        ({"throttlingPolicy": 7}, 400),
        ({"apiId": None}, 400),
        ({"applicationId": None}, 400),
        ({"status": "SLEEPING"}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_bad_subscriptions_are_refused(
    store: Store, application: str, change: dict[str, Any], status: int
) -> None:
    answer = store.call("POST", "/subscriptions", body={**wish(application), **change})
    assert answer.status == status, answer.body
    if status == 400:
        assert next(iter(change)) in [one["code"] for one in answer.body["error"]]
    assert store.records.list(Subscription, tenant=TENANT, application_id=application) == []
    assert grants(store, application) == []


@pytest.mark.parametrize("body", ["", "{", "null", "[]"])
def test_what_is_no_subscription_is_refused(store: Store, body: str) -> None:
    assert store.call("POST", "/subscriptions", body=body).status == 400


def test_another_users_application_cannot_subscribe(store: Store, application: str) -> None:
    assert store.call("POST", "/subscriptions", "joe", body=wish(application)).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_users_subscription_is_not_found(
    store: Store, application: str, method: str
) -> None:
    made = store.ok("POST", "/subscriptions", body=wish(application))
    path = f"/subscriptions/{made['subscriptionId']}"
    body = wish(application, policy="Unlimited") if method == "PUT" else None
    for user in ("joe", "jane@acme.com"):
        assert store.call(method, path, user, body=body).status == 404
    assert store.ok("GET", path)["throttlingPolicy"] == "Gold"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"throttlingPolicy": "Bronze"}, "throttlingPolicy"),
        ({"requestedThrottlingPolicy": "Bronze"}, "throttlingPolicy"),
        ({"status": "BLOCKED"}, "status"),
        ({"apiId": "sushi"}, "apiId"),
        ({"applicationId": "other"}, "applicationId"),
    ],
)
def test_only_an_offered_policy_can_be_changed_to(
    store: Store, application: str, change: dict[str, str], field: str
) -> None:
    made = store.ok("POST", "/subscriptions", body=wish(application))
    body = {**wish(application), **change}
    answer = store.call("PUT", f"/subscriptions/{made['subscriptionId']}", body=body)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.body["error"]]
    assert grants(store, application) == [("/pizza/1.0.0", "Gold", "UNBLOCKED")]


def test_a_blocked_subscription_stays_blocked_under_another_policy(
    store: Store, application: str
) -> None:
    made = store.ok("POST", "/subscriptions", body=wish(application))
    where = {"tenant": TENANT, "application_id": application, "api_id": "pizza"}
    found = store.records.get(Subscription, **where)
    assert found is not None
    blocked = Subscription(**{**vars(found), "status": "BLOCKED"})
    store.records.commit(Replace(blocked))
    body = wish(application, policy="Unlimited")
    changed = store.ok("PUT", f"/subscriptions/{made['subscriptionId']}", body=body)
    assert changed["status"] == "BLOCKED"
    assert grants(store, application) == [("/pizza/1.0.0", "Unlimited", "BLOCKED")]


def test_a_stale_end_is_refused(store: Store, application: str) -> None:
    answer = store.call("POST", "/subscriptions", body=wish(application))
    path = f"/subscriptions/{answer.body['subscriptionId']}"
    stale = {"If-Match": answer.headers["etag"]}
    store.ok("PUT", path, body=wish(application, policy="Unlimited"))
    assert store.call("DELETE", path, headers=stale).status == 412
    assert store.call("DELETE", path).status == 200


def test_several_at_once(store: Store, application: str) -> None:
    body = [wish(application, "pizza"), wish(application, "sushi", "Unlimited")]
    made = store.ok("POST", "/subscriptions/multiple", body=body)
    assert [(one["apiId"], one["throttlingPolicy"]) for one in made] == [
        ("pizza", "Gold"),
        ("sushi", "Unlimited"),
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "1 to 20"),
        ({}, "1 to 20"),
        ([{}] * 21, "1 to 20"),
        ([{"applicationId": "x", "apiId": "pizza"}], "entry 0"),
        ([{"applicationId": "x", "apiId": "pizza", "throttlingPolicy": 1}], "0.throttlingPolicy"),
    ],
)
def test_bad_lists_of_subscriptions_are_refused(store: Store, body: Any, text: str) -> None:
    answer = store.call("POST", "/subscriptions/multiple", body=body)
    assert answer.status == 400
    assert text in str(answer.body)


def test_the_entry_at_fault_is_named(store: Store, application: str) -> None:
    body = [wish(application, "pizza"), wish(application, "missing")]
    answer = store.call("POST", "/subscriptions/multiple", body=body)
    assert answer.status == 404
    assert "entry 1" in answer.body["description"]
    assert grants(store, application) == [("/pizza/1.0.0", "Gold", "UNBLOCKED")]


def test_a_new_name_of_the_application_reaches_its_subscriptions(
    store: Store, application: str
) -> None:
    store.ok("POST", "/subscriptions", body=wish(application))
    body = {"name": f"new {application}", "throttlingPolicy": "Unlimited"}
    store.ok("PUT", f"/applications/{application}", body=body)
    (found,) = store.records.list(Subscription, tenant=TENANT, application_id=application)
    assert found.application_name == body["name"]


def test_subscribing_to_an_api_of_the_own_tenant(store: Store) -> None:
    user = "jane@acme.com"
    made = store.ok(
        "POST", "/applications", user, body={"name": "Mine", "throttlingPolicy": "Unlimited"}
    )
    assert made["owner"] == user
    found = store.ok("POST", "/subscriptions", user, body=wish(made["applicationId"], "acme"))
    assert found["apiInfo"]["provider"] == "paula@acme.com"
    grant = store.records.list(Grant, tenant="acme.com", application_id=made["applicationId"])
    assert [one.prefix for one in grant] == [api("Acme", "acme.com").full_context]
