"""A deployed stack of its own for the journeys, and the people who use it, over real HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

ROOT = Path(__file__).parent.parent
PUBLISHER = "/api/am/publisher/v4"
STORE = "/api/am/devportal/v3"
ADMIN = "/api/am/admin/v4"
SCOPES = {
    "publisher": "apim:api_view apim:api_create apim:api_publish apim:api_manage apim:api_delete "
    "apim:subscription_view apim:subscription_block apim:tier_view apim:publisher_settings",
    "developer": "apim:subscribe apim:app_manage apim:sub_manage apim:store_settings",
    "admin": "apim:admin apim:tier_view apim:tier_manage apim:admin_settings",
}


@dataclass
class Person:
    """A user of the REST APIs: registers a client as WSO2's tools do, and calls with its token."""

    base: str
    name: str
    password: str
    gateway: str
    scopes: str
    http: httpx.Client
    token: str = ""
    granted: str = ""
    client: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> None:
        registered = self.http.post(
            f"{self.gateway}/client-registration/v0.17/register",
            auth=(self.name, self.password),
            json={
                "callbackUrl": "https://localhost/callback",
                "clientName": f"journey_{self.name}",
                "owner": self.name,
                "grantType": "password refresh_token",
                "saasApp": True,
            },
        )
        assert registered.status_code == 200, registered.text
        self.client = registered.json()
        answer = self.http.post(
            f"{self.gateway}/oauth2/token",
            auth=(self.client["clientId"], self.client["clientSecret"]),
            data={
                "grant_type": "password",
                "username": self.name,
                "password": self.password,
                "scope": self.scopes,
            },
        )
        assert answer.status_code == 200, answer.text
        self.token, self.granted = answer.json()["access_token"], answer.json()["scope"]

    def send(self, method: str, path: str, expect: int = 200, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        answer = self.http.request(method, self.base + path, headers=headers, **request)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer


@dataclass
class Stack:
    """A running Portico: its addresses and people."""

    endpoints: dict[str, Any]
    state: Path
    http: httpx.Client

    def person(self, name: str, console: str, path: str) -> Person:
        user = next(user for user in self.endpoints["users"] if user["name"] == name)
        someone = Person(
            self.endpoints[console] + path,
            name,
            user["password"],
            self.endpoints["token"],
            SCOPES[name],
            self.http,
        )
        someone.sign_in()
        return someone

    def call(
        self, path: str, token: str = "", method: str = "GET", **request: Any
    ) -> httpx.Response:
        """A call through the gateway."""
        headers = dict(request.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.request(
            method, self.endpoints["gateway"] + path, headers=headers, **request
        )

    def aws(self, service: str) -> Any:
        """A client of the embedded AWS that this stack is deployed in."""
        session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoints["aws"])


def run(state: Path, *arguments: str) -> str:
    """One command of the local platform: what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.local", *arguments, "--state", str(state)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Portico deployed from template.yaml on free ports; it ends with the tests."""
    state = tmp_path_factory.mktemp("portico")
    run(state, "up", "--detach", "--ports", "0")
    endpoints = json.loads((state / "endpoints.json").read_text())
    with httpx.Client(timeout=40) as http:
        yield Stack(endpoints, state, http)
    run(state, "down")


@pytest.fixture(scope="session")
def publisher(stack: Stack) -> Person:
    return stack.person("publisher", "publisher", PUBLISHER)


@pytest.fixture(scope="session")
def developer(stack: Stack) -> Person:
    return stack.person("developer", "store", STORE)


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Person:
    return stack.person("admin", "admin", ADMIN)


def eventually(check: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for what other functions do a moment later; fails when the time is up."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
