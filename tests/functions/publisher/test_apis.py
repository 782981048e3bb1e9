"""`/apis`: create, list, show, change, delete."""

import json
from dataclasses import replace
from typing import Any

import pytest

from portico.domain.api import Api, ApiCard, ContextClaim, HistoryEntry, NameClaim, SubscriberCount
from portico.domain.gateway import Deployment
from portico.domain.operations import AuditEntry
from portico.domain.policy import Level, Policy
from portico.domain.records import Put
from portico.domain.user import CREATOR, PUBLISHER
from tests.functions.publisher.conftest import TENANT, Publisher, new_api


def test_an_api_is_created_and_shown(publisher: Publisher) -> None:
    answer = publisher.call("POST", "/apis", new_api(), expect=201)
    made = answer.json
    assert answer.headers["location"] == f"/api/am/publisher/v4/apis/{made['id']}"
    assert made["lifeCycleStatus"] == "CREATED"
    assert made["provider"] == "jane"
    assert made["endpointConfig"]["production_endpoints"]["url"].startswith("https://backend")
    assert {one["verb"] for one in made["operations"]} == {"GET", "PUT", "POST", "DELETE", "PATCH"}
    shown = publisher.call("GET", f"/apis/{made['id']}", expect=200)
    assert shown.json == made
    assert shown.headers["etag"] == answer.headers["etag"] == '"1"'


def test_what_was_shown_can_be_put_back(publisher: Publisher) -> None:
    made = publisher.create(
        scopes=[{"scope": {"name": "pizza:order", "bindings": ["admin"]}}],
        operations=[{"target": "/order", "verb": "POST", "scopes": ["pizza:order"]}],
        businessInformation={"businessOwner": "Ann"},
        additionalProperties=[{"name": "team", "value": "shop", "display": True}],
        corsConfiguration={"corsConfigurationEnabled": True},
        maxTps={"production": 10},
    )
    put = publisher.call("PUT", f"/apis/{made['id']}", made, expect=200).json
    for name in ("lastUpdatedTime", "lastUpdatedTimestamp"):
        del put[name], made[name]
    assert put == made


def test_absent_fields_stay_and_null_clears(publisher: Publisher) -> None:
    made = publisher.create(tags=["food"], displayName="Pizza!", audiences=["a"])
    kept = publisher.call("PUT", f"/apis/{made['id']}", minimal(made, description="New")).json
    assert (kept["tags"], kept["displayName"], kept["audiences"]) == (["food"], "Pizza!", ["a"])
    assert kept["description"] == "New"
    assert kept["endpointConfig"] == made["endpointConfig"]
    changes = minimal(made, tags=None, displayName=None, endpointConfig=None)
    cleared = publisher.call("PUT", f"/apis/{made['id']}", changes, expect=200).json
    assert (cleared["tags"], cleared["displayName"]) == ([], "Pizza")
    assert "endpointConfig" not in cleared


def minimal(made: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {name: made[name] for name in ("name", "version", "context")} | fields


def test_identity_does_not_change_by_put(publisher: Publisher) -> None:
    made = publisher.create()
    changes = {
        "name": "Other",
        "version": "9",
        "context": "/other",
        "provider": "peter",
        "lifeCycleStatus": "PUBLISHED",
    }
    put = publisher.call("PUT", f"/apis/{made['id']}", changes, expect=200).json
    assert {name: put[name] for name in changes} == {name: made[name] for name in changes}


def test_a_stale_update_is_412_and_changes_nothing(publisher: Publisher) -> None:
    made = publisher.create()
    where = f"/apis/{made['id']}"
    first = publisher.call("PUT", where, made, headers={"If-Match": '"1"'}, expect=200)
    assert first.headers["etag"] == '"2"'
    body = {**made, "description": "late"}
    for method, sent in (("PUT", body), ("DELETE", None)):
        refused = publisher.call(method, where, sent, headers={"If-Match": '"1"'}, expect=412)
        assert refused.json["code"] == 412
    assert publisher.call("GET", where).json["description"] == ""


def test_a_lost_race_is_repeated_and_with_a_stamp_told(publisher: Publisher) -> None:
    made = publisher.create()
    where = f"/apis/{made['id']}"

    def interfere() -> None:
        publisher.call("PUT", where, {**made, "tags": ["theirs"]}, expect=200)

    publisher.records.before_commit = interfere
    ours = publisher.call("PUT", where, minimal(made, description="ours"), expect=200).json
    assert (ours["tags"], ours["description"]) == (["theirs"], "ours")
    stamp = publisher.call("GET", where).headers["etag"]
    publisher.records.before_commit = interfere
    publisher.call("PUT", where, made, headers={"If-Match": stamp}, expect=412)


def test_names_and_contexts_are_taken_once_without_case(publisher: Publisher) -> None:
    publisher.create()
    same_name = publisher.call("POST", "/apis", new_api(name="PIZZA", context="/x"), expect=409)
    assert "name" in same_name.json["description"]
    body = new_api(name="Other", context="/Pizza", version="2.0.0")
    same_context = publisher.call("POST", "/apis", body, expect=409)
    assert "context" in same_context.json["description"]
    assert len(publisher.records.list(ApiCard, tenant=TENANT)) == 1


def test_a_second_version_shares_name_and_context(publisher: Publisher) -> None:
    first = publisher.create()
    second = publisher.create(version="2.0.0")
    publisher.call("DELETE", f"/apis/{first['id']}", expect=200)
    # The context still belongs to the other version.
    publisher.call("POST", "/apis", new_api(name="Other", version="3"), expect=409)
    publisher.call("DELETE", f"/apis/{second['id']}", expect=200)
    assert publisher.create(name="Other", version="3")


@pytest.mark.parametrize(
    ("context", "version"), [("/pizza/1.0.0", "x"), ("/{version}/1.0.0", "pizza")]
)
def test_paths_that_would_meet_at_the_gateway_are_refused(
    publisher: Publisher, context: str, version: str
) -> None:
    publisher.create()
    body = new_api(name="Other", context=context, version=version)
    publisher.call("POST", "/apis", body, expect=409)


def test_two_creations_at_once_give_one_api(publisher: Publisher) -> None:
    def interfere() -> None:
        publisher.create(name="Faster")

    publisher.records.before_commit = interfere
    publisher.call("POST", "/apis", new_api(), expect=409)
    assert [card.name for card in publisher.records.list(ApiCard, tenant=TENANT)] == ["Faster"]


def test_a_tenants_contexts_begin_with_its_own_prefix(publisher: Publisher) -> None:
    ours = publisher.create()
    acme = publisher.as_user("jane", CREATOR, PUBLISHER, tenant="acme.com")
    theirs = acme.create()
    assert theirs["context"] == "/t/acme.com/pizza"
    assert theirs["provider"] == "jane@acme.com"
    acme.call("GET", f"/apis/{ours['id']}", expect=404)
    acme.call("DELETE", f"/apis/{ours['id']}", expect=404)
    assert [one["id"] for one in acme.call("GET", "/apis").json["list"]] == [theirs["id"]]


def test_lists_are_searched_sorted_and_paged(publisher: Publisher) -> None:
    for number, name in enumerate(["Beta", "Alpha", "Gamma"]):
        publisher.clock.pass_by(1)
        publisher.create(name=name, context=f"/c{number}", tags=[f"t{number}"])
    page = publisher.call("GET", "/apis", query={"limit": "2", "offset": "1"}).json
    assert [one["name"] for one in page["list"]] == ["Beta", "Gamma"]
    assert page["count"] == 2
    assert page["pagination"]["total"] == 3
    assert page["pagination"]["previous"].startswith("/apis?limit=2&offset=0")
    query = {"sortBy": "createdTime", "sortOrder": "desc"}
    newest = publisher.call("GET", "/apis", query=query).json
    assert [one["name"] for one in newest["list"]] == ["Gamma", "Alpha", "Beta"]
    found = publisher.call("GET", "/apis", query={"query": "name:alp tags:t1"}).json
    assert [one["name"] for one in found["list"]] == ["Alpha"]
    for query in ({"query": "shoe:1"}, {"sortBy": "size"}, {"sortOrder": "up"}, {"limit": "-1"}):
        publisher.call("GET", "/apis", query=query, expect=400)


def test_deleting_leaves_nothing_behind(publisher: Publisher) -> None:
    made = publisher.create(isDefaultVersion=True)
    revision = publisher.call("POST", f"/apis/{made['id']}/revisions", {}, expect=201).json
    query = {"revisionId": revision["id"]}
    body = [{"name": "Default"}]
    publisher.call("POST", f"/apis/{made['id']}/deploy-revision", body, query=query, expect=201)
    publisher.call("DELETE", f"/apis/{made['id']}", expect=200)
    left = [
        type(record).__name__
        for record in publisher.records.items.values()
        if type(record).__name__
        not in ("Policy", "User", "AuditEntry", "OutboxEntry", "OutboxTenant")
    ]
    assert left == []
    assert publisher.documents.content == {}
    assert publisher.lifecycle.nudged
    publisher.call("GET", f"/apis/{made['id']}", expect=404)


def named(publisher: Publisher, number: int) -> list[str]:
    """As many subscription policies as that, in the tenant."""
    bronze = publisher.records.get(
        Policy, tenant=TENANT, level=Level.SUBSCRIPTION.value, name="Bronze"
    )
    assert bronze
    names = [f"P{n}" for n in range(number)]
    for name in names:
        publisher.records.commit(Put(replace(bronze, id=name, name=name)))
    return names


def test_an_api_of_many_policies_and_a_long_history_can_be_deleted(publisher: Publisher) -> None:
    api = publisher.create(policies=named(publisher, 50))
    for n in range(70):
        publisher.records.commit(
            Put(
                HistoryEntry(
                    tenant=TENANT,
                    api_id=api["id"],
                    order=f"{n:03}",
                    previous_state="CREATED",
                    post_state="PUBLISHED",
                    event="Publish",
                    user="jane",
                    updated=n,
                )
            )
        )
    publisher.call("DELETE", f"/apis/{api['id']}", expect=200)
    publisher.call("GET", f"/apis/{api['id']}", expect=404)


def test_more_policies_than_a_commit_holds_change_in_two_steps(publisher: Publisher) -> None:
    names = named(publisher, 100)
    api = publisher.create(policies=names[:50])
    path = f"/apis/{api['id']}"
    refused = publisher.call("PUT", path, new_api(policies=names[50:]), expect=400)
    assert "policies" in [one["code"] for one in refused.json["error"]]
    publisher.call("PUT", path, new_api(policies=names[50:70]), expect=200)
    publisher.call("PUT", path, new_api(policies=names[50:]), expect=200)


def test_a_subscribed_api_is_not_deleted(publisher: Publisher) -> None:
    made = publisher.create()
    count = SubscriberCount(tenant=TENANT, api_id=made["id"], count=1)
    publisher.records.commit(Put(count))
    refused = publisher.call("DELETE", f"/apis/{made['id']}", expect=409)
    assert "subscription" in refused.json["description"]
    publisher.call("GET", f"/apis/{made['id']}", expect=200)


def test_a_subscription_made_while_deleting_is_seen(publisher: Publisher) -> None:
    made = publisher.create()

    def interfere() -> None:
        publisher.records.commit(Put(SubscriberCount(tenant=TENANT, api_id=made["id"], count=1)))

    publisher.records.before_commit = interfere
    publisher.call("DELETE", f"/apis/{made['id']}", expect=409)


def test_only_one_version_is_the_default(publisher: Publisher) -> None:
    first = publisher.create(isDefaultVersion=True)
    second = publisher.create(version="2.0.0", isDefaultVersion=True)
    assert second["isDefaultVersion"]
    assert not publisher.call("GET", f"/apis/{first['id']}").json["isDefaultVersion"]
    publisher.call("PUT", f"/apis/{first['id']}", {**first, "isDefaultVersion": True}, expect=200)
    assert not publisher.call("GET", f"/apis/{second['id']}").json["isDefaultVersion"]


def test_who_only_publishes_changes_only_what_the_contract_lets_them(publisher: Publisher) -> None:
    made = publisher.create()
    peter = publisher.as_user("peter", PUBLISHER)
    body = {**made, "policies": ["Gold"], "description": "mine", "tags": ["new"]}
    put = peter.call("PUT", f"/apis/{made['id']}", body, expect=200).json
    assert (put["policies"], put["tags"], put["description"]) == (["Gold"], ["new"], "")
    peter.call("POST", "/apis", new_api(name="No", context="/no"), expect=401)


def test_administrators_create_for_others(publisher: Publisher, admin: Publisher) -> None:
    assert admin.create(provider="peter")["provider"] == "peter"
    body = new_api(name="B", context="/b", provider="nobody")
    assert "provider" in admin.call("POST", "/apis", body, expect=400).text
    assert publisher.create(name="C", context="/c", provider="peter")["provider"] == "jane"


def test_pass_through_is_a_property(publisher: Publisher) -> None:
    made = publisher.create(
        additionalProperties=[
            {"name": "portico_delivery", "value": "pass-through"},
            {"name": "portico_pass_authorization", "value": "true"},
        ]
    )
    api = publisher.records.get(Api, tenant=TENANT, id=made["id"])
    assert api
    assert (api.delivery, api.pass_authorization) == ("pass-through", True)
    assert made["additionalPropertiesMap"]["portico_delivery"]["value"] == "pass-through"
    listed = publisher.call("GET", "/apis").json["list"][0]
    assert "portico_delivery" in listed["additionalPropertiesMap"]
    body = {**made, "additionalProperties": []}
    back = publisher.call("PUT", f"/apis/{made['id']}", body, expect=200).json
    assert back["additionalProperties"] == []
    body["additionalProperties"] = [{"name": "portico_delivery", "value": "by-horse"}]
    publisher.call("PUT", f"/apis/{made['id']}", body, expect=400)


def test_names_and_contexts_can_be_asked_for(publisher: Publisher) -> None:
    publisher.create()
    for query in ("name:pizza", "pizza", "context:/PIZZA", "context:pizza", "context:/pizza/1.0.0"):
        publisher.call("POST", "/apis/validate", query={"query": query}, expect=200)
    for query in ("name:pasta", "context:/pasta"):
        publisher.call("POST", "/apis/validate", query={"query": query}, expect=404)
    for query in ("", "shoe:1", "name:"):
        publisher.call("POST", "/apis/validate", query={"query": query}, expect=400)


def test_every_change_is_in_the_audit_trail(publisher: Publisher) -> None:
    made = publisher.create()
    publisher.call("PUT", f"/apis/{made['id']}", {**made, "policies": ["Gold"]}, expect=200)
    publisher.call("DELETE", f"/apis/{made['id']}", expect=200)
    entries = [one for one in publisher.records.items.values() if isinstance(one, AuditEntry)]
    assert sorted(one.action for one in entries) == ["create", "delete", "update"]
    changed = next(one for one in entries if one.action == "update")
    assert (changed.before["policies"], changed.after["policies"]) == (["Bronze"], ["Gold"])
    assert changed.user == "jane"


def test_claims_are_stored_with_the_api(publisher: Publisher) -> None:
    made = publisher.create()
    claim = publisher.records.get(NameClaim, tenant=TENANT, name="pizza", version="1.0.0")
    assert claim
    assert claim.api_id == made["id"]
    assert publisher.records.get(ContextClaim, tenant=TENANT, context="/pizza")
    assert not publisher.records.list(Deployment, tenant=TENANT, prefix="/pizza/1.0.0")


def test_an_exception_shows_its_request_and_nothing_else(publisher: Publisher) -> None:
    made = publisher.create()

    def broken() -> None:
        raise RuntimeError("secret detail")

    publisher.records.before_commit = broken
    answer = publisher.call("PUT", f"/apis/{made['id']}", made, expect=500)
    assert "secret" not in answer.text
    assert "11111111-2222" in json.dumps(answer.json)


def test_a_resource_that_asks_for_all_scopes_keeps_that(publisher: Publisher) -> None:
    wish = {"target": "/a", "verb": "GET", "scopes": [], "requireAllScopes": True}
    made = publisher.create(operations=[wish, {"target": "/b", "verb": "GET"}])
    assert [one.get("requireAllScopes") for one in made["operations"]] == [True, None]
    body = {**made, "description": "changed"}
    changed = publisher.call("PUT", f"/apis/{made['id']}", body=body, expect=200).json
    assert [one.get("requireAllScopes") for one in changed["operations"]] == [True, None]
