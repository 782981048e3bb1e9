"""Revisions, life cycle, subscriptions, policies and settings over REST."""

from typing import Any

import pytest

from portico.domain.api import Api
from portico.domain.application import Subscription
from portico.domain.errors import TransitionRefused, Unavailable
from portico.domain.gateway import Deployment, Grant
from portico.domain.records import Put
from tests.functions.publisher.conftest import TENANT, Publisher

DEFAULT = [{"name": "Default", "vhost": "shop.example.com", "displayOnDevportal": False}]


def deployed(publisher: Publisher) -> Deployment | None:
    return publisher.records.get(Deployment, tenant=TENANT, prefix="/pizza/1.0.0")


def test_a_revision_goes_to_the_gateway_and_back(publisher: Publisher) -> None:
    where = f"/apis/{publisher.create()['id']}"
    made = publisher.call("POST", f"{where}/revisions", {"description": "first"}, expect=201).json
    assert made["displayName"] == "Revision 1"
    assert made["description"] == "first"
    assert made["createdTime"] == "2027-01-15T08:00:00.000Z"
    query = {"revisionId": made["id"]}
    there = publisher.call("POST", f"{where}/deploy-revision", DEFAULT, query=query, expect=201)
    assert there.json[0]["vhost"] == "shop.example.com"
    assert there.json[0]["displayOnDevportal"] is False
    assert deployed(publisher)
    for wanted, ids in (("deployed:true", [made["id"]]), ("deployed:false", [])):
        listed = publisher.call("GET", f"{where}/revisions", query={"query": wanted}).json
        assert [one["id"] for one in listed["list"]] == ids
    publisher.call("DELETE", f"{where}/revisions/{made['id']}", expect=409)
    by_number = {"revisionNumber": "1"}
    gone = publisher.call("POST", f"{where}/undeploy-revision", query=by_number, expect=201)
    assert gone.json == []
    assert not deployed(publisher)
    assert publisher.lifecycle.nudged == 2
    left = publisher.call("DELETE", f"{where}/revisions/{made['id']}", expect=200).json
    assert left == {"count": 0, "list": []}


def test_an_api_is_restored_from_a_revision(publisher: Publisher) -> None:
    made = publisher.create(description="before")
    where = f"/apis/{made['id']}"
    revision = publisher.call("POST", f"{where}/revisions", expect=201).json
    body = {**made, "description": "after", "operations": [{"target": "/x", "verb": "GET"}]}
    publisher.call("PUT", where, body, expect=200)
    query = {"revisionId": revision["id"]}
    restored = publisher.call("POST", f"{where}/restore-revision", query=query, expect=201).json
    assert restored["description"] == "before"
    assert restored["operations"] == made["operations"]
    assert "/*" in publisher.call("GET", f"{where}/swagger").json["paths"]


def test_six_revisions_are_one_too_many(publisher: Publisher) -> None:
    where = f"/apis/{publisher.create()['id']}/revisions"
    for _ in range(5):
        publisher.call("POST", where, {}, expect=201)
    assert "5" in publisher.call("POST", where, {}, expect=400).json["description"]


def change(publisher: Publisher, api_id: str, action: str, expect: int, **query: str) -> Any:
    query = {"action": action, "apiId": api_id, **query}
    return publisher.call("POST", "/apis/change-lifecycle", query=query, expect=expect)


def test_the_lifecycle_function_is_asked_for_every_transition(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    items = (
        "Propagate Changes to API Gateway:false, "
        "Deprecate old versions after publishing the API:true"
    )
    done = change(publisher, api_id, "Publish", 200, lifecycleChecklist=items)
    assert done.json["workflowStatus"] == "APPROVED"
    assert done.json["lifecycleState"]["state"].upper() == "PUBLISHED"
    assert done.headers["etag"] == publisher.call("GET", f"/apis/{api_id}").headers["etag"]
    assert publisher.lifecycle.asked == [
        {
            "tenant": TENANT,
            "api_id": api_id,
            "event": "Publish",
            "checklist": {
                "Propagate Changes to API Gateway": False,
                "Deprecate old versions after publishing the API": True,
            },
            "user": "jane",
            "roles": ["Internal/creator", "Internal/publisher"],
            "stamp": None,
            "comment": "",
        }
    ]
    state = publisher.call("GET", f"/apis/{api_id}/lifecycle-state", expect=200).json
    assert "Block" in [one["event"] for one in state["availableTransitions"]]
    history = publisher.call("GET", f"/apis/{api_id}/lifecycle-history", expect=200).json
    assert history["count"] == 1
    assert history["list"][0]["postState"].upper() == "PUBLISHED"
    assert history["list"][0]["user"] == "jane"


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Unavailable("no permission"), 503), (TransitionRefused("not from here"), 400)],
)
def test_without_its_answer_nothing_changes(
    publisher: Publisher, failure: Any, status: int
) -> None:
    api_id = publisher.create()["id"]
    publisher.lifecycle.failing = failure
    before = dict(publisher.records.items)
    assert str(failure) in change(publisher, api_id, "Publish", status).json["description"]
    assert publisher.records.items == before


def test_what_the_life_cycle_does_not_have_is_refused(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    assert "Retire" in change(publisher, api_id, "Retire", 400).json["description"]
    refused = change(publisher, api_id, "Publish", 400, lifecycleChecklist="Make Coffee:true")
    assert "Propagate" in refused.text
    for text in ("Make Coffee", "a:maybe", ":true"):
        refused = change(publisher, api_id, "Publish", 400, lifecycleChecklist=text)
        assert refused.json["error"][0]["code"] == "lifecycleChecklist"


def test_publishing_needs_an_endpoint_and_a_policy(publisher: Publisher) -> None:
    without = publisher.create(endpointConfig=None)
    assert "endpoint" in change(publisher, without["id"], "Publish", 400).text
    without = publisher.create(name="B", context="/b", policies=[])
    assert "polic" in change(publisher, without["id"], "Publish", 400).text


@pytest.fixture
def subscription(publisher: Publisher) -> Subscription:
    """A developer's subscription to a new API."""
    api = publisher.records.get(Api, tenant=TENANT, id=publisher.create()["id"])
    assert api
    made = Subscription(
        tenant=TENANT,
        application_id="app",
        api_id=api.id,
        id="11111111-0000-4000-8000-000000000000",
        application_owner="dev",
        application_name="Hungry",
        api_name=api.name,
        api_version=api.version,
        api_context=api.full_context,
        api_provider=api.provider,
        policy="Bronze",
        subscriber="dev",
    )
    publisher.records.commit(Put(made))
    return made


def test_subscriptions_are_listed_with_their_applications(
    publisher: Publisher, subscription: Subscription
) -> None:
    for query in ({"apiId": subscription.api_id}, {}, {"query": "hung"}):
        found = publisher.call("GET", "/subscriptions", query=query, expect=200).json
        assert [one["subscriptionId"] for one in found["list"]] == [subscription.id]
    assert found["list"][0]["applicationInfo"]["name"] == "Hungry"
    assert found["list"][0]["applicationInfo"]["subscriber"] == "dev"
    found = publisher.call("GET", "/subscriptions", query={"query": "thirsty"}).json
    assert (found["list"], found["pagination"]["total"]) == ([], 0)
    page = publisher.call("GET", "/subscriptions", query={"offset": "1"}).json
    assert (page["count"], page["pagination"]["total"]) == (0, 1)


@pytest.mark.parametrize("state", ["BLOCKED", "PROD_ONLY_BLOCKED"])
def test_a_subscription_is_blocked_for_the_gateway_too(
    publisher: Publisher, subscription: Subscription, state: str
) -> None:
    query = {"subscriptionId": subscription.id, "blockState": state}
    key = {"tenant": TENANT, "application_id": "app", "prefix": "/pizza/1.0.0"}
    path = "/subscriptions/block-subscription"
    answer = publisher.call("POST", path, query=query, expect=200)
    assert answer.json["subscriptionStatus"] == state
    grant = publisher.records.get(Grant, **key)
    assert grant
    assert (grant.status, grant.policy) == (state, "Bronze")
    publisher.call("POST", path, query=query, headers={"If-Match": '"1"'}, expect=412)
    answer = publisher.call("POST", "/subscriptions/unblock-subscription", query=query, expect=200)
    assert answer.json["subscriptionStatus"] == "UNBLOCKED"
    grant = publisher.records.get(Grant, **key)
    assert grant
    assert grant.status == "UNBLOCKED"


def test_a_subscription_that_waits_for_approval_is_not_unblocked(
    publisher: Publisher, subscription: Subscription
) -> None:
    held = Subscription(**{**vars(subscription), "status": "ON_HOLD"})
    publisher.records.commit(Put(held))
    query = {"subscriptionId": subscription.id}
    publisher.call("POST", "/subscriptions/unblock-subscription", query=query, expect=400)


def test_another_tenants_subscription_is_not_there(
    publisher: Publisher, subscription: Subscription
) -> None:
    roles = publisher.caller.roles if publisher.caller else ()
    acme = publisher.as_user("jane", *roles, tenant="acme.com")
    query = {"subscriptionId": subscription.id, "blockState": "BLOCKED"}
    acme.call("POST", "/subscriptions/block-subscription", query=query, expect=404)
    assert acme.call("GET", "/subscriptions").json["list"] == []


def test_policies_are_listed_by_level(publisher: Publisher) -> None:
    found = publisher.call("GET", "/throttling-policies/subscription", expect=200).json
    policies = {one["name"]: one for one in found["list"]}
    assert policies["Gold"]["requestCount"] == 5000
    assert policies["Gold"]["policyLevel"] == "subscription"
    assert policies["Unlimited"]["requestCount"] == 2**31 - 1
    one = publisher.call("GET", "/throttling-policies/api/10KPerMin", expect=200).json
    assert (one["requestCount"], one["unitTime"], one["timeUnit"]) == (10_000, 1, "min")


def test_settings_tell_of_the_gateway(publisher: Publisher) -> None:
    found = publisher.call("GET", "/settings", expect=200).json
    assert found["devportalUrl"] == "https://store.example.com"
    assert found["environment"][0]["vhosts"][0]["host"] == "gateway.example.com"
    assert "apim:api_create" in found["scopes"]
