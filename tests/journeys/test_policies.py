"""Policies that an administrator makes on the deployed stack are followed by the gateway within
seconds: calls are denied and pass again, and a custom rule counts.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.deployed import Person, Stack

SECONDS = 5  # CacheSeconds of the template
DENY, CUSTOM = "/throttling/deny-policies", "/throttling/policies/custom"


@dataclass(frozen=True)
class Shop:
    """A published API, an application that may call it, and such a call."""

    context: str
    application: str
    call: Callable[[], httpx.Response]

    def within(self, status: int) -> httpx.Response:
        """The first answer with this status, which must come in time."""
        # The environment that answers, and the machine's own delays.
        until = time.monotonic() + SECONDS + 3
        while (answer := self.call()).status_code != status:
            assert time.monotonic() < until, f"still {answer.status_code} {answer.text}"
            time.sleep(0.2)
        return answer


@pytest.fixture(scope="module")
def shop(stack: Stack, publisher: Person, developer: Person) -> Iterator[Shop]:
    name = f"Denied{uuid.uuid4().hex[:8]}"
    context = f"/{name.lower()}"
    api = publisher.send(
        "POST",
        "/apis",
        201,
        json={
            "name": name,
            "version": "1.0",
            "context": context,
            "policies": ["Unlimited"],
            "endpointConfig": {
                "endpoint_type": "http",
                "production_endpoints": {"url": stack.endpoints["backend"]},
            },
            "operations": [{"target": "/menu", "verb": "GET"}],
        },
    ).json()["id"]
    publisher.send("POST", "/apis/change-lifecycle", params={"apiId": api, "action": "Publish"})
    application = developer.send(
        "POST", "/applications", 201, json={"name": name, "throttlingPolicy": "Unlimited"}
    ).json()["applicationId"]
    developer.send(
        "POST",
        "/subscriptions",
        201,
        json={"apiId": api, "applicationId": application, "throttlingPolicy": "Unlimited"},
    )
    keys = developer.send(
        "POST",
        f"/applications/{application}/generate-keys",
        json={"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]},
    ).json()
    token = stack.http.post(
        f"{stack.endpoints['token']}/oauth2/token",
        auth=(keys["consumerKey"], keys["consumerSecret"]),
        data={"grant_type": "client_credentials"},
    ).json()["access_token"]
    made = Shop(f"{context}/1.0", name, lambda: stack.call(f"{context}/1.0/menu", token))
    assert made.call().status_code == 200
    yield made
    developer.send("DELETE", f"/applications/{application}")
    publisher.send("DELETE", f"/apis/{api}")


@pytest.mark.parametrize("kind", ["API", "APPLICATION", "IPRANGE"])
def test_what_is_denied_stops_and_begins_again(
    shop: Shop, developer: Person, admin: Person, kind: str
) -> None:
    value = {
        "API": shop.context,
        "APPLICATION": f"{developer.name}:{shop.application}",
        "IPRANGE": {"startingIp": "127.0.0.0", "endingIp": "127.255.255.255"},
    }[kind]
    body = {"conditionType": kind, "conditionValue": value}
    policy = admin.send("POST", DENY, 201, json=body).json()["conditionId"]
    where = f"/throttling/deny-policy/{policy}"
    try:
        refused = shop.within(403)
        assert str(refused.json()["code"]) == "900805"
        admin.send("PATCH", where, json={"conditionStatus": False})
        shop.within(200)
    finally:
        admin.send("DELETE", where)
    assert shop.call().status_code == 200


def test_a_custom_rule_counts(shop: Shop, admin: Person) -> None:
    limit = {"timeUnit": "hour", "unitTime": 1, "requestCount": 3}
    body = {
        "policyName": f"Three{uuid.uuid4().hex[:8]}",
        "keyTemplate": "$appId:$apiContext",
        "defaultLimit": {"type": "REQUESTCOUNTLIMIT", "requestCount": limit},
    }
    rule = admin.send("POST", CUSTOM, 201, json=body).json()
    try:
        refused = shop.within(429)
        assert int(refused.headers["retry-after"]) <= 3600
    finally:
        admin.send("DELETE", f"{CUSTOM}/{rule['policyId']}")
    shop.within(200)
