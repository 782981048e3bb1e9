"""API keys by REST and by page, for an application whose keys are random texts."""

import uuid
from typing import Any

import pytest
from lxml import html

from portico.domain.gateway import GatewayApiKey
from portico.services.clients import digest
from tests.functions.store.conftest import Store
from tests.functions.store.test_key_pages import send

TENANT = "carbon.super"


@pytest.fixture
def application(store: Store) -> str:
    body = {
        "name": f"keys {uuid.uuid4().hex[:8]}",
        "throttlingPolicy": "Unlimited",
        "tokenType": "OAUTH",
    }
    return str(store.ok("POST", "/applications", body=body)["applicationId"])


def kept(store: Store, text: str) -> GatewayApiKey | None:
    return store.records.get(GatewayApiKey, tenant=TENANT, digest=digest(text))


def base(application: str, kind: str = "PRODUCTION") -> str:
    return f"/applications/{application}/api-keys/{kind}"


def test_a_key_from_making_to_revoking(store: Store, application: str) -> None:
    wish = {
        "keyName": "Phone",
        "validityPeriod": 3600,
        "additionalProperties": {"permittedIP": "10.0.0.0/8", "permittedReferer": ""},
    }
    answer = store.call("POST", f"{base(application)}/generate", body=wish)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.body["keyName"], answer.body["validityPeriod"]) == ("Phone", 3600)
    found = kept(store, answer.body["apikey"])
    assert found is not None
    assert found.claims["permittedIP"] == "10.0.0.0/8"

    (entry,) = store.ok("GET", base(application))["list"]
    assert entry["keyUUID"] == answer.body["keyUUID"]
    assert answer.body["apikey"] not in repr(entry)

    renewed = store.ok(
        "POST", f"{base(application)}/regenerate", body={"keyUUID": entry["keyUUID"]}
    )
    assert kept(store, answer.body["apikey"]) is None
    assert kept(store, renewed["apikey"])

    ended = store.call("POST", f"{base(application)}/revoke", body={"apikey": renewed["apikey"]})
    assert ended.status == 200
    assert kept(store, renewed["apikey"]) is None
    assert store.ok("GET", base(application))["count"] == 0


def test_the_body_may_be_left_out(store: Store, application: str) -> None:
    assert store.ok("POST", f"{base(application)}/generate")["validityPeriod"] == -1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"validityPeriod": 0}, "validityPeriod"),
        ({"validityPeriod": "60"}, "validityPeriod"),
        ({"validityPeriod": True}, "validityPeriod"),
        ({"additionalProperties": {"permittedIP": "x"}}, "permittedIP"),
        ({"additionalProperties": {"permittedIP": 5}}, "additionalProperties.permittedIP"),
        ({"additionalProperties": {"colour": "red"}}, "additionalProperties.colour"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_input_names_its_field(
    store: Store, application: str, body: dict[str, Any], field: str
) -> None:
    answer = store.call("POST", f"{base(application)}/generate", body=body)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.body["error"]]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("PRODUCTION/revoke", {}, 400),
        ("PRODUCTION/revoke", {"apikey": "a", "keyUUID": "b"}, 400),
        ("PRODUCTION/revoke", {"apikey": "unknown"}, 404),
        ("PRODUCTION/revoke", {"keyUUID": "unknown"}, 404),
        ("PRODUCTION/regenerate", {"keyUUID": "unknown"}, 404),
        ("STAGING/generate", {}, 400),
    ],
)
def test_what_is_refused(
    store: Store, application: str, path: str, body: dict[str, Any], status: int
) -> None:
    where = f"/applications/{application}/api-keys/{path}"
    assert store.call("POST", where, body=body).status == status


@pytest.mark.parametrize("user", ["joe", "", "jane@acme.com"])
def test_the_keys_of_another_are_not_to_be_had(store: Store, application: str, user: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/generate", {}),
        ("POST", "/revoke", {"apikey": "x"}),
    ):
        answer = store.call(method, base(application) + path, user, body=body)
        assert answer.status in ({404, 403} if user else {401})


def test_the_page_shows_a_new_key_once_and_ends_it(store: Store, application: str) -> None:
    address = f"/applications/{application}/api-keys"
    fields = {
        "name": "Phone <1>",
        "type": "SANDBOX",
        "lifetime": "30",
        "addresses": "10.0.0.1\n10.0.0.2",
        "referrers": "",
    }
    status, page, _ = send(store, "POST", address, fields)
    assert status == 200
    (text,) = html.fromstring(page).xpath("//pre/code/text()")
    found = kept(store, text)
    assert found is not None
    assert found.claims["permittedIP"] == "10.0.0.1,10.0.0.2"
    _, again, _ = send(store, "GET", address)
    assert text not in again
    assert "Phone &lt;1&gt;" in again
    (action,) = html.fromstring(again).xpath("//td/form/@action")
    status, _, headers = send(store, "POST", action)
    assert (status, headers["location"]) == (303, address)
    assert kept(store, text) is None


def test_the_page_names_what_is_wrong_and_keeps_what_was_typed(
    store: Store, application: str
) -> None:
    address = f"/applications/{application}/api-keys"
    fields = {"name": "mine", "type": "PRODUCTION", "lifetime": "", "addresses": "nowhere"}
    status, page, _ = send(store, "POST", address, fields)
    assert status == 400
    assert "Addresses: &#39;nowhere&#39; is no address" in page
    assert html.fromstring(page).xpath("//input[@name='name']/@value") == ["mine"]
    for wrong in ({"type": "X"}, {"lifetime": "7"}):
        assert send(store, "POST", address, {**fields, **wrong})[0] == 400
