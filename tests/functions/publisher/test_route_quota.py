"""What publishers see of the HTTP API's quotas: a warning in time, and a refusal that helps."""

from typing import Any

import pytest

from functions.publisher.handler import ROUTES
from functions.publisher.pages import PAGES
from functions.publisher.pages import apis as api_pages
from functions.publisher.pages import lifecycle as lifecycle_pages
from portico.domain.http_api import HttpApiUse
from portico.domain.records import Put
from portico.services.route_quota import in_use
from portico.web.contract import contract
from portico.web.rest import rest_app
from tests.functions.publisher.conftest import Publisher
from tests.functions.publisher.test_lifecycle_tab import Console

THROUGH = [{"name": "portico_delivery", "value": "pass-through"}]


@pytest.fixture
def console(publisher: Publisher) -> Console:
    pages = [one.router for one in (api_pages, lifecycle_pages)]
    routes = [*(one.router for one in ROUTES), *pages]
    publisher.app = rest_app([contract("publisher")], routes, PAGES.error)
    return Console(publisher)


def taken(publisher: Publisher, apis: int) -> None:
    use = HttpApiUse(tenant="*", apis=apis, other_routes=10, other_integrations=2)
    publisher.records.commit(Put(use))


def counted(publisher: Publisher) -> int:
    found = in_use(publisher.records)
    assert found
    return found.apis


def deployed(publisher: Publisher, made: dict[str, Any], expect: int) -> dict[str, Any]:
    where = f"/apis/{made['id']}"
    revision = publisher.call("POST", f"{where}/revisions", {}, expect=201).json
    query, body = {"revisionId": revision["id"]}, [{"name": "Default"}]
    answer: dict[str, Any] = publisher.call(
        "POST", f"{where}/deploy-revision", body, query=query, expect=expect
    ).json
    return answer


def test_at_the_limit_a_deployment_is_refused_with_the_way_out(publisher: Publisher) -> None:
    made = publisher.create(additionalProperties=THROUGH)
    taken(publisher, 145)

    refused = deployed(publisher, made, expect=400)

    assert "300 of at most 300 routes" in str(refused)
    assert "mediated" in str(refused)
    assert counted(publisher) == 145
    taken(publisher, 144)
    deployed(publisher, made, expect=201)
    assert counted(publisher) == 145


def test_a_deleted_api_gives_its_room_back(publisher: Publisher) -> None:
    taken(publisher, 3)
    made = publisher.create(additionalProperties=THROUGH)
    deployed(publisher, made, expect=201)
    assert counted(publisher) == 4
    publisher.call("DELETE", f"/apis/{made['id']}", expect=200)
    assert counted(publisher) == 3


@pytest.mark.parametrize(
    ("apis", "status", "warned"), [(128, 200, False), (129, 200, True), (145, 400, True)]
)
def test_the_preview_warns_of_what_will_nearly_be_used_up(
    console: Console, apis: int, status: int, warned: bool
) -> None:
    made = console.publisher.create(additionalProperties=THROUGH, policies=["Gold"])
    taken(console.publisher, apis)

    fields = {"event": "Publish", "item:Propagate Changes to API Gateway": "true"}
    page = console.send("POST", f"/apis/{made['id']}/lifecycle/preview", fields)

    assert page["statusCode"] == status
    # The warning counts what comes; at the limit itself, the refusal is foretold.
    assert ("300 routes" in page["body"]) == warned
    assert counted(console.publisher) == apis


def test_the_page_of_a_pass_through_api_warns_and_others_do_not(console: Console) -> None:
    made = console.publisher.create(additionalProperties=THROUGH)
    taken(console.publisher, 140)
    assert "290 of 300 routes" in console.send("GET", f"/apis/{made['id']}")["body"]
    console.publisher.call(
        "PUT", f"/apis/{made['id']}", {**made, "additionalProperties": []}, expect=200
    )
    assert "of 300 routes" not in console.send("GET", f"/apis/{made['id']}")["body"]
