"""Scopes in words: OpenID Connect's, those of the REST APIs, those of the application's APIs."""

from portico.domain.application import Client, Secret
from portico.domain.claims import OIDC_SCOPES
from portico.domain.gateway import Deployment, Grant
from portico.domain.records import Put
from portico.services.consenting import PLAIN, permissions
from tests.fakes import FakeRecords

TENANT = "carbon.super"
CLIENT = Client(
    tenant=TENANT,
    client_id="app",
    name="App",
    owner="jane",
    secrets=(Secret("1", "digest"),),
    grant_types=(),
    application_id="a-1",
)


def deployed(name: str, wording: dict[str, str]) -> list[Put]:
    """An API, and the application's subscription to it."""
    prefix = f"/{name}/1.0"
    deployment = Deployment(
        tenant=TENANT,
        prefix=prefix,
        api_id=name,
        name=name,
        version="1.0",
        context=prefix,
        provider="publisher",
        state="Published",
        revision_id="r",
        resources=[],
        scopes={"order": ["admin"], "read": []},
        wording=wording,
    )
    grant = Grant(
        tenant=TENANT,
        application_id="a-1",
        prefix=prefix,
        api_id=name,
        subscription_id=name,
        status="UNBLOCKED",
        policy="Gold",
    )
    return [Put(deployment), Put(grant)]


def test_all_scopes_of_openid_connect_have_words() -> None:
    assert set(PLAIN) == set(OIDC_SCOPES)


def test_scopes_of_the_rest_apis_are_one_thing() -> None:
    found = permissions(FakeRecords(), CLIENT, ["openid", "apim:subscribe", "apim:app_manage"])
    assert [one.names for one in found] == [("openid",), ("apim:subscribe", "apim:app_manage")]


def test_an_apis_scope_is_told_in_its_publishers_words() -> None:
    records = FakeRecords()
    records.commit(*deployed("Pizza", {"order": "Order pizzas"}), *deployed("Menu", {}))
    order, read = permissions(records, CLIENT, ["order", "read"])
    assert (order.text, order.source) == ("Order pizzas", "Menu, Pizza")
    # Nobody described it: its name has to do.
    assert (read.text, read.source) == ("read", "Menu, Pizza")


def test_a_scope_that_no_api_declares_is_told_by_its_name() -> None:
    (found,) = permissions(FakeRecords(), CLIENT, ["else"])
    assert (found.text, found.names, found.source) == ("else", ("else",), "")
