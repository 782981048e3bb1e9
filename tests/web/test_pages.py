"""Sign-in, sessions and the look, seen through a console of one page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from lxml import html

from portico.domain.errors import TooManyAttempts, Unauthenticated
from portico.domain.records import Create, Put
from portico.domain.user import User
from portico.web.callers import Callers
from portico.web.pages import Pages, local_path, own_account, sign_in_routes, visitor
from portico.web.rest import rest_app
from portico.web.session import LIFETIME, Sessions
from tests.events import Context, function_url_event
from tests.fakes import FakeClock, FakeRecords

JANE = User(tenant="carbon.super", name="jane", id="u1", password="x", roles=("Internal/creator",))
FORM = {"content-type": "application/x-www-form-urlencoded"}


def authenticate(name: str, password: str, address: str) -> User:
    if password == "locked":
        raise TooManyAttempts("Too many attempts; wait 60 seconds", 60)
    if (name, password) == ("jane", "right") and address == "203.0.113.7":
        return JANE
    raise Unauthenticated("The user name or the password is wrong")


def ways() -> dict[str, str]:
    return own_account("https://gateway.example")


class Console:
    """A console with one page and a browser's cookies."""

    def __init__(self) -> None:
        self.records = FakeRecords()
        self.records.commit(Create(JANE))
        self.clock = FakeClock()
        self.cookies: list[str] = []
        sessions = Sessions(self.records, self.clock, secure=True)
        pages = Pages("Test", Path("nowhere"), {"Home": "/"})
        router = Router()

        @router.get("/")
        def home() -> Response[str]:
            return pages.show("error.html", visitor(router), message="Hello", description="<b>")

        @router.post("/")
        def change() -> Response[str]:
            visitor(router)
            return pages.show("error.html", message="Changed", description="")

        self.callers = Callers(self.records, self.clock, sessions)
        self.app = rest_app(
            [], [router, sign_in_routes(pages, sessions, authenticate, ways)], pages.error
        )

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        fields = {**(FORM if method == "POST" else {}), **names}
        path, _, query = path.partition("?")
        event = function_url_event(method, path, body=body, headers=fields, cookies=self.cookies)
        event["queryStringParameters"] = dict([query.split("=")]) if query else {}
        self.app.append_context(callers=self.callers)
        result: dict[str, Any] = self.app.resolve(event, Context())
        for cookie in result.get("cookies", []):
            self.cookies = [cookie.split(";")[0]]
            assert all(flag in cookie for flag in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"))
        return result


@pytest.fixture
def console() -> Console:
    return Console()


def test_a_stranger_is_asked_to_sign_in_and_comes_back(console: Console) -> None:
    away = console.send("GET", "/")
    assert (away["statusCode"], away["headers"]["Location"]) == (303, "/login?next=%2F")
    page = html.fromstring(console.send("GET", "/login?next=/x")["body"])
    assert page.xpath("//input[@name='next']/@value") == ["/x"]
    back = console.send("POST", "/login", "username=jane&password=right&next=/")
    assert (back["statusCode"], back["headers"]["Location"]) == (303, "/")
    home = console.send("GET", "/")
    assert home["statusCode"] == 200
    assert "&lt;b&gt;" in home["body"]
    assert "jane" in home["body"]


def test_a_wrong_password_stays_on_the_form(console: Console) -> None:
    page = console.send("POST", "/login", "username=jane&password=wrong&next=/")
    assert page["statusCode"] == 401
    assert html.fromstring(page["body"]).xpath("//*[@role='alert']")
    assert console.send("POST", "/login", "username=jane&password=locked")["statusCode"] == 429


def test_signing_out_ends_the_session_itself(console: Console) -> None:
    console.send("POST", "/login", "username=jane&password=right")
    stolen = list(console.cookies)
    console.send("POST", "/logout", "")
    console.cookies = stolen
    assert console.send("GET", "/")["statusCode"] == 303


def test_a_session_ends_in_time(console: Console) -> None:
    console.send("POST", "/login", "username=jane&password=right")
    console.clock.pass_by(LIFETIME + 1)
    assert console.send("GET", "/")["statusCode"] == 303


def test_a_session_is_not_that_of_a_later_user_of_the_name(console: Console) -> None:
    console.send("POST", "/login", "username=jane&password=right")
    console.records.commit(Put(replace(JANE, id="u2")))
    assert console.send("GET", "/")["statusCode"] == 303


@pytest.mark.parametrize("path", ["/login", "/logout", "/"])
@pytest.mark.parametrize(
    "headers",
    [{"sec_fetch_site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "//["}],
    ids=["fetch", "origin", "no origin at all"],
)
def test_a_form_from_another_site_is_refused(
    console: Console, path: str, headers: dict[str, str]
) -> None:
    console.send("POST", "/login", "username=jane&password=right")
    refused = console.send("POST", path, "username=jane&password=right", **headers)
    assert refused["statusCode"] == 403


def test_a_form_from_our_own_page_is_taken(console: Console) -> None:
    console.send("POST", "/login", "username=jane&password=right")
    taken = console.send(
        "POST", "/", "", origin="https://portico.example", sec_fetch_site="same-origin"
    )
    assert taken["statusCode"] == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "/a\nb",
        "",
        "//[",
        "/\t/[",
    ],
)
def test_the_way_back_never_leaves_the_site(path: str) -> None:
    assert local_path(path) == "/"


def test_pages_have_strict_headers_and_static_files_are_kept(console: Console) -> None:
    page = console.send("GET", "/login")
    policy = page["headers"]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    style = console.send("GET", "/static/pico-2.1.1.css")
    assert style["statusCode"] == 200
    assert "immutable" in style["headers"]["Cache-Control"]
    assert console.send("GET", "/static/..%2f..%2fpages.py")["statusCode"] == 404
    assert console.send("GET", "/static/pages.py")["statusCode"] == 404


def test_who_cannot_sign_in_finds_the_ways(console: Console) -> None:
    page = html.fromstring(console.send("GET", "/login")["body"])
    assert "https://gateway.example/oauth2/reset" in page.xpath("//main//a/@href")
    page = html.fromstring(console.send("POST", "/login", "username=jane&password=x")["body"])
    assert "https://gateway.example/oauth2/password" in page.xpath("//main//a/@href")


def test_a_new_password_ends_the_sessions_of_before(console: Console) -> None:
    console.send("POST", "/login", "username=jane&password=right")
    assert console.send("GET", "/")["statusCode"] == 200
    console.records.commit(Put(replace(JANE, era=JANE.era + 1)))
    assert console.send("GET", "/")["statusCode"] == 303
