"""Another life cycle is put in force, and the lifecycle function brings the APIs to it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from functions.lifecycle import handler as function
from portico.clock import SystemClock
from portico.domain.api import Api, ApiCard, HistoryEntry, card_of
from portico.domain.records import Create
from portico.domain.user import Caller
from portico.lifecycle import scxml
from portico.services.activating import Activating
from portico.services.lifecycles import Lifecycles
from tests.conftest import REGION, Aws
from tests.events import Context

TENANT = "settling.example"
ANNA = Caller(TENANT, "anna", ("admin",))
TEXT = scxml.default_text().decode()
PAUSED = TEXT.replace('"Blocked"', '"Paused"')


@pytest.fixture
def lifecycles(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lifecycles]:
    client = boto3.client("apigatewayv2", region_name=REGION)
    monkeypatch.setenv(
        "PORTICO_HTTP_API_ID", client.create_api(Name="settling", ProtocolType="HTTP")["ApiId"]
    )
    function.wiring.cache_clear()
    yield Lifecycles(aws.records, SystemClock())
    function.wiring.cache_clear()
    client.close()


def test_apis_follow_the_life_cycle_in_force(aws: Aws, lifecycles: Lifecycles) -> None:
    api = Api(
        tenant=TENANT,
        id=f"pizza-{time.time_ns()}",
        name="Pizza",
        version="1.0.0",
        context="/pizza",
        provider="anna",
        state="BLOCKED",
    )
    others = [replace(api, id=f"{api.id}-{n}", state="CREATED") for n in range(3)]
    for one in (api, *others):
        aws.records.commit(Create(one), Create(card_of(one)))
    number = lifecycles.save(ANNA, PAUSED.encode()).number
    Activating(lifecycles).activate(ANNA, number, {"BLOCKED": "Paused"})

    answer = function.handler({"request": "outbox"}, Context())

    assert not answer["ok"]["failed"]
    moved = aws.records.get(Api, tenant=TENANT, id=api.id)
    card = aws.records.get(ApiCard, tenant=TENANT, id=api.id)
    assert moved
    assert card
    assert (moved.state, card.state) == ("PAUSED", "PAUSED")
    assert len(aws.records.list(HistoryEntry, tenant=TENANT, api_id=api.id)) == 1
    for one in others:
        kept = aws.records.get(Api, tenant=TENANT, id=one.id)
        assert kept
        assert (kept.state, kept.stamp) == ("CREATED", 1)
    # What the document says is what the function goes by.
    request = {
        "request": "transition",
        "tenant": TENANT,
        "api_id": api.id,
        "event": "Deprecate",
        "checklist": {},
        "user": "anna",
        "roles": ["Internal/publisher"],
    }
    assert function.handler(request, Context())["ok"]["state"] == "Deprecated"


def test_only_executors_that_there_are_resolve(
    lifecycles: Lifecycles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "house_hooks.py").write_text(
        "class Note:\n    def execute(self, transition, parameters):\n        pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PORTICO_PLUGIN_PACKAGES", "house_hooks")
    function.wiring.cache_clear()

    def resolves(name: str) -> bool:
        answer = function.handler({"request": "resolves", "name": name}, Context())
        return bool(answer["ok"]["resolves"])

    assert resolves("house_hooks.Note")
    assert resolves("Webhook")
    assert not resolves("house_hooks.Other")
    assert not resolves("os.system")
