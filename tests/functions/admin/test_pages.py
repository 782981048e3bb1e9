"""The admin console through the real handler."""

from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html

from functions.admin import handler
from portico.clock import SystemClock
from portico.domain.errors import TooManyAttempts, Unauthenticated
from portico.domain.gateway import Revocation
from portico.domain.user import ADMIN, Caller, User
from portico.services.accounts import Accounts
from portico.services.passwords import Passwords
from portico.web.session import Sessions
from tests.conftest import Aws
from tests.events import Context, function_url_event
from tests.functions.admin.conftest import Client

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


def cookie(aws: Aws, who: str) -> str:
    user = aws.records.get(User, tenant="carbon.super", name=who)
    assert user
    found = Sessions(aws.records, SystemClock(), secure=False).begin(user)
    return f"{found.name}={found.value}"


def send(aws: Aws, who: str, method: str, path: str, **fields: str) -> tuple[int, str]:
    event = function_url_event(
        method,
        path,
        body=urlencode(fields) if method == "POST" else None,
        headers=FORM if method == "POST" else {},
        cookies=[cookie(aws, who)],
    )
    answer = handler.handler(event, Context())
    return answer["statusCode"], answer["body"]


def test_an_administrator_makes_and_removes_a_user(client: Client, aws: Aws) -> None:
    fields = {"name": "paula", "password": "long enough 1!", "role:Internal/creator": "on"}
    assert send(aws, "admin", "POST", "/users", **fields)[0] == 303
    status, page = send(aws, "admin", "GET", "/")
    assert status == 200
    assert "paula" in page
    made = aws.records.get(User, tenant="carbon.super", name="paula")
    assert made
    assert made.roles == ("Internal/creator",)
    assert send(aws, "admin", "POST", f"/users/{made.id}/delete")[0] == 303
    assert aws.records.get(User, tenant="carbon.super", name="paula") is None


def test_a_bad_form_says_what_is_wrong_and_keeps_what_was_typed(client: Client, aws: Aws) -> None:
    status, page = send(
        aws, "admin", "POST", "/users", name="no spaces", password="x", email="a@b.c"
    )
    assert status == 400
    shown = html.fromstring(page)
    assert "userName" in shown.xpath("string(//*[@role='alert'])")
    assert shown.xpath("//input[@name='email']/@value") == ["a@b.c"]


def test_the_only_administrator_stays(client: Client, aws: Aws) -> None:
    admin = aws.records.get(User, tenant="carbon.super", name="admin")
    assert admin
    status, page = send(aws, "admin", "POST", f"/users/{admin.id}/delete")
    assert status == 409
    assert "only administrator" in page


def a_user(aws: Aws, name: str, **more: Any) -> User:
    made = Accounts(aws.records, SystemClock(), Passwords()).create(
        Caller("carbon.super", "admin", (ADMIN,)), name, "long enough 1!", **more
    )
    stored = aws.records.get(User, tenant="carbon.super", name=made.name)
    assert stored
    return stored


def test_a_user_is_changed_on_the_users_own_page(client: Client, aws: Aws) -> None:
    made = a_user(aws, "rosa", roles=["Internal/creator"], claims={"urn:other": "stays"})
    status, page = send(aws, "admin", "GET", f"/users/{made.id}")
    shown = html.fromstring(page)
    assert status == 200
    assert shown.xpath("//input[@checked]/@name") == ["role:Internal/creator", "active"]

    telephone = "http://wso2.org/claims/telephone"
    fields = {
        "stamp": str(made.stamp),
        "given_name": "Rosa",
        "email": "rosa@example.com",
        "role:Internal/publisher": "on",
        f"claim:{telephone}": "+49 1",
    }
    assert send(aws, "admin", "POST", f"/users/{made.id}", **fields)[0] == 303
    changed = aws.records.get(User, tenant="carbon.super", name="rosa")
    assert changed
    assert (changed.given_name, changed.email) == ("Rosa", "rosa@example.com")
    assert (changed.roles, changed.active) == (("Internal/publisher",), False)
    assert changed.claims == {"urn:other": "stays", telephone: "+49 1"}
    assert changed.password == made.password


def test_an_address_keeps_its_lines_on_the_page(client: Client, aws: Aws) -> None:
    claim = "http://wso2.org/claims/addresses.formatted"
    made = a_user(aws, "ida", claims={claim: "1 High Street\nYork"})
    _, page = send(aws, "admin", "GET", f"/users/{made.id}")
    (shown,) = html.fromstring(page).xpath(f"//textarea[@name='claim:{claim}']")
    assert shown.text == "1 High Street\nYork"

    fields = {"stamp": str(made.stamp), "active": "on", f"claim:{claim}": "2 High Street\r\nYork"}
    assert send(aws, "admin", "POST", f"/users/{made.id}", **fields)[0] == 303
    changed = aws.records.get(User, tenant="carbon.super", name="ida")
    assert changed
    assert changed.claims == {claim: "2 High Street\nYork"}


def test_a_page_that_is_out_of_date_overwrites_nothing(client: Client, aws: Aws) -> None:
    made = a_user(aws, "stella")
    path = f"/users/{made.id}"
    assert send(aws, "admin", "POST", path, stamp="1", email="a@b.c", active="on")[0] == 303
    status, page = send(aws, "admin", "POST", path, stamp="1", email="x@y.z", active="on")
    assert status == 409
    assert "a@b.c" in page
    found = aws.records.get(User, tenant="carbon.super", name="stella")
    assert found
    assert found.email == "a@b.c"


def test_a_bad_change_keeps_what_was_typed(client: Client, aws: Aws) -> None:
    made = a_user(aws, "vera")
    status, page = send(
        aws, "admin", "POST", f"/users/{made.id}", stamp="1", password="x", given_name="Vera"
    )
    assert status == 400
    shown = html.fromstring(page)
    assert "password" in shown.xpath("string(//*[@role='alert'])")
    assert shown.xpath("//input[@name='given_name']/@value") == ["Vera"]
    assert shown.xpath("//input[@name='password']/@value") == []


def test_a_locked_out_user_is_let_in_again(client: Client, aws: Aws) -> None:
    made, clock = a_user(aws, "wanda"), SystemClock()
    accounts = Accounts(aws.records, clock, Passwords())
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            accounts.authenticate("carbon.super", "wanda", "wrong")
    with pytest.raises(TooManyAttempts):
        accounts.authenticate("carbon.super", "wanda", "long enough 1!")
    assert send(aws, "admin", "POST", f"/users/{made.id}/unlock")[0] == 303
    assert accounts.authenticate("carbon.super", "wanda", "long enough 1!").id == made.id


def test_all_tokens_of_a_user_end_by_a_button(client: Client, aws: Aws) -> None:
    made = a_user(aws, "xenia")
    assert send(aws, "admin", "POST", f"/users/{made.id}/revoke-tokens")[0] == 303
    mark = aws.records.get(Revocation, tenant="carbon.super", subject="user:xenia")
    assert mark
    assert mark.since


def test_users_are_found_by_words(client: Client, aws: Aws) -> None:
    a_user(aws, "yvonne", email="y@example.com", given_name="Yvonne", family_name="Lee")
    event = function_url_event("GET", "/", query={"q": "lee yv"}, cookies=[cookie(aws, "admin")])
    page = html.fromstring(handler.handler(event, Context())["body"])
    assert page.xpath("//tbody/tr/td[1]/a/text()") == ["yvonne"]


def test_policies_are_shown(client: Client, aws: Aws) -> None:
    status, page = send(aws, "admin", "GET", "/policies")
    assert status == 200
    assert "Bronze" in page


def test_others_may_not_look(client: Client, aws: Aws) -> None:
    assert send(aws, "jane", "GET", "/")[0] == 403
    assert send(aws, "jane", "POST", "/users", name="x", password="y")[0] == 403
