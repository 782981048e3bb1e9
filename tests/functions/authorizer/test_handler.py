"""The authorizer's handler on real events, with its tables and secret in the embedded AWS."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from functions.authorizer import handler as authorizer
from portico.domain.backend_jwt import BackendJwtRules, GatewayUser
from portico.domain.errors import Unavailable
from portico.domain.records import Discard, Put
from tests.conftest import REGION, Aws
from tests.events import Context
from tests.functions.authorizer.world import (
    APPLICATION,
    CLIENT,
    GRANT,
    PIZZA,
    POLICIES,
    World,
    public_keys,
    secret,
)

ISSUER = "http://127.0.0.1:8280/oauth2/token"
CACHED = (
    authorizer.pipeline,
    authorizer.configuration,
    authorizer.read_model,
    authorizer.session,
    authorizer.dynamodb,
)


@pytest.fixture
def deployed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """A deployed gateway with one API and one subscription."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    made = secrets.create_secret(
        Name=f"{aws.settings.bucket}-{uuid4().hex}", SecretString=secret("ES256", 0)
    )
    secrets.close()
    monkeypatch.setenv("PORTICO_BACKEND_JWT_SECRET", made["ARN"])
    records = (PIZZA, GRANT, APPLICATION, CLIENT, POLICIES, public_keys())
    aws.records.commit(*map(Put, records))
    for each in CACHED:
        each.cache_clear()
    yield aws
    authorizer.dynamodb().close()
    aws.records.commit(*map(Discard, records))
    for each in CACHED:
        each.cache_clear()


def call(
    route: str = "$default", method: str = "GET", path: str = "/pizza/1.0.0/menu", **headers: str
) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:us-east-1:000000000000:api/$default/GET/pizza",
        "identitySource": [],
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.7"},
            "requestId": "req-1",
            "routeKey": route,
        },
    }
    answer = authorizer.handler(event, Context())
    for value in answer["context"].values():
        assert isinstance(value, str | int | float)
    assert answer["context"]["jwt"]
    json.dumps(answer)
    return answer


def token() -> str:
    world = World()
    world.clock.time = time.time()
    return world.token(iss=ISSUER)


def test_a_subscribed_call_passes_with_its_assertion(deployed: Aws) -> None:
    answer = call(Authorization=f"Bearer {token()}")
    assert answer["isAuthorized"] is True
    assert answer["context"]["jwt"].count(".") == 2
    assert answer["context"]["endpoint"] == PIZZA.production_endpoint


def test_a_refused_call_reaches_the_gateway_function_with_its_fault(deployed: Aws) -> None:
    answer = call()
    assert answer["isAuthorized"] is True
    assert answer["context"]["fault"] == "900902"
    assert answer["context"]["status"] == 401


def test_on_any_other_route_a_refusal_is_a_refusal(deployed: Aws) -> None:
    route = "ANY /pizza/1.0.0/{proxy+}"
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        call(route)
    answer = call(route, path="/pizza/1.0.0/unknown", Authorization=f"Bearer {token()}")
    assert answer["isAuthorized"] is False
    assert call(route, Authorization=f"Bearer {token()}")["isAuthorized"] is True


def test_a_refusal_carries_the_apis_cors_settings(deployed: Aws) -> None:
    deployed.records.commit(Put(replace(PIZZA, cors={"enabled": True})))
    assert json.loads(call()["context"]["cors"]) == {"enabled": True}


def test_a_database_that_is_gone_refuses(deployed: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_GATEWAY_TABLE", "no-such-table")
    answer = call(Authorization=f"Bearer {token()}")
    assert (answer["context"]["fault"], answer["context"]["status"]) == ("900900", 500)
    with pytest.raises(Unavailable):
        call("ANY /pizza/1.0.0/{proxy+}", Authorization=f"Bearer {token()}")


def test_a_secret_that_is_gone_refuses(deployed: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_BACKEND_JWT_SECRET", "no-such-secret")
    answer = call(Authorization=f"Bearer {token()}")
    assert answer["context"]["fault"] == "900900"


EMAIL = "http://wso2.org/claims/emailaddress"


@pytest.fixture
def ruled(deployed: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts rules about backend JWTs in force."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "data" / "plugins"))
    monkeypatch.setenv("PORTICO_PLUGIN_PACKAGES", "acme_plugins")
    dora = GatewayUser(tenant=PIZZA.tenant, name="dora", claims={EMAIL: "dora@acme.example"})
    rules = BackendJwtRules(tenant=PIZZA.tenant)

    def rule(**fields: Any) -> None:
        authorizer._extensions.cache_clear()
        deployed.records.commit(Put(replace(rules, **fields)), Put(dora))

    yield rule
    deployed.records.commit(Discard(rules), Discard(dora))


def test_a_tenants_rules_and_extension_are_heeded(ruled: Callable[..., None]) -> None:
    ruled(claims=(EMAIL,), extension="acme_plugins.clearance.Clearance")
    body = call(Authorization=f"Bearer {token()}")["context"]["jwt"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert claims[EMAIL] == "dora@acme.example"
    assert claims["https://acme.example/clearance"] == "public"


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("name", ["acme_plugins.faults.Raising", "portico-hook-nowhere"])
def test_an_extension_that_fails_refuses_or_is_left_out(
    ruled: Callable[..., None], every: bool, name: str
) -> None:
    ruled(extension=name, extension_every_call=every, extension_seconds=5.0)
    answer = call(Authorization=f"Bearer {token()}")
    assert (answer["context"]["fault"], answer["context"]["status"]) == ("900900", 500)
    with pytest.raises(Unavailable):
        call("ANY /pizza/1.0.0/{proxy+}", Authorization=f"Bearer {token()}")
    authorizer.read_model.cache_clear()
    ruled(extension=name, extension_every_call=every, extension_seconds=5.0, extension_open=True)
    assert call(Authorization=f"Bearer {token()}")["context"]["path"] == "/menu"


def test_only_light_packages_are_loaded() -> None:
    heavy = (
        "boto3 pynamodb cattrs lxml jinja2 pydantic httpx yaml portico.services portico.web"
        # Nor what only tenants with a gateway extension need.
        " portico.plugins functions.authorizer.extensions"
    )
    program = (
        "import sys, functions.authorizer.handler\n"
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ".:layers/common"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
