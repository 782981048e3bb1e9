"""The page "Backend JWT" of the admin console."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html

from functions.admin import handler
from portico.clock import SystemClock
from portico.domain.backend_jwt import BackendJwtRules
from portico.domain.records import Discard
from portico.domain.user import User
from portico.web.session import Sessions
from tests.conftest import Aws
from tests.events import Context, function_url_event
from tests.functions.admin.conftest import TENANT, Client, forget

EMAIL, GIVEN = (f"http://wso2.org/claims/{name}" for name in ("emailaddress", "givenname"))


@pytest.fixture(autouse=True)
def _afresh(aws: Aws, client: Client) -> Iterator[None]:
    aws.records.commit(Discard(BackendJwtRules(tenant=TENANT)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTICO_PLUGIN_PACKAGES", "acme_plugins")
        forget()
        yield


def send(aws: Aws, method: str, fields: Any = None, who: str = "admin") -> Any:
    user = aws.records.get(User, tenant=TENANT, name=who)
    assert user
    cookie = Sessions(aws.records, SystemClock(), secure=False).begin(user)
    form = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    event = function_url_event(
        method,
        "/backend-jwt",
        body=urlencode(fields) if fields is not None else None,
        headers=form if fields is not None else {},
        cookies=[f"{cookie.name}={cookie.value}"],
    )
    return handler.handler(event, Context())


def filled(answer: Any) -> dict[str, str]:
    """The fields that a browser would send of a form that nobody has touched."""
    page = html.fromstring(answer["body"])
    (form,) = (one for one in page.forms if one.get("action") == "/backend-jwt")
    return {name: value for name, value in form.fields.items() if value is not None}


def rules(aws: Aws) -> BackendJwtRules:
    found = aws.records.get(BackendJwtRules, tenant=TENANT)
    assert found
    return found


def test_an_untouched_form_saves_the_defaults(aws: Aws) -> None:
    shown = send(aws, "GET")
    assert shown["statusCode"] == 200
    assert send(aws, "POST", filled(shown))["statusCode"] == 303
    assert rules(aws) == BackendJwtRules(tenant=TENANT, stamp=1)


def test_what_is_saved_is_shown_again(aws: Aws) -> None:
    wanted = {
        **filled(send(aws, "GET")),
        "dialect": "urn:acme",
        "claims": f"{GIVEN}\r\n\r\n {EMAIL} ",
        "algorithm": "RS256",
        "encoding": "base64",
        "old": "on",
        "extension": "acme_plugins.clearance.Clearance",
        "extension_when": "every",
        "extension_seconds": "0.25",
        "extension_fails": "open",
    }
    assert send(aws, "POST", wanted)["statusCode"] == 303
    saved = rules(aws)
    assert (saved.dialect, saved.claims) == ("urn:acme", (GIVEN, EMAIL))
    assert (saved.algorithm, saved.encoding, saved.old) == ("RS256", "base64", True)
    assert (saved.extension_every_call, saved.extension_seconds) == (True, 0.25)
    assert saved.extension_open
    again = filled(send(aws, "GET"))
    assert send(aws, "POST", again)["statusCode"] == 303
    assert rules(aws).claims == saved.claims


def test_what_is_wrong_stays_in_the_form_and_is_explained(aws: Aws) -> None:
    given = {**filled(send(aws, "GET")), "dialect": "<b>", "extension": "os.Path"}
    answer = send(aws, "POST", given)
    assert answer["statusCode"] == 400
    assert "BackendJwt.dialect" in answer["body"]
    assert filled(answer)["dialect"] == "<b>"
    assert "<b>" not in answer["body"]
    assert aws.records.get(BackendJwtRules, tenant=TENANT) is None


def test_a_form_of_an_older_state_is_refused(aws: Aws) -> None:
    old = filled(send(aws, "GET"))
    assert send(aws, "POST", old)["statusCode"] == 303
    assert send(aws, "POST", {**old, "algorithm": "RS256"})["statusCode"] == 412
    assert rules(aws).algorithm == "ES256"


def test_only_administrators_may(aws: Aws) -> None:
    assert send(aws, "GET", who="jane")["statusCode"] == 403
    assert send(aws, "POST", {}, who="jane")["statusCode"] == 403
