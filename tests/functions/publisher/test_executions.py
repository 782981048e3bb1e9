"""Executions and an API's end over REST: our own operations beside the contract's."""

from typing import Any

import pytest

from portico.domain.gateway import Deployment
from portico.services.executing import Executing
from portico.services.outbox import Outbox
from tests.functions.publisher.conftest import Publisher


def change(publisher: Publisher, api_id: str, action: str) -> None:
    query = {"action": action, "apiId": api_id}
    publisher.call("POST", "/apis/change-lifecycle", query=query, expect=200)


def retired(publisher: Publisher) -> str:
    api_id = str(publisher.create()["id"])
    for action in ("Publish", "Deprecate", "Retire"):
        publisher.clock.pass_by(1)
        change(publisher, api_id, action)
    return api_id


def executions(publisher: Publisher, api_id: str) -> list[dict[str, Any]]:
    found = publisher.call("GET", f"/apis/{api_id}/lifecycle-executions", expect=200).json
    assert found["count"] == len(found["list"])
    rows: list[dict[str, Any]] = found["list"]
    return rows


def test_what_failed_is_seen_and_tried_again(publisher: Publisher) -> None:
    api_id = retired(publisher)
    (pending,) = executions(publisher, api_id)
    assert (pending["executor"], pending["status"]) == ("close-subscriptions", "PENDING")
    history = publisher.call("GET", f"/apis/{api_id}/lifecycle-history", expect=200).json
    assert pending["transition"] == history["list"][-1]["id"]

    # This outbox has no executors, so everything fails.
    outbox = Outbox(publisher.records, publisher.clock)
    outbox.work(publisher.clock.now() + 1)
    (failed,) = executions(publisher, api_id)
    assert (failed["status"], failed["attempts"]) == ("FAILED", 1)
    assert "close-subscriptions" in failed["reason"]
    assert outbox.work(publisher.clock.now() + 1).failed == {}

    where = f"/apis/{api_id}/lifecycle-executions/{failed['id']}"
    assert publisher.call("POST", f"{where}/retry", expect=200).json["status"] == "PENDING"
    assert len(outbox.work(publisher.clock.now() + 1).failed) == 1
    assert publisher.call("POST", f"{where}/skip", expect=200).json["status"] == "SKIPPED"
    publisher.call("POST", f"{where}/retry", expect=404)


def test_retrying_is_for_publishers_of_the_tenant(publisher: Publisher) -> None:
    api_id = retired(publisher)
    (pending,) = executions(publisher, api_id)
    where = f"/apis/{api_id}/lifecycle-executions/{pending['id']}"
    creator = publisher.as_user("jane", "Internal/creator")
    creator.call("POST", f"{where}/retry", expect=401)
    publisher.call("POST", f"/apis/nowhere/lifecycle-executions/{pending['id']}/retry", expect=404)
    publisher.call("GET", "/apis/nowhere/lifecycle-executions", expect=404)
    assert isinstance(publisher.wiring.executing, Executing)


def test_a_date_of_the_end_reaches_the_gateway_once_deprecated(publisher: Publisher) -> None:
    api_id = str(publisher.create()["id"])
    where = f"/apis/{api_id}/sunset"
    assert publisher.call("GET", where, expect=200).json == {"date": None, "deprecatedSince": None}
    body = {"date": "2027-03-01T01:00:00+01:00"}
    set_to = publisher.call("PUT", where, body, expect=200)
    assert set_to.json["date"] == "2027-03-01T00:00:00Z"

    def told() -> tuple[int, int]:
        found = publisher.records.get(Deployment, tenant="carbon.super", prefix="/pizza/1.0.0")
        assert found
        return found.deprecated, found.sunset

    change(publisher, api_id, "Publish")
    assert told() == (0, 0)
    publisher.clock.pass_by(1)
    change(publisher, api_id, "Deprecate")
    assert told() == (int(publisher.clock.now()), 1_803_859_200)
    publisher.call("PUT", where, {"date": None}, expect=200)
    assert told() == (int(publisher.clock.now()), 0)
    change(publisher, api_id, "Retire")
    publisher.call("PUT", where, body, expect=409)


@pytest.mark.parametrize(
    "date", ["tomorrow", "2027-03-01", "2027-03-01T00:00:00", "1960-01-01T00:00:00Z", 5, ""]
)
def test_a_date_that_is_none_is_refused(publisher: Publisher, date: object) -> None:
    api_id = publisher.create()["id"]
    answer = publisher.call("PUT", f"/apis/{api_id}/sunset", {"date": date}, expect=400)
    assert answer.json["error"][0]["code"] == "date"
