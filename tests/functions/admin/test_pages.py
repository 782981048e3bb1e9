"""The admin console through the real handler."""

from urllib.parse import urlencode

from lxml import html

from functions.admin import handler
from portico.clock import SystemClock
from portico.domain.user import User
from portico.web.session import Sessions
from tests.conftest import Aws
from tests.events import Context, function_url_event
from tests.functions.admin.conftest import Client

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


def send(aws: Aws, who: str, method: str, path: str, **fields: str) -> tuple[int, str]:
    user = aws.records.get(User, tenant="carbon.super", name=who)
    assert user
    cookie = Sessions(aws.records, SystemClock(), secure=False).begin(user)
    event = function_url_event(
        method,
        path,
        body=urlencode(fields) if method == "POST" else None,
        headers=FORM if method == "POST" else {},
        cookies=[f"{cookie.name}={cookie.value}"],
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


def test_policies_are_shown(client: Client, aws: Aws) -> None:
    status, page = send(aws, "admin", "GET", "/policies")
    assert status == 200
    assert "Bronze" in page


def test_others_may_not_look(client: Client, aws: Aws) -> None:
    assert send(aws, "jane", "GET", "/")[0] == 403
    assert send(aws, "jane", "POST", "/users", name="x", password="y")[0] == 403
