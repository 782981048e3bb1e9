"""WSO2's own example of a customised life cycle: "Notify Users" retires an API and tells everybody
who subscribed, on the deployed stack.
"""

from typing import Any

import httpx

from portico.lifecycle import scxml
from tests.deployed import Person, Stack, eventually

DEFAULT = scxml.default_text().decode()
RETIRE = '<transition event="Retire" target="Retired"/>'
NOTIFY = """<execution forEvent="Notify Users" class="Notify">
  <parameter name="subject" value="$api $version ends"/>
</execution></data>"""


def document() -> str:
    start, _, end = DEFAULT.partition('<state id="Deprecated">')
    end = end.replace(RETIRE, f'{RETIRE}<transition event="Notify Users" target="Retired"/>', 1)
    execution = end.index('<data name="transitionExecution">')
    closing = end.index("</data>", execution)
    end = end[:closing] + NOTIFY + end[closing + len("</data>") :]
    return f'{start}<state id="Deprecated">{end}'


def test_subscribers_are_told_before_the_api_goes(
    stack: Stack, publisher: Person, developer: Person, admin: Person
) -> None:
    body = {
        "name": "Farewell",
        "version": "1",
        "context": "/farewell",
        "policies": ["Unlimited"],
        "operations": [{"target": "/*", "verb": "GET", "authType": "None"}],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": stack.endpoints["backend"]},
        },
    }
    api: str = publisher.send("POST", "/apis", 201, json=body).json()["id"]

    def change(event: str) -> Any:
        params = {"apiId": api, "action": event}
        return publisher.send("POST", "/apis/change-lifecycle", params=params).json()

    change("Publish")
    application = {"name": "Leaving", "throttlingPolicy": "Unlimited"}
    made = developer.send("POST", "/applications", 201, json=application).json()
    wish = {
        "applicationId": made["applicationId"],
        "apiId": api,
        "throttlingPolicy": "Unlimited",
    }
    developer.send("POST", "/subscriptions", 201, json=wish)

    version = admin.send("POST", "/lifecycles", 201, json={"document": document()}).json()["id"]
    admin.send("POST", f"/lifecycles/{version}/activate", json={})
    try:
        publisher.send("PUT", f"/apis/{api}/sunset", json={"date": "2030-01-01T00:00:00Z"})

        def deprecated() -> bool:
            state = change("Deprecate")["lifecycleState"]
            return "Notify Users" in [one["event"] for one in state["availableTransitions"]]

        # The functions go on with the life cycle that they last read, for a few seconds.
        assert deprecated()
        eventually(lambda: "deprecation" in stack.call("/farewell/1/menu").headers)
        assert stack.call("/farewell/1/menu").headers["sunset"] == "Tue, 01 Jan 2030 00:00:00 GMT"
        # Not for others any more, and not in the list; its subscriber still finds it.
        found = developer.send("GET", "/apis", params={"query": "Farewell"}).json()
        assert found["list"] == []
        assert developer.send("GET", f"/apis/{api}").json()["isSubscriptionAvailable"] is False

        change("Notify Users")
        eventually(lambda: stack.call("/farewell/1/menu").status_code == 404)
        eventually(lambda: told(stack) == [("Farewell 1 ends", "developer@example.com")], 120)
        where = f"/apis/{api}/lifecycle-executions"
        rows = publisher.send("GET", where).json()["list"]
        assert [
            (one["executor"], one["status"]) for one in rows if one["executor"] == "Notify"
        ] == [("Notify", "DONE")]
        params = {"applicationId": made["applicationId"]}
        eventually(
            lambda: developer.send("GET", "/subscriptions", params=params).json()["count"] == 0
        )
    finally:
        admin.send("POST", "/lifecycles/roll-back", json={"mapping": {}})


def told(stack: Stack) -> list[tuple[str, str]]:
    answer = httpx.get(f"{stack.endpoints['aws']}/_ministack/ses/messages").json()
    return [
        (mail["Subject"], to)
        for account in answer["messages"].values()
        for mail in account
        # Other tests of this stack send mails too.
        if mail["Subject"].startswith("Farewell")
        for to in mail["To"]
    ]
