"""The pages of an application's keys, without a script, through the store's real handler."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from lxml import html

from functions.store import handler as function
from functions.store.pages.key_forms import WORDS
from portico.domain.application import Client, KeyMapping
from portico.domain.grant_types import GRANT_TYPES
from tests.events import Context, function_url_event
from tests.functions.store.conftest import Store

TENANT = "carbon.super"
FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
SERVER = {"grant:client_credentials": "on", "client": "confidential"}
BACK = "https://app.example/back"
MOBILE = {"grant:authorization_code": "on", "client": "public", "callbacks": BACK}


def send(
    store: Store,
    method: str,
    path: str,
    fields: dict[str, str] | None = None,
    user: str = "jane",
    headers: dict[str, str] | None = None,
) -> tuple[int, str, dict[str, str]]:
    event = function_url_event(
        method,
        path,
        body=urlencode(fields or {}) if method == "POST" else None,
        headers=headers or (FORM if method == "POST" else {}),
        cookies=[store.cookies[user]],
    )
    answer = function.handler(event, Context())
    found = {str(name).lower(): str(value) for name, value in answer["headers"].items()}
    return answer["statusCode"], answer["body"], found


@pytest.fixture
def address(store: Store) -> str:
    """The page of the production keys of a new application."""
    body = {"name": f"pages {uuid4()}", "throttlingPolicy": "Unlimited"}
    application = store.ok("POST", "/applications", body=body)["applicationId"]
    return f"/applications/{application}/keys/PRODUCTION"


def client_of(store: Store, address: str) -> Client:
    application = address.split("/")[2]
    (mapping,) = store.records.list(KeyMapping, tenant=TENANT, application_id=application)
    client = store.records.get(Client, tenant=TENANT, client_id=mapping.client_id)
    assert client is not None
    return client


def facts(page: str) -> dict[str, str]:
    found = html.fromstring(page)
    names = [one.text_content() for one in found.cssselect("dl.facts dt")]
    return dict(
        zip(names, [one.text_content() for one in found.cssselect("dl.facts dd")], strict=True)
    )


def test_keys_are_generated_and_their_secret_shown_once(store: Store, address: str) -> None:
    status, page, headers = send(store, "POST", address, SERVER)

    assert status == 200
    assert headers["cache-control"] == "no-store"
    secret = facts(page)["Consumer secret"]
    assert (
        f"-u '{client_of(store, address).client_id}:{secret}'"
        in html.fromstring(page).text_content()
    )
    again = send(store, "GET", address)[1]
    assert secret not in again
    assert client_of(store, address).client_id in again


def test_the_form_offers_every_grant_type_with_words(store: Store, address: str) -> None:
    page = html.fromstring(send(store, "GET", address)[1])

    boxes = [one.get("name") for one in page.cssselect("input[type=checkbox]")]
    assert {f"grant:{name}" for name in GRANT_TYPES} <= set(boxes)
    assert set(WORDS) == set(GRANT_TYPES)


def test_settings_are_changed_and_shown_as_they_are(store: Store, address: str) -> None:
    send(store, "POST", address, SERVER)
    fields = {
        "grant:authorization_code": "on",
        "grant:client_credentials": "on",
        "callbacks": f"{BACK}\r\ncom.example.app:/back",
        "client": "confidential",
        "pkce": "on",
        "application_validity": "60",
        "user_validity": "120",
        "refresh_validity": "180",
        "scopes": "openid order",
    }
    status, _, headers = send(store, "POST", address, fields)

    assert (status, headers["location"]) == (303, address)
    client = client_of(store, address)
    assert client.redirect_uris == (BACK, "com.example.app:/back")
    assert (client.validity("client_credentials"), client.token_validity) == (60, 120)
    assert (client.refresh_validity, client.scopes) == (180, ("openid", "order"))
    assert client.require_pkce
    page = html.fromstring(send(store, "GET", address)[1])
    assert page.get_element_by_id("callbacks").text_content().split() == [
        BACK,
        "com.example.app:/back",
    ]
    ticked = {one.get("name") for one in page.cssselect("input[checked]")}
    assert ticked == {"grant:authorization_code", "grant:client_credentials", "client", "pkce"}
    assert "code_challenge_method=S256" in page.text_content()


def test_a_refused_form_says_why_and_keeps_what_was_typed(store: Store, address: str) -> None:
    fields = {**MOBILE, "callbacks": "http://evil.example/<script>"}
    status, page, _ = send(store, "POST", address, fields)

    assert status == 400
    (alert,) = html.fromstring(page).cssselect("[role=alert]")
    assert "Callback URLs" in alert.text_content()
    assert "<script>" not in page
    assert (
        "http://evil.example/<script>"
        in html.fromstring(page).get_element_by_id("callbacks").text_content()
    )
    application = address.split("/")[2]
    assert store.records.list(KeyMapping, tenant=TENANT, application_id=application) == []


def test_a_public_application_has_no_secret_and_no_section_about_them(
    store: Store, address: str
) -> None:
    page = send(store, "POST", address, MOBILE)[1]

    assert "Consumer secret" not in facts(page)
    assert not html.fromstring(page).cssselect("#secrets")
    assert f"client_id={client_of(store, address).client_id}" in page


def test_a_secret_is_added_and_the_old_one_revoked(store: Store, address: str) -> None:
    send(store, "POST", address, SERVER)
    (old,) = client_of(store, address).secrets
    fields = {"description": "from <May> on", "lifetime": "90"}
    page = send(store, "POST", f"{address}/secrets", fields)[1]

    assert len(facts(page)["Consumer secret"]) >= 32
    assert "from &lt;May&gt; on" in page
    _, new = client_of(store, address).secrets
    assert new.expires == new.created + 90 * 86400
    status, _, headers = send(store, "POST", f"{address}/secrets/{old.id}/revoke")
    assert (status, headers["location"]) == (303, f"{address}#secrets")
    assert client_of(store, address).secrets == (new,)
    send(store, "POST", f"{address}/secrets/{new.id}/revoke")
    assert "There is no secret" in send(store, "GET", address)[1]


@pytest.mark.parametrize(
    "fields", [{"lifetime": "-1"}, {"lifetime": "x"}, {"description": "x" * 256}]
)
def test_a_bad_secret_changes_nothing(store: Store, address: str, fields: dict[str, str]) -> None:
    send(store, "POST", address, SERVER)
    status, page, _ = send(store, "POST", f"{address}/secrets", fields)

    assert status == 400
    assert "Nothing was changed" in page
    assert len(client_of(store, address).secrets) == 1


def test_all_secrets_are_replaced_and_the_keys_removed(store: Store, address: str) -> None:
    send(store, "POST", address, SERVER)
    (old,) = client_of(store, address).secrets
    page = send(store, "POST", f"{address}/regenerate")[1]
    (new,) = client_of(store, address).secrets
    assert new.id != old.id
    assert len(facts(page)["Consumer secret"]) >= 32
    assert send(store, "POST", f"{address}/remove")[0] == 303
    assert "Generate the keys" in send(store, "GET", address)[1]


def test_the_token_type_is_chosen_on_the_applications_page(store: Store, address: str) -> None:
    send(store, "POST", address, SERVER)
    application = "/".join(address.split("/")[:3])
    status, _, headers = send(store, "POST", f"{application}/token-type", {"token_type": "OAUTH"})
    assert (status, headers["location"]) == (303, application)
    assert client_of(store, address).opaque
    page = html.fromstring(send(store, "GET", application)[1])
    (selected,) = page.cssselect("option[selected]")
    assert selected.get("value") == "OAUTH"
    assert send(store, "POST", f"{application}/token-type", {"token_type": "SAML"})[0] == 400


@pytest.mark.parametrize("path", ["", "/secrets", "/secrets/any/revoke", "/regenerate", "/remove"])
def test_forms_of_other_sites_and_other_users_do_nothing(
    store: Store, address: str, path: str
) -> None:
    send(store, "POST", address, SERVER)
    before = client_of(store, address)
    foreign: dict[str, Any] = {**FORM, "sec-fetch-site": "cross-site"}
    assert send(store, "POST", address + path, SERVER, headers=foreign)[0] == 403
    assert send(store, "POST", address + path, SERVER, user="joe")[0] == 404
    assert client_of(store, address) == before


def test_an_unknown_key_type_is_not_found(store: Store, address: str) -> None:
    assert send(store, "GET", address.replace("PRODUCTION", "STAGING"))[0] == 404
