"""Limits of a subscription on the deployed stack: of calls, of bursts and of bytes, and what every
answer tells of them.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.deployed import Person, Stack

Calling = Callable[[], httpx.Response]
REQUESTS = {"type": "REQUESTCOUNTLIMIT"}
CACHE_SECONDS = 5.5  # of the template, and some more: a policy is in force within them
SECONDS = 3  # between two looks at a counter of bytes, and some more


def per_day(calls: int) -> dict[str, Any]:
    count = {"timeUnit": "days", "unitTime": 1, "requestCount": calls}
    return {"defaultLimit": {**REQUESTS, "requestCount": count}}


@pytest.fixture
def subscribed(
    stack: Stack, admin: Person, publisher: Person, developer: Person
) -> Callable[[dict[str, Any]], Calling]:
    """Makes a policy, an API and a subscription with it; what comes back calls the API."""

    def make(policy: dict[str, Any]) -> Calling:
        name = f"Limits{uuid.uuid4().hex[:8]}"
        shared = {
            "policyName": name,
            "displayName": name,
            "description": "",
            "stopOnQuotaReach": True,
        }
        admin.send("POST", "/throttling/policies/subscription", 201, json={**shared, **policy})
        endpoint = {"url": stack.endpoints["backend"]}
        api = publisher.send(
            "POST",
            "/apis",
            201,
            json={
                "name": name,
                "version": "1.0",
                "context": f"/{name}",
                "policies": [name],
                "endpointConfig": {"endpoint_type": "http", "production_endpoints": endpoint},
                "operations": [{"target": "/menu", "verb": "GET"}],
            },
        ).json()["id"]
        published = {"apiId": api, "action": "Publish"}
        publisher.send("POST", "/apis/change-lifecycle", params=published)
        wish = {"name": name, "throttlingPolicy": "Unlimited"}
        application = developer.send("POST", "/applications", 201, json=wish).json()
        wish = {"apiId": api, "applicationId": application["applicationId"]}
        developer.send("POST", "/subscriptions", 201, json={**wish, "throttlingPolicy": name})
        keys = developer.send(
            "POST",
            f"/applications/{application['applicationId']}/generate-keys",
            json={"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]},
        ).json()
        token = stack.http.post(
            f"{stack.endpoints['token']}/oauth2/token",
            auth=(keys["consumerKey"], keys["consumerSecret"]),
            data={"grant_type": "client_credentials"},
        ).json()["access_token"]
        time.sleep(CACHE_SECONDS)
        return lambda: stack.call(f"/{name}/1.0/menu", token)

    return make


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_every_answer_tells_what_is_left(
    subscribed: Callable[[dict[str, Any]], Calling],
) -> None:
    call = subscribed(per_day(3))
    for left in (2, 1, 0):
        answer = call()
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"subscription";q=3;w=86400'
        assert answer.headers["ratelimit"].startswith(f'"subscription";r={left};t=')
    refused = call()
    assert code(refused) == (429, "900804")
    assert refused.headers["ratelimit"] == f'"subscription";r=0;t={refused.headers["retry-after"]}'
    assert refused.json()["nextAccessTime"].endswith("00:00:00+0000 UTC")


def test_a_burst_is_refused_for_a_minute(
    subscribed: Callable[[dict[str, Any]], Calling],
) -> None:
    call = subscribed({**per_day(1000), "rateLimitCount": 3, "rateLimitTimeUnit": "min"})
    answers = [call() for _ in range(8)]
    refused = [one for one in answers if one.status_code != 200]
    # Two windows at most: eight calls take less than a minute.
    assert len(refused) >= 2
    assert {code(one) for one in refused} == {(429, "900807")}
    assert all(0 < int(one.headers["retry-after"]) <= 60 for one in refused)


def test_bytes_are_counted_and_their_limit_holds(
    subscribed: Callable[[dict[str, Any]], Calling],
) -> None:
    amount = {"timeUnit": "days", "unitTime": 1, "dataAmount": 1, "dataUnit": "KB"}
    call = subscribed({"defaultLimit": {"type": "BANDWIDTHLIMIT", "bandwidth": amount}})
    first = call()
    assert first.status_code == 200
    assert first.headers["ratelimit-policy"] == '"subscription";q=1024;qu="content-bytes";w=86400'
    until = time.monotonic() + 40
    sent = len(first.content)
    while (answer := call()).status_code == 200:
        sent += len(answer.content)
        assert time.monotonic() < until
        time.sleep(0.05)
    assert code(answer) == (429, "900804")
    assert sent >= 1000  # but for the hundredth that may wait to be counted
    time.sleep(SECONDS)
    assert code(call()) == (429, "900804")
