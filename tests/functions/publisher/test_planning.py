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
