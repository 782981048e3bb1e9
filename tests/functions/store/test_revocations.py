"""Ending all tokens of an application or a subscription, by REST and by page."""

import uuid

import pytest

from functions.store import handler as function
from portico.domain.gateway import GatewayApplication, Grant
from tests.events import Context, function_url_event
from tests.functions.store.conftest import Store
from tests.functions.store.test_subscriptions import TENANT, wish


@pytest.fixture
def application(store: Store) -> str:
    body = {"name": f"Ended {uuid.uuid4().hex[:8]}", "throttlingPolicy": "Unlimited"}
    return str(store.ok("POST", "/applications", body=body)["applicationId"])


def seen(store: Store, application: str) -> GatewayApplication:
    found = store.records.get(GatewayApplication, tenant=TENANT, application_id=application)
    assert found is not None
    return found


def test_all_tokens_of_an_application_end(store: Store, application: str) -> None:
    answer = store.call("POST", f"/applications/{application}/revoke-tokens")
    assert answer.status == 200
    assert answer.body == {
        "applicationId": application,
        "revokedUntil": seen(store, application).since,
    }
    assert answer.body["revokedUntil"] > 0


def test_an_update_does_not_revive_them(store: Store, application: str) -> None:
    store.ok("POST", f"/applications/{application}/revoke-tokens")
    since = seen(store, application).since
    body = {"name": f"New {application}", "throttlingPolicy": "Unlimited"}
    store.ok("PUT", f"/applications/{application}", body=body)
    assert seen(store, application).since == since


def test_the_tokens_of_a_subscription_end(store: Store, application: str) -> None:
    made = store.ok("POST", "/subscriptions", body=wish(application))
    answer = store.call("POST", f"/subscriptions/{made['subscriptionId']}/revoke-tokens")
    (grant,) = store.records.list(Grant, tenant=TENANT, application_id=application)
    assert answer.status == 200
    assert grant.since == answer.body["revokedUntil"] > 0
    assert seen(store, application).since == 0


@pytest.mark.parametrize("user", ["joe", "", "jane@acme.com"])
def test_those_of_another_are_not_to_be_ended(store: Store, application: str, user: str) -> None:
    made = store.ok("POST", "/subscriptions", body=wish(application))
    expected = {404, 403} if user else {401}
    for path in (f"/applications/{application}", f"/subscriptions/{made['subscriptionId']}"):
        assert store.call("POST", f"{path}/revoke-tokens", user).status in expected
    assert seen(store, application).since == 0


def page(store: Store, method: str, path: str, site: str = "same-origin") -> tuple[int, str]:
    """A page of the console as Jane's browser asks for it."""
    event = function_url_event(
        method,
        path,
        headers={"sec-fetch-site": site, "content-type": "application/x-www-form-urlencoded"},
        cookies=[store.cookies["jane"]],
    )
    answer = function.handler(event, Context("store"))
    return answer["statusCode"], answer.get("body") or ""


def test_the_page_ends_them_and_says_so(store: Store, application: str) -> None:
    path = f"/applications/{application}"
    made = store.ok("POST", "/subscriptions", body=wish(application))
    assert "are revoked" not in page(store, "GET", path)[1]
    assert page(store, "POST", f"{path}/revoke-tokens")[0] == 303
    assert seen(store, application).since > 0
    assert "are revoked" in page(store, "GET", path)[1]
    address = f"{path}/subscriptions/{made['subscriptionId']}/revoke-tokens"
    assert address in page(store, "GET", path)[1]
    assert page(store, "POST", address)[0] == 303
    (grant,) = store.records.list(Grant, tenant=TENANT, application_id=application)
    assert grant.since > 0


def test_another_sites_form_does_not_end_them(store: Store, application: str) -> None:
    path = f"/applications/{application}/revoke-tokens"
    assert page(store, "POST", path, "cross-site")[0] == 403
    assert seen(store, application).since == 0
