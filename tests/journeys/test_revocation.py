"""Revocation and key rotation over HTTP on the deployed stack, under the functions' own roles."""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest

from tests.deployed import ROOT, Person, Stack, eventually

MENU = "/pizza/1.0.0/menu"
CACHED = 60  # seconds: the longest that a decision may be cached


@dataclass
class Keys:
    """An application of the developer's with a subscription, and its keys."""

    stack: Stack
    application: str
    subscription: str
    credentials: tuple[str, str]

    def token(self, **fields: str) -> dict[str, Any]:
        answer = self.stack.http.post(
            f"{self.stack.endpoints['token']}/oauth2/token",
            auth=self.credentials,
            data={"grant_type": "client_credentials", **fields},
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def of_user(self, stack: Stack) -> dict[str, Any]:
        user = next(one for one in stack.endpoints["users"] if one["name"] == "creator")
        return self.token(grant_type="password", username="creator", password=user["password"])

    def refresh(self, token: str) -> int:
        return self.stack.http.post(
            f"{self.stack.endpoints['token']}/oauth2/token",
            auth=self.credentials,
            data={"grant_type": "refresh_token", "refresh_token": token},
        ).status_code

    def active(self, token: str) -> bool:
        answer = self.stack.http.post(
            f"{self.stack.endpoints['token']}/oauth2/introspect",
            auth=self.credentials,
            data={"token": token},
        )
        return bool(answer.json()["active"])


@pytest.fixture(params=["JWT", "OAUTH"])
def keys(request: pytest.FixtureRequest, stack: Stack, developer: Person) -> Keys:
    body = {
        "name": f"Revoked {secrets.token_hex(8)}",
        "throttlingPolicy": "Unlimited",
        "tokenType": request.param,
    }
    application = developer.send("POST", "/applications", 201, json=body).json()["applicationId"]
    api = stack.endpoints["demo"]["api"]["id"]
    wish = {"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited"}
    subscription = developer.send("POST", "/subscriptions", 201, json=wish).json()
    made = developer.send(
        "POST",
        f"/applications/{application}/generate-keys",
        json={
            "keyType": "PRODUCTION",
            "grantTypesToBeSupported": ["client_credentials", "password", "refresh_token"],
        },
    ).json()
    credentials = (made["consumerKey"], made["consumerSecret"])
    found = Keys(stack, application, subscription["subscriptionId"], credentials)
    eventually(lambda: stack.call(MENU, found.token()["access_token"]).status_code == 200)
    return found


def refused(stack: Stack, token: str) -> Callable[[], bool]:
    def look() -> bool:
        answer = stack.call(MENU, token)
        return answer.status_code == 401 and "900901" in answer.text

    return look


def test_revocation_by_token_rfc_7009(
    request: pytest.FixtureRequest, stack: Stack, keys: Keys
) -> None:
    token, other = keys.token()["access_token"], keys.token()["access_token"]
    # WSO2 calls applications with opaque tokens `OAUTH`.
    assert token.startswith("eyJ") == (request.node.callspec.params["keys"] == "JWT")
    assert stack.call(MENU, token).status_code == 200
    answer = stack.http.post(
        f"{stack.endpoints['token']}/oauth2/revoke", auth=keys.credentials, data={"token": token}
    )
    assert answer.status_code == 200
    assert not keys.active(token)
    eventually(refused(stack, token), CACHED)
    assert stack.call(MENU, other).status_code == 200


def test_revocation_by_application(stack: Stack, developer: Person, keys: Keys) -> None:
    token, of_user = keys.token()["access_token"], keys.of_user(stack)
    assert stack.call(MENU, of_user["access_token"]).status_code == 200
    developer.send("POST", f"/applications/{keys.application}/revoke-tokens")
    assert keys.refresh(of_user["refresh_token"]) == 400
    assert not keys.active(token)
    eventually(refused(stack, token), CACHED)
    eventually(refused(stack, of_user["access_token"]), CACHED)
    time.sleep(1)
    assert stack.call(MENU, keys.token()["access_token"]).status_code == 200


def test_revocation_by_subscription_and_subscribing_again(
    stack: Stack, developer: Person, keys: Keys
) -> None:
    first = keys.token()["access_token"]
    developer.send("POST", f"/subscriptions/{keys.subscription}/revoke-tokens")
    eventually(refused(stack, first), CACHED)
    time.sleep(1)
    second = keys.token()["access_token"]
    assert stack.call(MENU, second).status_code == 200
    developer.send("DELETE", f"/subscriptions/{keys.subscription}")
    eventually(lambda: stack.call(MENU, second).status_code == 403, CACHED)
    api = stack.endpoints["demo"]["api"]["id"]
    wish = {"applicationId": keys.application, "apiId": api, "throttlingPolicy": "Unlimited"}
    developer.send("POST", "/subscriptions", 201, json=wish)
    time.sleep(1)
    eventually(lambda: stack.call(MENU, keys.token()["access_token"]).status_code == 200)
    assert refused(stack, first)()
    assert refused(stack, second)()


def test_revocation_by_user(stack: Stack, admin: Person, keys: Keys) -> None:
    own, of_user = keys.token()["access_token"], keys.of_user(stack)
    assert stack.call(MENU, of_user["access_token"]).status_code == 200
    admin.send("POST", "/users/creator/revoke-tokens")
    assert keys.refresh(of_user["refresh_token"]) == 400
    assert not keys.active(of_user["refresh_token"])
    eventually(refused(stack, of_user["access_token"]), CACHED)
    assert stack.call(MENU, own).status_code == 200
    time.sleep(1)
    assert stack.call(MENU, keys.of_user(stack)["access_token"]).status_code == 200


def test_key_rotation_by_one_command(stack: Stack, developer: Person) -> None:
    before = developer.token
    address = f"{stack.endpoints['token']}/oauth2/jwks"
    known = {one["kid"] for one in stack.http.get(address).json()["keys"]}
    done = subprocess.run(
        [sys.executable, "-m", "tools.rotating", "local", "--state", str(stack.state)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=130,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = {one["kid"] for one in stack.http.get(address).json()["keys"]}
    assert known < after
    # One for access tokens, and one of each kind for backend JWTs.
    assert len(after) == len(known) + 3
    for kid in after - known:
        assert kid in done.stdout
    # Tokens of before hold, and those of now are still signed with a key that everybody knows.
    developer.send("GET", "/applications")
    developer.sign_in()
    assert jwt.get_unverified_header(developer.token)["kid"] in known
    assert before != developer.token


def test_the_schedule_finds_nothing_to_do_on_a_young_deployment(stack: Stack) -> None:
    events = stack.aws("events")
    rules = events.list_rules()["Rules"]
    daily = [one for one in rules if one.get("ScheduleExpression") == "rate(1 day)"]
    targets = [
        target
        for rule in daily
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    ]
    (ours,) = [one for one in targets if f"{stack.endpoints['stack']}-bootstrap" in one["Arn"]]
    answer = stack.aws("lambda").invoke(FunctionName=ours["Arn"], Payload=ours["Input"])
    assert answer["Payload"].read() == b'{"ok": {"NewKeys": ""}}'
