"""The life-cycle operations that only Portico has, over REST."""

from typing import Any

from tests.functions.publisher.conftest import Publisher


def look(publisher: Publisher, api_id: str, expect: int = 200, **query: str) -> Any:
    path = f"/apis/{api_id}/lifecycle-preview"
    return publisher.call("GET", path, query=query, expect=expect).json


def test_a_dry_run_tells_and_changes_nothing(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    before = dict(publisher.records.items)
    items = "Propagate Changes to API Gateway:true"
    found = look(publisher, api_id, action="Publish", lifecycleChecklist=items)
    assert (found["previousState"], found["postState"]) == ("Created", "Published")
    assert found["refusal"] is None
    assert found["gateway"]["deployed"] == ["/pizza/1.0.0"]
    assert found["subscriptions"] == {"carried": 0, "closed": 0, "kept": 0}
    assert publisher.records.items == before
    assert publisher.lifecycle.asked == []


def test_a_dry_run_tells_why_not(publisher: Publisher) -> None:
    without = publisher.create(endpointConfig=None)["id"]
    refusal = look(publisher, without, action="Publish")["refusal"]
    assert refusal["reason"] == "invalid_input"
    assert [one["code"] for one in refusal["error"]] == ["endpointConfig"]


def test_a_dry_run_needs_an_event_an_api_and_the_scope(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    assert look(publisher, api_id, 400)["error"][0]["code"] == "action"
    look(publisher, "nowhere", 404, action="Publish")
    creator = publisher.as_user("jane", "Internal/creator")
    look(creator, api_id, 401, action="Publish")


def change(publisher: Publisher, api_id: str, action: str, **query: str) -> Any:
    query = {"action": action, "apiId": api_id, **query}
    return publisher.call("POST", "/apis/change-lifecycle", query=query, expect=200)


def test_the_last_transition_is_undone(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    where = f"/apis/{api_id}/lifecycle-undo"
    found = publisher.call("GET", where, expect=200).json
    assert (found["possible"], found["transition"]) == (False, None)
    changed = change(publisher, api_id, "Publish", comment="for spring")
    found = publisher.call("GET", where, expect=200).json
    assert (found["possible"], found["reason"]) == (True, "")
    assert found["transition"]["event"] == "Publish"
    publisher.call("POST", where, headers={"If-Match": '"1"'}, expect=412)
    seen = {"If-Match": changed.headers["etag"]}
    publisher.clock.pass_by(1)
    query = {"comment": "too early"}
    done = publisher.call("POST", where, headers=seen, query=query, expect=200)
    assert done.json["undone"] == "Publish"
    assert done.json["lifecycleState"]["state"] == "Created"
    assert done.headers["etag"] == publisher.call("GET", f"/apis/{api_id}").headers["etag"]
    history = publisher.call("GET", f"/apis/{api_id}/lifecycle-history", expect=200).json["list"]
    assert [(one["event"], one["comment"]) for one in history] == [
        ("Publish", "for spring"),
        ("Undo Publish", "too early"),
    ]
    assert history[1]["undoes"] == history[0]["id"]
    refused = publisher.call("POST", where, expect=400).json
    assert refused["description"] == "The last change was an undo itself"
