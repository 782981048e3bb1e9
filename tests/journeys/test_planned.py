"""A transition planned for later, previewed before and undone after, on the deployed stack."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.deployed import Person, Stack, eventually


def test_an_api_is_published_at_its_time_and_taken_back(stack: Stack, publisher: Person) -> None:
    body = {
        "name": "Planned",
        "version": "1",
        "context": "/planned",
        "policies": ["Unlimited"],
        "operations": [{"target": "/*", "verb": "GET", "authType": "None"}],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": stack.endpoints["backend"]},
        },
    }
    api = publisher.send("POST", "/apis", 201, json=body).json()["id"]
    where, query = f"/apis/{api}", {"action": "Publish"}
    preview = publisher.send("GET", f"{where}/lifecycle-preview", params=query).json()
    assert (preview["refusal"], preview["gateway"]["deployed"]) == (None, ["/planned/1"])

    at = (datetime.now(UTC) + timedelta(seconds=15)).isoformat()
    plan = {"action": "Publish", "at": at, "comment": "on time"}
    made = publisher.send("POST", f"{where}/lifecycle-plans", 201, json=plan).json()
    later = {"action": "Publish", "at": (datetime.now(UTC) + timedelta(days=300)).isoformat()}
    other = publisher.send("POST", f"{where}/lifecycle-plans", 201, json=later).json()

    def planned() -> dict[str, Any]:
        plans = publisher.send("GET", f"{where}/lifecycle-plans").json()["list"]
        return next(one for one in plans if one["id"] == made["id"])

    eventually(lambda: planned()["status"] != "PLANNED", 120)
    assert (planned()["status"], planned()["reason"]) == ("DONE", "")
    assert stack.call("/planned/1/menu").status_code == 200
    (line,) = publisher.send("GET", f"{where}/lifecycle-history").json()["list"]
    assert (line["event"], line["comment"], line["user"]) == ("Publish", "on time", "publisher")

    scheduler = stack.aws("scheduler")
    left = [one["Name"] for one in scheduler.list_schedules()["Schedules"]]
    assert other["id"] in left
    assert made["id"] not in left
    publisher.send("DELETE", f"{where}/lifecycle-plans/{other['id']}")
    eventually(lambda: other["id"] not in str(scheduler.list_schedules()["Schedules"]))
    scheduler.close()

    undone = publisher.send("POST", f"{where}/lifecycle-undo").json()
    assert (undone["undone"], undone["lifecycleState"]["state"]) == ("Publish", "Created")
    eventually(lambda: stack.call("/planned/1/menu").status_code == 404)
