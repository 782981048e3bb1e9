"""The Life Cycle tab on fakes: made from the document alone, for publishers alone."""

import html as text
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html

from functions.publisher.handler import ROUTES
from functions.publisher.pages import PAGES
from functions.publisher.pages import apis as api_pages
from functions.publisher.pages import approvals as approval_pages
from functions.publisher.pages import lifecycle as lifecycle_pages
from functions.publisher.pages import plans as plan_pages
from portico.domain.api import Api
from portico.domain.executions import ExecutionResult
from portico.domain.records import Put
from portico.domain.user import ADMIN, CREATOR, PUBLISHER, User
from portico.lifecycle.model import Approval, CheckItem, LifeCycle, StateNode, Transition
from portico.web.contract import contract
from portico.web.rest import rest_app
from tests.events import Context, function_url_event
from tests.functions.publisher.conftest import TENANT, FakeCallers, Publisher

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


class Console:
    """The console's pages, opened by whoever `publisher` is."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher

    def open(self, path: str, **query: str) -> html.HtmlElement:
        answer = self.send("GET", path, query=query)
        assert answer["statusCode"] == 200, answer["body"]
        return html.fromstring(answer["body"])

    def send(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **headers: str,
    ) -> dict[str, Any]:
        event = function_url_event(
            method,
            path,
            body=urlencode(fields) if fields is not None else None,
            headers={**(FORM if fields is not None else {}), **headers},
            query=dict(query or {}),
        )
        callers = FakeCallers(self.publisher.caller)
        app = self.publisher.app
        app.append_context(services=self.publisher.wiring, callers=callers)
        result: dict[str, Any] = app.resolve(event, Context())
        return result

    def as_user(self, user: str, *roles: str) -> "Console":
        return Console(self.publisher.as_user(user, *roles))


@pytest.fixture
def console(publisher: Publisher) -> Console:
    modules = (api_pages, approval_pages, lifecycle_pages, plan_pages)
    pages = [one.router for one in modules]
    publisher.app = rest_app(
        [contract("publisher")], [*(one.router for one in ROUTES), *pages], PAGES.error
    )
    return Console(publisher)


@pytest.fixture
def tab(console: Console) -> str:
    """The path of a new API's tab."""
    return f"/apis/{console.publisher.create()['id']}/lifecycle"


Follow = Callable[[LifeCycle], None]


@pytest.fixture
def follow(console: Console) -> Follow:
    """Makes a life cycle the one that everything follows."""

    def use(lifecycle: LifeCycle) -> None:
        wiring = console.publisher.wiring
        object.__setattr__(wiring.transitions, "lifecycle_of", lambda _: lifecycle)

    return use


def buttons(page: html.HtmlElement) -> list[str]:
    return [str(one) for one in page.xpath("//button[@name='event']/text()")]


def test_the_tab_has_the_diagram_and_the_events_of_the_state(console: Console, tab: str) -> None:
    page = console.open(tab)
    assert buttons(page) == ["Publish", "Deploy as a Prototype"]
    drawn = page.xpath("//*[local-name()='svg' and @role='img']")[0]
    here = drawn.xpath(".//*[contains(@class, 'current')]/*[local-name()='text'][1]/text()")
    assert here == ["Created"]
    lit = drawn.xpath(".//*[contains(@class, 'lit')]/*[local-name()='text']/text()")
    assert sorted(lit) == ["Deploy as a Prototype", "Publish"]
    assert not page.xpath("//script | //@style | //@onclick")


def test_without_the_publisher_role_there_is_no_tab(console: Console, tab: str) -> None:
    overview = tab.removesuffix("/lifecycle")
    assert console.open(overview).xpath(f"//a[@href='{tab}']")
    assert console.open(overview).xpath("string(//h1/span)") == "Created"
    creator = console.as_user("carl", CREATOR)
    page = creator.send("GET", overview)
    assert page["statusCode"] == 200
    assert "lifecycle" not in page["body"].lower()
    assert "Life cycle" not in page["body"]
    for method, path in (("GET", tab), ("POST", tab), ("POST", f"{tab}/preview")):
        fields = {"event": "Publish"} if method == "POST" else None
        assert creator.send(method, path, fields)["statusCode"] == 403
    query = {"action": "Publish", "apiId": overview.split("/")[2]}
    creator.publisher.call("POST", "/apis/change-lifecycle", query=query, expect=401)
    assert not console.publisher.lifecycle.asked


def test_a_page_between_says_what_would_happen_and_changes_nothing(
    console: Console, tab: str
) -> None:
    before = dict(console.publisher.records.items)
    item = "item:Propagate Changes to API Gateway"
    answer = console.send("POST", f"{tab}/preview", {"event": "Publish", item: "true"})
    assert answer["statusCode"] == 200
    page = html.fromstring(answer["body"])
    assert "https://gateway.example.com/pizza/1.0.0" in page.text_content()
    assert page.xpath(f"//form[@action='{tab}']//input[@name='event']/@value") == ["Publish"]
    assert page.xpath(f"//input[@name='{item}']/@value") == ["true"]
    assert console.publisher.records.items == before


def test_what_was_confirmed_is_done_and_told(console: Console, tab: str) -> None:
    page = html.fromstring(console.send("POST", f"{tab}/preview", {"event": "Publish"})["body"])
    hidden = page.xpath("//form[not(@action='/logout')]//input[@type='hidden']")
    fields = {one.get("name"): one.get("value") for one in hidden}
    answer = console.send("POST", tab, fields)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, tab)
    told = console.open(tab).xpath("//ol[@class='history']/li")
    assert len(told) == 1
    assert "Created → Published" in told[0].text_content()
    assert "jane" in told[0].text_content()
    # Nothing was ticked: the API is in the store, and the gateway knows nothing of it.
    assert console.publisher.lifecycle.asked[0]["checklist"]
    assert not any(console.publisher.lifecycle.asked[0]["checklist"].values())


def test_what_would_be_refused_is_said_before(console: Console) -> None:
    made = console.publisher.create(endpointConfig=None)
    tab = f"/apis/{made['id']}/lifecycle"
    answer = console.send("POST", f"{tab}/preview", {"event": "Publish"})
    assert answer["statusCode"] == 400
    assert "endpoint" in html.fromstring(answer["body"]).xpath("string(//*[@role='alert'])")


def test_an_api_that_changed_meanwhile_is_looked_at_again(console: Console, tab: str) -> None:
    console.send("POST", tab, {"event": "Publish", "stamp": "1"})
    again = console.send("POST", tab, {"event": "Deprecate", "stamp": "1"})
    assert again["statusCode"] == 412
    assert buttons(html.fromstring(again["body"]))


@pytest.mark.parametrize("path", ["", "/preview"])
@pytest.mark.parametrize("event", ["", "Retire", "Make Coffee"])
def test_an_event_that_is_not_offered_is_refused(
    console: Console, tab: str, path: str, event: str
) -> None:
    assert console.send("POST", tab + path, {"event": event})["statusCode"] == 400
    assert not console.publisher.lifecycle.asked


def test_an_api_that_is_not_there(console: Console) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/preview")):
        fields = {"event": "Publish"} if method == "POST" else None
        answer = console.send(method, f"/apis/{'0' * 8}/lifecycle{path}", fields)
        assert answer["statusCode"] == 404


def test_the_history_is_paged(console: Console, tab: str) -> None:
    for event in ("Deploy as a Prototype", *["Demote to Created", "Deploy as a Prototype"] * 5):
        assert console.send("POST", tab, {"event": event})["statusCode"] == 303
        console.publisher.clock.pass_by(60)
    first, second = console.open(tab), console.open(tab, page="2")
    assert len(first.xpath("//ol[@class='history']/li")) == 10
    told = second.xpath("//ol[@class='history']/li")
    assert len(told) == 1
    assert "Created → Prototyped" in told[0].text_content()
    assert first.xpath("//a[text()='Older']/@href") == ["?page=2"]
    assert second.xpath("//a[text()='Newer']/@href") == ["?page=1"]
    assert console.send("GET", tab, query={"page": "x" * 9})["statusCode"] == 200


REVIEW = LifeCycle(
    "APILifeCycle",
    "Created",
    (
        StateNode(
            "Created",
            (CheckItem("Read <by> two", True, ("Send to Review",)), CheckItem("For nobody")),
            (
                Transition("Send to Review", "In Review", (), (CheckItem("Read <by> two", True),)),
                Transition("Approve", "Published", ("Internal/reviewer",)),
            ),
        ),
        StateNode("In Review", (), (Transition("Publish", "Published"),)),
        StateNode("Published"),
    ),
)


def test_a_new_state_and_event_of_the_document_show_up(
    console: Console, tab: str, follow: Follow
) -> None:
    follow(REVIEW)
    page = console.open(tab)
    assert buttons(page) == ["Send to Review"]
    assert page.xpath("//input[@type='checkbox']/@name") == ["item:Read <by> two"]
    assert page.xpath("//input[@type='checkbox']/@checked")
    assert "In Review" in page.xpath("string(//*[local-name()='desc'])")
    # The event needs a role; an administrator has them all.
    assert buttons(console.as_user("root", ADMIN).open(tab)) == ["Send to Review", "Approve"]
    reviewer = console.as_user("rita", PUBLISHER, "Internal/reviewer")
    assert buttons(reviewer.open(tab)) == ["Send to Review", "Approve"]


def test_a_state_that_the_document_does_not_have_is_said(
    console: Console, tab: str, follow: Follow
) -> None:
    records = console.publisher.records
    api = records.get(Api, tenant=TENANT, id=tab.split("/")[2])
    assert api
    follow(replace(REVIEW, states=REVIEW.states[1:], initial="In Review"))
    page = console.send("GET", tab)
    assert page["statusCode"] == 200
    assert "has no state" in text.unescape(page["body"])
    assert not buttons(html.fromstring(page["body"]))


def test_a_comment_is_told_with_the_change(console: Console, tab: str) -> None:
    fields = {"event": "Publish", "comment": " Agreed <with> the kitchen "}
    assert console.send("POST", tab, fields)["statusCode"] == 303
    assert console.open(tab).xpath("//blockquote/text()") == ["Agreed <with> the kitchen"]


def test_the_last_change_is_undone_by_a_button(console: Console, tab: str) -> None:
    console.send("POST", tab, {"event": "Publish"})
    console.publisher.clock.pass_by(60)
    page = console.open(tab)
    form = page.xpath(f"//form[@action='{tab}/undo']")[0]
    assert form.xpath("string(.//button)") == "Undo Publish"
    stamp = form.xpath("string(.//input[@name='stamp']/@value)")
    assert console.send("POST", f"{tab}/undo", {"stamp": "1"})["statusCode"] == 412
    assert console.send("POST", f"{tab}/undo", {"stamp": stamp})["statusCode"] == 303
    page = console.open(tab)
    assert "Published → Created" in page.xpath("string(//ol[@class='history']/li[1])")
    assert "cannot be undone" in page.text_content()
    assert not page.xpath(f"//form[@action='{tab}/undo']")
    assert console.send("POST", f"{tab}/undo", {})["statusCode"] == 400


def test_what_has_failed_is_shown_and_tried_again_or_given_up(console: Console, tab: str) -> None:
    item = "item:Deprecate old versions after publishing the API"
    console.send("POST", tab, {"event": "Publish"})
    made = console.publisher.create(version="2.0.0")
    newer = f"/apis/{made['id']}/lifecycle"
    assert console.send("POST", newer, {"event": "Publish", item: "true"})["statusCode"] == 303
    records = console.publisher.records
    page = console.open(newer)
    shown = page.xpath("//ul[@class='executions']/li[contains(., 'Deprecate older versions')]")
    assert "pending" in shown[0].text_content()
    retry = page.xpath("//form[contains(@action, '/executions/')]/@action")[-1]
    execution = retry.split("/")[-2]
    result = next(
        one
        for one in records.list(ExecutionResult, tenant=TENANT, api_id=made["id"])
        if one.id == execution
    )
    records.commit(
        Put(replace(result, standing="failed", reason="Unavailable: <gone>", attempts=3))
    )
    page = console.open(newer)
    assert "Unavailable: <gone>" in page.text_content()
    assert page.xpath(f"//form[@action='{retry.removesuffix('retry')}skip']")
    nudged = console.publisher.lifecycle.nudged
    assert console.send("POST", retry, {})["statusCode"] == 303
    assert console.publisher.lifecycle.nudged == nudged + 1
    assert console.send("POST", retry.removesuffix("retry") + "skip", {})["statusCode"] == 303
    assert not console.open(newer).xpath(f"//form[@action='{retry}']")
    assert console.send("POST", retry, {})["statusCode"] == 404
    creator = console.as_user("carl", CREATOR)
    assert creator.send("POST", retry, {})["statusCode"] == 403


@pytest.mark.parametrize(
    ("wanted", "shown"), [("de-AT,en;q=0.5", "Veröffentlichen"), ("", "Publish")]
)
def test_events_are_called_as_the_browser_asks(
    console: Console, tab: str, wanted: str, shown: str
) -> None:
    answer = console.send("GET", tab, None, None, **{"accept-language": wanted})
    page = html.fromstring(answer["body"])
    assert buttons(page)[0] == shown
    assert page.xpath("//button[@name='event']/@value")[0] == "Publish"


def test_a_change_is_planned_shown_and_cancelled(console: Console, tab: str) -> None:
    box = "item:Propagate Changes to API Gateway"
    page = html.fromstring(console.send("POST", f"{tab}/preview", {"event": "Publish"})["body"])
    assert page.xpath(f"//button[@formaction='{tab}/plans']")
    fields = {"event": "Publish", "at": "2027-03-01T08:30", "boxes": "true", box: "true"}
    assert console.send("POST", f"{tab}/plans", fields)["statusCode"] == 303
    # An event of another state may be planned too, with its boxes as they are to begin with.
    later = {"event": "Retire", "at": "2027-03-02T00:00", "comment": "As announced"}
    assert console.send("POST", f"{tab}/plans", later)["statusCode"] == 303
    publish, _ = made = console.publisher.wiring.scheduling.list(
        console.publisher.caller or pytest.fail("nobody"), tab.split("/")[2]
    )
    assert [plan.event for plan in made] == ["Publish", "Retire"]
    assert [name for name, ticked in publish.checklist.items() if ticked] == [box[5:]]
    page = console.open(tab)
    shown = page.xpath("//section[@aria-labelledby='planned']/ul/li")
    assert "2027-03-01 08:30 UTC" in shown[0].text_content()
    assert "As announced" in shown[1].text_content()
    cancel = shown[0].xpath(".//form/@action")[0]
    assert console.send("POST", cancel, {})["statusCode"] == 303
    assert len(console.open(tab).xpath("//section[@aria-labelledby='planned']/ul/li")) == 1
    assert console.send("POST", cancel, {})["statusCode"] == 409


@pytest.mark.parametrize("at", ["", "tomorrow", "2027-02-30T00:00", "2026-01-01T00:00", "9" * 40])
def test_a_plan_needs_a_time_to_come(console: Console, tab: str, at: str) -> None:
    answer = console.send("POST", f"{tab}/plans", {"event": "Publish", "at": at})
    assert answer["statusCode"] == 400
    assert html.fromstring(answer["body"]).xpath("//*[@role='alert']")


SECOND = replace(
    REVIEW,
    states=(
        StateNode(
            "Created",
            (),
            (Transition("Publish", "Published", approval=Approval(("Internal/reviewer",))),),
        ),
        StateNode("Published"),
    ),
)


@pytest.fixture
def people(console: Console) -> None:
    """Those who are asked for are users with these roles at the time of a decision."""
    roles = (CREATOR, PUBLISHER)
    jane = User(tenant=TENANT, name="jane", id="jane", password="", roles=roles)
    console.publisher.records.commit(Put(jane))


@pytest.mark.usefixtures("people")
def test_a_second_person_approves_what_waits(console: Console, tab: str, follow: Follow) -> None:
    follow(SECOND)
    page = html.fromstring(console.send("POST", f"{tab}/preview", {"event": "Publish"})["body"])
    assert "second person must approve" in page.text_content()
    fields = {"event": "Publish", "comment": "Ready"}
    assert console.send("POST", tab, fields)["statusCode"] == 303
    page = console.open(tab)
    waiting = page.xpath("//section[@aria-labelledby='waiting']")[0].text_content()
    assert "Created → Published" in waiting
    assert "jane" in waiting
    assert "Ready" in waiting
    assert not page.xpath("//ol[@class='history']")
    assert not page.xpath("//button[@name='decision']")  # not by who asked
    other = console.as_user("peter", PUBLISHER)
    assert not other.open(tab).xpath("//button[@name='decision']")  # a role is missing
    rita = console.as_user("rita", PUBLISHER, "Internal/reviewer")
    form = rita.open(tab).xpath("//form[.//button[@name='decision']]/@action")[0]
    assert other.send("POST", form, {"decision": "APPROVED"})["statusCode"] == 403
    assert console.send("POST", form, {"decision": "APPROVED"})["statusCode"] == 403
    assert rita.send("POST", form, {"decision": "APPROVED"})["statusCode"] == 303
    told = rita.open(tab).xpath("string(//ol[@class='history']/li[1])")
    assert "Created → Published" in told
    assert "approved by rita" in told


@pytest.mark.parametrize("how", ["reject", "withdraw"])
@pytest.mark.usefixtures("people")
def test_what_waits_is_rejected_or_withdrawn(
    console: Console, tab: str, follow: Follow, how: str
) -> None:
    follow(SECOND)
    console.send("POST", tab, {"event": "Publish"})
    rita = console.as_user("rita", PUBLISHER, "Internal/reviewer")
    if how == "withdraw":
        assert console.send("POST", f"{tab}/withdraw", {})["statusCode"] == 303
    else:
        form = rita.open(tab).xpath("//form[.//button[@name='decision']]/@action")[0]
        assert rita.send("POST", form, {"decision": "REJECTED"})["statusCode"] == 303
        assert rita.send("POST", form, {"decision": "REJECTED"})["statusCode"] == 404
    page = console.open(tab)
    assert not page.xpath("//section[@aria-labelledby='waiting'] | //ol[@class='history']")
    assert buttons(page) == ["Publish"]


def test_the_day_of_the_sunset_is_set_and_taken_away(console: Console, tab: str) -> None:
    def day() -> str:
        return str(console.open(tab).xpath("string(//input[@name='day']/@value)"))

    assert day() == ""
    assert console.send("POST", f"{tab}/sunset", {"day": "2027-03-01"})["statusCode"] == 303
    assert day() == "2027-03-01"
    stale = {"day": "2028-03-01", "stamp": "1"}
    assert console.send("POST", f"{tab}/sunset", stale)["statusCode"] == 412
    assert console.send("POST", f"{tab}/sunset", {"day": "soon"})["statusCode"] == 400
    assert day() == "2027-03-01"
    assert console.send("POST", f"{tab}/sunset", {"day": ""})["statusCode"] == 303
    assert day() == ""


def test_the_page_between_says_what_the_new_state_means(console: Console, tab: str) -> None:
    def said(event: str) -> str:
        box = {"item:Propagate Changes to API Gateway": "true"}
        answer = console.send("POST", f"{tab}/preview", {"event": event, **box})
        assert answer["statusCode"] == 200
        return str(html.fromstring(answer["body"]).xpath("string(//main//section//ul)"))

    publish = said("Publish")
    for part in (
        "need a token",
        "appears in the developer portal",
        "takes new subscriptions",
    ):
        assert part in publish
    fields = {"event": "Publish", "item:Propagate Changes to API Gateway": "true"}
    assert console.send("POST", tab, fields)["statusCode"] == 303
    assert "are refused (503)" in said("Block")
    deprecate = said("Deprecate")
    for part in ("leaves the lists", "still find it", "takes no new", "say that it is deprecated"):
        assert part in deprecate
