"""The lifecycle function on the embedded AWS: state, gateway tables and routes together."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from functions.lifecycle import handler as function
from portico.domain.api import Api, ApiCard, HistoryEntry, NameClaim, Resource, Revision, card_of
from portico.domain.gateway import Deployment
from portico.domain.operations import AuditEntry
from portico.domain.records import Create
from portico.gateway.routes import HttpApiRoutes
from portico.services.outbox import Outbox
from portico.services.route_quota import in_use
from tests.conftest import REGION, Aws
from tests.events import Context

BACKEND = "http://127.0.0.1:8290/pizza"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def http_api(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApiRoutes]:
    client = boto3.client("apigatewayv2", region_name=REGION)
    api_id = client.create_api(Name="test", ProtocolType="HTTP")["ApiId"]
    monkeypatch.setenv("PORTICO_HTTP_API_ID", api_id)
    monkeypatch.setenv("PORTICO_AUTHORIZER_ID", "auth01")
    function.wiring.cache_clear()
    yield HttpApiRoutes(client, api_id, "auth01")
    function.wiring.cache_clear()
    client.close()


@pytest.fixture
def ask(http_api: HttpApiRoutes) -> Ask:
    def call(api: Api, event: str, **more: Any) -> dict[str, Any]:
        request = {
            "request": "transition",
            "tenant": api.tenant,
            "api_id": api.id,
            "event": event,
            "checklist": {},
            "user": "jane",
            "roles": ["Internal/publisher"],
            **more,
        }
        return function.handler(request, Context())

    return call


@pytest.fixture
def pizza(aws: Aws) -> Api:
    return stored(aws, f"pizza-{time.time_ns()}")


def stored(aws: Aws, name: str, **fields: Any) -> Api:
    api = Api(
        tenant="carbon.super",
        id=name,
        name=name,
        version="1.0.0",
        context=f"/{name}",
        provider="jane",
        production_endpoint=BACKEND,
        policies=("Gold",),
        resources=(Resource("/menu", "GET"),),
    )
    api = replace(api, **fields)
    claim = NameClaim(tenant=api.tenant, name=api.name, version=api.version, api_id=api.id)
    aws.records.commit(Create(api), Create(card_of(api)), Create(claim))
    return replace(api, stamp=1)


def of(aws: Aws, api: Api) -> Api:
    found = aws.records.get(Api, tenant=api.tenant, id=api.id)
    assert found
    return found


def deployment(aws: Aws, api: Api) -> Deployment | None:
    return aws.records.get(Deployment, tenant=api.tenant, prefix=api.full_context)


def route_keys(http_api: HttpApiRoutes) -> list[str]:
    return sorted(route["RouteKey"] for route in http_api._routes())


def test_publishing_makes_and_deploys_a_revision(aws: Aws, ask: Ask, pizza: Api) -> None:
    answer = ask(pizza, "Publish")

    assert answer["ok"]["state"] == "Published"
    assert answer["ok"]["previous"] == "Created"
    assert {"event": "Block", "targetState": "Blocked"} in answer["ok"]["availableTransitions"]
    found = deployment(aws, pizza)
    assert found
    assert (found.state, found.production_endpoint) == ("PUBLISHED", BACKEND)
    assert found.resources == [["/menu", "GET", "Application & Application User", [], "Unlimited"]]
    revisions = aws.records.list(Revision, tenant=pizza.tenant, api_id=pizza.id)
    assert [(one.number, one.deployed > 0) for one in revisions] == [(1, True)]
    card = aws.records.get(ApiCard, tenant=pizza.tenant, id=pizza.id)
    assert card
    assert card.state == "PUBLISHED"
    assert card.stamp == 2
    history = aws.records.list(HistoryEntry, tenant=pizza.tenant, api_id=pizza.id)
    assert [(one.previous_state, one.post_state, one.user) for one in history] == [
        ("CREATED", "PUBLISHED", "jane")
    ]


def test_with_propagation_unticked_nothing_is_deployed(aws: Aws, ask: Ask, pizza: Api) -> None:
    answer = ask(pizza, "Publish", checklist={"Propagate Changes to API Gateway": False})

    assert answer["ok"]["state"] == "Published"
    assert of(aws, pizza).state == "PUBLISHED"
    assert deployment(aws, pizza) is None


def test_blocking_and_retiring_reach_the_gateway(aws: Aws, ask: Ask, pizza: Api) -> None:
    ask(pizza, "Publish")
    ask(pizza, "Block")
    found = deployment(aws, pizza)
    assert found
    assert found.state == "BLOCKED"
    ask(pizza, "Deprecate")
    assert ask(pizza, "Retire")["ok"]["availableTransitions"] == []
    assert deployment(aws, pizza) is None
    assert of(aws, pizza).deployed_revision == ""


def test_a_user_without_the_role_changes_nothing(aws: Aws, ask: Ask, pizza: Api) -> None:
    answer = ask(pizza, "Publish", roles=["Internal/creator", "Internal/subscriber"])

    assert answer["error"]["type"] == "Forbidden"
    assert "Internal/publisher" in answer["error"]["message"]
    assert of(aws, pizza).state == "CREATED"


def test_publishing_names_everything_that_is_missing(aws: Aws, ask: Ask) -> None:
    bare = stored(aws, f"bare-{time.time_ns()}", production_endpoint="", policies=())

    answer = ask(bare, "Publish")

    assert answer["error"]["type"] == "InvalidInput"
    assert [field for field, _ in answer["error"]["problems"]] == ["endpointConfig", "policies"]
    assert of(aws, bare).state == "CREATED"


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"api_id": "nowhere"}, "NotFound", None),
        ({"tenant": "acme.com"}, "NotFound", None),
        ({"event": "Retire"}, "TransitionRefused", None),
        ({"event": "Explode"}, "InvalidInput", "action"),
        ({"checklist": {"Make coffee": True}}, "InvalidInput", "lifecycleChecklist"),
        ({"checklist": {"Require Re-Subscription": "yes"}}, "InvalidInput", "lifecycleChecklist"),
        ({"checklist": [1]}, "InvalidInput", "lifecycleChecklist"),
        ({"user": ""}, "InvalidInput", "user"),
        ({"roles": "admin"}, "InvalidInput", "roles"),
        ({"stamp": True}, "InvalidInput", "stamp"),
        ({"stamp": 7}, "Stale", None),
        ({"request": "dance"}, "InvalidInput", "request"),
    ],
    ids=lambda value: str(value),
)
def test_bad_requests_change_nothing(
    aws: Aws, ask: Ask, pizza: Api, change: dict[str, Any], kind: str, field: str | None
) -> None:
    more = {"event": "Publish", **change}
    answer = ask(pizza, more.pop("event"), **more)

    assert answer["error"]["type"] == kind
    assert [name for name, _ in answer["error"]["problems"]] == ([field] if field else [])
    assert of(aws, pizza) == pizza


def test_a_pass_through_api_has_a_route_while_it_is_callable(
    aws: Aws, ask: Ask, http_api: HttpApiRoutes
) -> None:
    api = stored(aws, f"through-{time.time_ns()}", delivery="pass-through")
    expected = [f"ANY {api.full_context}", f"ANY {api.full_context}/{{proxy+}}"]

    assert ask(api, "Publish")["ok"]["pending"] == 0
    assert route_keys(http_api) == expected
    ask(api, "Block")
    assert route_keys(http_api) == []
    ask(api, "Re-Publish")
    assert route_keys(http_api) == expected
    ask(api, "Demote to Created")
    assert route_keys(http_api) == []
    ask(api, "Deploy as a Prototype")
    ask(api, "Publish")
    ask(api, "Deprecate")
    assert route_keys(http_api) == expected
    ask(api, "Retire")
    assert route_keys(http_api) == []
    assert http_api._integrations("portico:") == []


def test_the_schedule_works_the_outbox(aws: Aws, ask: Ask, http_api: HttpApiRoutes) -> None:
    api = stored(aws, f"through-{time.time_ns()}", delivery="pass-through")
    wired = function.wiring()
    wired.transitions.change(
        _publisher(api), api.id, "Publish", {}
    )  # as if the function had died right after the commit
    assert route_keys(http_api) == []

    answer = function.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, Context())

    assert answer["ok"]["failed"] == 0
    assert len(route_keys(http_api)) == 2
    assert Outbox(aws.records, wired.clock).pending(api.tenant) == []


def test_the_other_schedule_repairs_what_was_changed_by_hand(
    aws: Aws, ask: Ask, http_api: HttpApiRoutes
) -> None:
    api = stored(aws, f"through-{time.time_ns()}", delivery="pass-through")
    ask(api, "Publish")
    bare = stored(aws, f"own-{time.time_ns()}", delivery="pass-through")
    ask(bare, "Publish", checklist={"Propagate Changes to API Gateway": False})
    client = http_api.client
    on: dict[str, Any] = {"ApiId": http_api.http_api_id}
    made = client.create_integration(
        **on, IntegrationType="HTTP_PROXY", IntegrationMethod="ANY", IntegrationUri=BACKEND,
        PayloadFormatVersion="1.0",
    )["IntegrationId"]  # fmt: skip
    by_hand = client.create_route(
        **on, RouteKey=f"ANY {bare.full_context}", Target=f"integrations/{made}"
    )
    routes = {route["RouteKey"]: route for route in http_api._routes()}
    client.update_route(
        **on, RouteId=routes[f"ANY {api.full_context}"]["RouteId"], AuthorizationType="NONE"
    )
    client.delete_route(**on, RouteId=routes[f"ANY {api.full_context}/{{proxy+}}"]["RouteId"])

    answer = function.handler({"request": "reconcile"}, Context())

    assert answer == {"ok": {"done": 1, "failed": 0}}
    after = {route["RouteKey"]: route for route in http_api._routes()}
    for key in (f"ANY {api.full_context}", f"ANY {api.full_context}/{{proxy+}}"):
        assert (after[key]["AuthorizationType"], after[key]["AuthorizerId"]) == ("CUSTOM", "auth01")
    untouched = after[f"ANY {bare.full_context}"]
    assert (untouched["RouteId"], untouched["Target"], untouched["AuthorizationType"]) == (
        by_hand["RouteId"],
        f"integrations/{made}",
        "NONE",
    )
    day = datetime.fromtimestamp(function.wiring().clock.now(), UTC).date().isoformat()
    audited = [
        entry
        for entry in aws.records.list(AuditEntry, tenant=api.tenant, day=day)
        if (entry.action, entry.subject) == ("repair-route", api.id)
    ]
    assert [entry.before["drift"] for entry in audited] == [
        [f"ANY {api.full_context}: authorizer", f"ANY {api.full_context}/{{proxy+}}: no route"]
    ]
    use = in_use(aws.records)
    assert use
    assert (use.other_routes, use.other_integrations) == (1, 1)


def _publisher(api: Api) -> Any:
    from portico.domain.user import Caller

    return Caller(api.tenant, "jane", ("Internal/publisher",))
