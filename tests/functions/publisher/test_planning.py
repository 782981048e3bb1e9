"""The life-cycle operations that only Portico has, over REST."""

from typing import Any

import pytest

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


PLAN = {"action": "Publish", "at": "2027-03-01T00:00:00+01:00", "comment": "for spring"}


def test_a_transition_is_planned_shown_and_cancelled(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    where = f"/apis/{api_id}/lifecycle-plans"
    made = publisher.call("POST", where, PLAN, expect=201).json
    assert made["at"] == "2027-02-28T23:00:00.000Z"
    assert (made["status"], made["user"], made["comment"]) == ("PLANNED", "jane", "for spring")
    assert publisher.lifecycle.nudged == 1
    listed = publisher.call("GET", where, expect=200).json
    assert (listed["list"], listed["pagination"]["total"]) == ([made], 1)
    page = publisher.call("GET", where, query={"offset": "1"}, expect=200).json
    assert (page["count"], page["pagination"]["total"]) == (0, 1)
    gone = publisher.call("DELETE", f"{where}/{made['id']}", expect=200).json
    assert gone["status"] == "CANCELLED"
    assert publisher.lifecycle.nudged == 2
    publisher.call("DELETE", f"{where}/{made['id']}", expect=409)
    publisher.call("DELETE", f"{where}/nothing", expect=404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"at": "2027-03-01T00:00:00"}, "at"),
        ({"at": "tomorrow"}, "at"),
        ({"at": "2020-03-01T00:00:00Z"}, "at"),
        ({"at": 1}, "at"),
        ({"at": "9999-12-31T23:59:59-23:00"}, "at"),
        ({"action": "Explode"}, "action"),
        ({"action": ""}, "action"),
        ({"comment": "x" * 501}, "comment"),
        ({"lifecycleChecklist": {"Make coffee": True}}, "lifecycleChecklist"),
        ({"lifecycleChecklist": {"Make coffee": "yes"}}, "lifecycleChecklist.Make coffee"),
        ({"when": "now"}, "when"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_field(
    publisher: Publisher, change: dict[str, Any], field: str
) -> None:
    where = f"/apis/{publisher.create()['id']}/lifecycle-plans"
    refused = publisher.call("POST", where, {**PLAN, **change}, expect=400).json
    assert [one["code"] for one in refused["error"]] == [field]


def test_creators_see_plans_and_make_none(publisher: Publisher) -> None:
    where = f"/apis/{publisher.create()['id']}/lifecycle-plans"
    creator = publisher.as_user("jane", "Internal/creator")
    assert creator.call("GET", where, expect=200).json["list"] == []
    creator.call("POST", where, PLAN, expect=401)


def test_history_tells_the_results_of_executions_and_is_paged(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    for action in ("Publish", "Deprecate", "Retire"):
        change(publisher, api_id, action)
        publisher.clock.pass_by(1)
    where = f"/apis/{api_id}/lifecycle-history"
    whole = publisher.call("GET", where, expect=200).json
    assert [one["event"] for one in whole["list"]] == ["Publish", "Deprecate", "Retire"]
    assert "pagination" not in whole
    (closing,) = whole["list"][2]["executions"]
    assert (closing["executor"], closing["status"]) == ("close-subscriptions", "pending")
    query = {"limit": "1", "offset": "1"}
    page = publisher.call("GET", where, query=query, expect=200).json
    assert page["list"] == whole["list"][1:2]
    assert (page["count"], page["pagination"]["total"]) == (1, 3)
    assert page["pagination"]["next"] == f"{where}?limit=1&offset=2"
    publisher.call("GET", where, query={"limit": "many"}, expect=400)
