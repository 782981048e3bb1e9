"""An administrator puts a life cycle of the house in force and rolls it back, while APIs live."""

import httpx

from portico.lifecycle import scxml
from tests.deployed import Person, Stack, eventually

DEFAULT = scxml.default_text().decode()
# "Blocked" becomes "Paused", which answers 503 as well, and the event has a name of the house.
HOUSE = (
    DEFAULT.replace('"Blocked"', '"Paused"')
    .replace('event="Block"', 'event="Pause"')
    .replace(
        '<state id="Paused">\n          <datamodel>',
        '<state id="Paused">\n          <datamodel>\n'
        '            <data name="behaviour" access="blocked" keptInSight="true"/>',
    )
)


def state(publisher: Person, api: str) -> str:
    found = publisher.send("GET", f"/apis/{api}/lifecycle-state").json()["state"]
    return str(found).upper()


def lifecycles(admin: Person, method: str, path: str = "", **more: object) -> httpx.Response:
    return admin.send(method, f"/lifecycles{path}", **more)  # type: ignore[arg-type]


def test_apis_follow_another_life_cycle_and_come_back(
    stack: Stack, publisher: Person, admin: Person
) -> None:
    body = {
        "name": "Housed",
        "version": "1",
        "context": "/housed",
        "policies": ["Unlimited"],
        "operations": [{"target": "/*", "verb": "GET", "authType": "None"}],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": stack.endpoints["backend"]},
        },
    }
    api: str = publisher.send("POST", "/apis", 201, json=body).json()["id"]
    change = "/apis/change-lifecycle"
    for event in ("Publish", "Block"):
        publisher.send("POST", change, params={"apiId": api, "action": event})
    eventually(lambda: stack.call("/housed/1/menu").status_code == 503)

    made = lifecycles(admin, "POST", expect=201, json={"document": HOUSE, "comment": "house"})
    number = made.json()["id"]
    refused = lifecycles(admin, "POST", f"/{number}/activate", expect=409)
    assert "in BLOCKED" in refused.json()["description"]
    there, back = {"mapping": {"BLOCKED": "Paused"}}, {"mapping": {"PAUSED": "Blocked"}}
    lifecycles(admin, "POST", f"/{number}/activate", json=there)
    try:
        eventually(lambda: state(publisher, api) == "PAUSED")
        assert stack.call("/housed/1/menu").status_code == 503
        publisher.send("POST", change, params={"apiId": api, "action": "Re-Publish"})
        eventually(lambda: stack.call("/housed/1/menu").status_code == 200)
        known = publisher.send("GET", f"/apis/{api}/lifecycle-state").json()
        assert "Pause" in [one["event"] for one in known["availableTransitions"]]
        publisher.send("POST", change, params={"apiId": api, "action": "Pause"})
        eventually(lambda: stack.call("/housed/1/menu").status_code == 503)
    finally:
        lifecycles(admin, "POST", "/roll-back", json=back)
    eventually(lambda: state(publisher, api) == "BLOCKED")
    assert lifecycles(admin, "GET").json()["active"] == "default"
    history = publisher.send("GET", f"/apis/{api}/lifecycle-history").json()["list"]
    assert [one["postState"].upper() for one in history] == [
        "PUBLISHED",
        "BLOCKED",
        "PAUSED",
        "PUBLISHED",
        "PAUSED",
        "BLOCKED",
    ]
