"""The publisher goes by the life cycle that its tenant has put in force."""

import pytest
from lxml import html

from functions.publisher.pages import PAGES, lifecycle
from portico.domain.user import ADMIN, Caller
from portico.lifecycle import scxml
from portico.services.activating import Activating
from portico.web.contract import contract
from portico.web.rest import rest_app
from tests.events import Context, function_url_event
from tests.functions.publisher.conftest import TENANT, FakeCallers, Publisher

ANNA = Caller(TENANT, "admin", (ADMIN,))
DRAFT = (
    scxml.default_text()
    .decode()
    .replace('initialstate="Created"', 'initialstate="Draft"')
    .replace(
        '<state id="Retired"/>',
        '<state id="Retired"/><state id="Draft"><datamodel>'
        '<data name="behaviour" listed="true"/></datamodel>'
        '<transition event="Finish" target="Created"/></state>',
    )
)


TEXTS = {"en": {"finish": "Hand it over"}, "de": {"finish": "Abgeben"}}


def in_force(publisher: Publisher) -> None:
    lifecycles = publisher.wiring.lifecycles
    Activating(lifecycles).activate(ANNA, lifecycles.save(ANNA, DRAFT.encode(), TEXTS).number)


def test_an_api_begins_in_the_first_state_with_its_behaviour(publisher: Publisher) -> None:
    in_force(publisher)
    made = publisher.create()
    assert made["lifeCycleStatus"] == "DRAFT"
    api = publisher.wiring.publishing.show(ANNA, made["id"])
    assert api.behaviour
    assert api.behaviour.listed
    state = publisher.call("GET", f"/apis/{made['id']}/lifecycle-state", expect=200).json
    assert state["availableTransitions"] == [{"event": "Finish", "targetState": "Created"}]


def test_an_event_of_the_tenant_leads_on(publisher: Publisher) -> None:
    in_force(publisher)
    made = publisher.create()
    query = {"apiId": made["id"], "action": "Finish"}
    publisher.call("POST", "/apis/change-lifecycle", query=query, expect=200)
    assert publisher.call("GET", f"/apis/{made['id']}").json["lifeCycleStatus"] == "CREATED"


def test_another_tenant_keeps_the_default(publisher: Publisher) -> None:
    in_force(publisher)
    other = publisher.as_user("jane", ADMIN, tenant="acme.com")
    assert other.create(context="/other")["lifeCycleStatus"] == "CREATED"


@pytest.mark.parametrize(
    ("language", "text"),
    [("de-CH,de;q=0.9,en;q=0.5", "Abgeben"), ("fr", "Hand it over")],
)
def test_the_tab_has_the_tenants_own_labels(publisher: Publisher, language: str, text: str) -> None:
    in_force(publisher)
    path = f"/apis/{publisher.create()['id']}/lifecycle"
    pages = rest_app([contract("publisher")], [lifecycle.router], PAGES.error)
    pages.append_context(services=publisher.wiring, callers=FakeCallers(publisher.caller))
    event = function_url_event("GET", path, headers={"accept-language": language})
    answer = pages.resolve(event, Context())
    assert answer["statusCode"] == 200
    assert text in html.fromstring(answer["body"]).text_content()
