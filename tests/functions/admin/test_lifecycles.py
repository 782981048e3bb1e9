"""`/lifecycles` and its pages through the real handler."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from lxml import html

from functions.admin import handler
from portico.clock import SystemClock
from portico.domain.api import ApiCard
from portico.domain.lifecycle_versions import LifecycleChoice
from portico.domain.operations import OutboxEntry
from portico.domain.records import Discard, Put
from portico.domain.user import User
from portico.lifecycle import scxml
from portico.web.session import Sessions
from tests.conftest import Aws
from tests.events import Context, function_url_event
from tests.functions.admin.conftest import TENANT, Client

TEXT = scxml.default_text().decode()
CUSTOM = TEXT.replace('event="Retire"', 'event="Put to Rest"')
WRONG = TEXT.replace('target="Retired"', 'target="Nowhere"')
LINE = 1 + WRONG[: WRONG.index('target="Nowhere"')].count("\n")
BOUNDARY = "portico-boundary"


@pytest.fixture(autouse=True)
def default_again(client: Client, aws: Aws) -> Iterator[None]:
    """Other tests share the tenant: what is in force is the default again afterwards."""
    yield
    aws.records.commit(Discard(LifecycleChoice(tenant=TENANT)))
    for entry in aws.records.list(OutboxEntry, tenant=TENANT):
        if entry.kind == "settle-apis":
            aws.records.commit(Discard(entry))
    for kind in ("VERSION", "TEXT"):
        _forget(aws, kind)
    aws.records.commit(Discard(odd()))


def _forget(aws: Aws, kind: str) -> None:
    from portico.domain.lifecycle_versions import LifecycleText, LifecycleVersion

    for version in aws.records.list(LifecycleVersion, tenant=TENANT):
        if kind == "TEXT":
            continue
        text = LifecycleText(tenant=TENANT, order=version.order, document="")
        aws.records.commit(Discard(version), Discard(text))


def odd() -> ApiCard:
    """An API in a state that no life cycle here has."""
    return ApiCard(
        tenant=TENANT,
        id="odd",
        name="Odd",
        version="1",
        context="/odd",
        provider="admin",
        state="WAITING",
    )


def save(client: Client, document: str = CUSTOM, **more: object) -> str:
    made = client.rest("POST", "/lifecycles", {"document": document, **more})
    assert made.status == 201, made.text
    return str(made.json["id"])


def test_a_version_is_made_shown_activated_and_rolled_back(client: Client) -> None:
    number = save(client, comment="rest")
    shown = client.rest("GET", f"/lifecycles/{number}")
    assert shown.status == 200
    assert (shown.json["document"], shown.json["comment"]) == (CUSTOM, "rest")
    assert not shown.json["active"]
    listed = client.rest("GET", "/lifecycles")
    assert [one["id"] for one in listed.json["list"]] == [number, "default"]
    assert listed.json["active"] == "default"
    done = client.rest("POST", f"/lifecycles/{number}/activate")
    assert (done.status, done.json["active"]) == (200, number)
    assert client.rest("GET", f"/lifecycles/{number}").json["active"]
    back = client.rest("POST", "/lifecycles/roll-back")
    assert (back.status, back.json["active"]) == (200, "default")
    assert client.rest("POST", "/lifecycles/roll-back").status == 409


def test_who_has_not_seen_the_last_activation_is_refused(client: Client) -> None:
    number = save(client)
    tag = client.rest("GET", "/lifecycles").headers["etag"]
    done = client.rest("POST", f"/lifecycles/{number}/activate", headers={"if-match": tag})
    assert done.status == 200
    again = client.rest("POST", "/lifecycles/default/activate", headers={"if-match": tag})
    assert again.status == 412
    tag = done.headers["etag"]
    again = client.rest("POST", "/lifecycles/default/activate", headers={"if-match": tag})
    assert again.status == 200


def test_validation_names_lines_and_keeps_nothing(client: Client) -> None:
    found = client.rest("POST", "/lifecycles/validate", {"document": WRONG})
    assert found.status == 200
    assert not found.json["isValid"]
    assert LINE in [one["line"] for one in found.json["findings"] if one["severity"] == "error"]
    refused = client.rest("POST", "/lifecycles", {"document": WRONG})
    assert refused.status == 400
    assert f"line {LINE}" in [one["code"] for one in refused.json["error"]]
    assert client.rest("POST", "/lifecycles/validate", {"document": CUSTOM}).json["isValid"]
    assert client.rest("GET", "/lifecycles").json["count"] == 1


def test_apis_without_a_state_are_told_and_mapped(client: Client, aws: Aws) -> None:
    aws.records.commit(Put(odd()))
    found = client.rest("POST", "/lifecycles/validate", {"document": CUSTOM}).json
    assert found["isValid"]
    assert found["statesToMap"] == [{"state": "WAITING", "apis": 1}]
    number = save(client)
    refused = client.rest("POST", f"/lifecycles/{number}/activate")
    assert refused.status == 409
    assert "1 in WAITING" in refused.json["description"]
    body = {"mapping": {"WAITING": "Blocked"}}
    assert client.rest("POST", f"/lifecycles/{number}/activate", body).status == 200
    (entry,) = aws.records.list(OutboxEntry, tenant=TENANT)[-1:]
    assert entry.payload["mapping"] == {"WAITING": "Blocked"}


def test_a_version_is_exported_in_both_forms(client: Client) -> None:
    number = save(client)
    assert client.rest("GET", f"/lifecycles/{number}/document").text == CUSTOM
    as_json = client.rest("GET", f"/lifecycles/{number}/document", query="format=json")
    assert as_json.headers["content-type"].startswith("application/json")
    again = client.rest("GET", f"/lifecycles/{save(client, as_json.text)}")
    assert again.json["states"] == client.rest("GET", f"/lifecycles/{number}").json["states"]
    wrong = client.rest("GET", f"/lifecycles/{number}/document", query="format=yaml")
    assert wrong.status == 400


def test_versions_are_compared(client: Client) -> None:
    number = save(client)
    diff = client.rest("GET", f"/lifecycles/{number}/diff").text
    assert '-          <transition event="Retire" target="Retired"/>' in diff
    assert client.rest("GET", f"/lifecycles/{number}/diff", query=f"from={number}").text == ""


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/lifecycles/7", None, 404),
        ("GET", "/lifecycles/007", None, 404),
        ("GET", "/lifecycles/0", None, 404),
        ("GET", "/lifecycles/x", None, 404),
        ("GET", "/lifecycles/7/document", None, 404),
        ("GET", "/lifecycles/default/diff?from=7", None, 404),
        ("POST", "/lifecycles/7/activate", None, 404),
        ("POST", "/lifecycles/default/activate", {"mapping": {"A": 1}}, 400),
        ("POST", "/lifecycles/default/activate", {"map": {}}, 400),
        ("POST", "/lifecycles", {"document": ""}, 400),
        ("POST", "/lifecycles", {"document": "<x/>"}, 400),
        ("POST", "/lifecycles", {"document": TEXT, "labels": {"en": {"Publish": "Go"}}}, 400),
        ("POST", "/lifecycles", {"document": TEXT, "comment": "x" * 501}, 400),
        ("POST", "/lifecycles", {"document": '<!DOCTYPE x [<!ENTITY a "b">]>' + TEXT}, 400),
    ],
)
def test_bad_requests_are_told_apart(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    path, _, query = path.partition("?")
    answer = client.rest(method, path, body, query=query)
    assert answer.status == status, answer.text
    assert set(answer.json) == {"code", "message", "description", "moreInfo", "error"}


def test_only_administrators_may(client: Client) -> None:
    token = client.token("jane", "apim:api_publish openid")
    assert client.rest("GET", "/lifecycles", authorization=token).status == 401
    assert client.rest("GET", "/lifecycles", authorization="").status == 401


# --- pages ---


def send(aws: Aws, who: str, method: str, path: str, **fields: str) -> tuple[int, str, str]:
    """A page for a signed-in user: status, body and where a redirect leads."""
    return _send(aws, who, method, path, urlencode(fields), "application/x-www-form-urlencoded")


def upload(aws: Aws, who: str = "admin", **fields: str) -> tuple[int, str, str]:
    parts = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        + ('; filename="a.xml"' if name == "file" else "")
        + f"\r\n\r\n{text}\r\n"
        for name, text in fields.items()
    )
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return _send(aws, who, "POST", "/lifecycles/new", f"{parts}--{BOUNDARY}--\r\n", kind)


def _send(aws: Aws, who: str, method: str, path: str, body: str, kind: str) -> tuple[int, str, str]:
    user = aws.records.get(User, tenant=TENANT, name=who)
    assert user
    cookie = Sessions(aws.records, SystemClock(), secure=False).begin(user)
    path, _, query = path.partition("?")
    event = function_url_event(
        method,
        path,
        body=body.encode() if method == "POST" else None,
        headers={"content-type": kind, "sec-fetch-site": "same-origin"},
        query=dict([query.split("=")]) if query else {},
        cookies=[f"{cookie.name}={cookie.value}"],
    )
    answer = handler.handler(event, Context())
    return answer["statusCode"], answer["body"], answer["headers"].get("Location", "")


def test_an_administrator_keeps_a_version_and_activates_it(client: Client, aws: Aws) -> None:
    status, page, _ = send(aws, "admin", "GET", "/lifecycles/new")
    assert status == 200
    shown = html.fromstring(page)
    assert shown.xpath("string(//textarea[@name='document'])").strip() == TEXT.strip()
    fields = {"document": CUSTOM.replace("\n", "\r\n"), "labels": "{}", "comment": "rest"}
    status, _, where = upload(aws, **fields, action="save")
    assert (status, where) == (303, "/lifecycles/1")
    assert client.rest("GET", "/lifecycles/1").json["document"] == CUSTOM
    status, page, _ = send(aws, "admin", "GET", "/lifecycles/1")
    assert status == 200
    assert "Put to Rest" in html.fromstring(page).xpath("string(//section[@aria-label='States'])")
    stamp = html.fromstring(page).xpath("string(//input[@name='stamp']/@value)")
    assert send(aws, "admin", "POST", "/lifecycles/1/activate", stamp=stamp)[0] == 303
    assert client.rest("GET", "/lifecycles").json["active"] == "1"
    page = send(aws, "admin", "GET", "/lifecycles")[1]
    (row,) = html.fromstring(page).xpath("//tr[contains(., 'In force')]")
    assert "Version 1" in row.text_content()
    assert send(aws, "admin", "POST", "/lifecycles/1/activate", stamp=stamp)[0] == 412
    assert send(aws, "admin", "POST", "/lifecycles/roll-back", stamp=stamp)[0] == 412
    assert send(aws, "admin", "POST", "/lifecycles/roll-back")[0] == 303
    assert client.rest("GET", "/lifecycles").json["active"] == "default"


def test_findings_lead_to_their_lines_and_nothing_typed_is_lost(client: Client, aws: Aws) -> None:
    fields = {"document": WRONG, "labels": '{"en": {}}', "comment": "mine"}
    for action in ("check", "save"):
        status, page, _ = upload(aws, **fields, action=action)
        assert status == (200 if action == "check" else 400)
        shown = html.fromstring(page)
        alert = shown.xpath("//*[@role='alert']")[0]
        assert f"#line-{LINE}" in alert.xpath(".//a/@href")
        (line,) = shown.xpath(f"//*[@id='line-{LINE}']")
        assert "Nowhere" in line.text_content()
        assert line.get("class") == "marked"
        assert shown.xpath("string(//textarea[@name='labels'])").strip() == '{"en": {}}'
        assert shown.xpath("//input[@name='comment']/@value") == ["mine"]
    assert client.rest("GET", "/lifecycles").json["count"] == 1


def test_a_file_goes_before_the_text(client: Client, aws: Aws) -> None:
    status, page, _ = upload(aws, document=WRONG, file=CUSTOM, labels="{}", action="check")
    assert status == 200
    assert "Nowhere" not in page
    assert "Put to Rest" in page
    assert client.rest("GET", "/lifecycles").json["count"] == 1


def test_labels_that_are_no_json_are_told(client: Client, aws: Aws) -> None:
    status, page, _ = upload(aws, document=CUSTOM, labels="{'en'", action="save")
    assert status == 400
    assert "labels" in html.fromstring(page).xpath("string(//*[@role='alert'])")
    status, page, _ = upload(aws, document=CUSTOM, labels='{"en": "Go"}', action="save")
    assert status == 400


def test_the_page_asks_where_apis_go(client: Client, aws: Aws) -> None:
    aws.records.commit(Put(odd()))
    number = save(client)
    shown = html.fromstring(send(aws, "admin", "GET", f"/lifecycles/{number}")[1])
    (choice,) = shown.xpath("//select[@name='map:WAITING']")
    assert "Blocked" in choice.text_content()
    status, page, _ = send(aws, "admin", "POST", f"/lifecycles/{number}/activate")
    assert status == 409
    assert "WAITING" in html.fromstring(page).xpath("string(//*[@role='alert'])")
    fields = {"map:WAITING": "Blocked"}
    assert send(aws, "admin", "POST", f"/lifecycles/{number}/activate", **fields)[0] == 303
    page = send(aws, "admin", "GET", "/lifecycles")[1]
    assert "1 in WAITING" in html.fromstring(page).xpath("string(//*[@role='status'])")


def test_rolling_back_asks_where_apis_go_too(client: Client, aws: Aws) -> None:
    number = save(client)
    client.rest("POST", f"/lifecycles/{number}/activate")
    aws.records.commit(Put(odd()))
    status, page, _ = send(aws, "admin", "POST", "/lifecycles/roll-back")
    shown = html.fromstring(page)
    assert status == 409
    assert "1 in WAITING" in shown.xpath("string(//*[@role='alert'])")
    (form,) = shown.xpath("//form[.//select[@name='map:WAITING']]")
    assert form.get("action") == "/lifecycles/default/activate"


def test_a_comparison_shows_what_goes_and_what_comes(client: Client, aws: Aws) -> None:
    number = save(client)
    page = send(aws, "admin", "GET", f"/lifecycles/{number}/diff")[1]
    shown = html.fromstring(page)
    assert any("Put to Rest" in one.text for one in shown.xpath("//span[@class='added']"))
    assert any("Retire" in one.text for one in shown.xpath("//span[@class='removed']"))
    page = send(aws, "admin", "GET", f"/lifecycles/{number}/diff?from={number}")[1]
    assert "no difference" in page


def test_a_box_may_be_ticked_beforehand(client: Client, aws: Aws) -> None:
    def checked() -> bool:
        shown = html.fromstring(send(aws, "admin", "GET", "/lifecycles")[1])
        return bool(shown.xpath("//input[@name='DeprecateOldVersions']/@checked"))

    assert not checked()
    assert send(aws, "admin", "POST", "/lifecycles/settings", DeprecateOldVersions="on")[0] == 303
    assert checked()
    assert send(aws, "admin", "POST", "/lifecycles/settings")[0] == 303
    assert not checked()


def test_markup_in_a_document_is_text(client: Client, aws: Aws) -> None:
    text = CUSTOM.replace("Put to Rest", "&lt;script&gt;1&lt;/script&gt;")
    number = save(client, text, comment="<script>2</script>")
    for path in (f"/lifecycles/{number}", "/lifecycles", f"/lifecycles/{number}/diff"):
        status, page, _ = send(aws, "admin", "GET", path)
        assert status == 200
        assert not html.fromstring(page).xpath("//script")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/lifecycles"),
        ("GET", "/lifecycles/new"),
        ("GET", "/lifecycles/default"),
        ("GET", "/lifecycles/default/diff"),
        ("POST", "/lifecycles/default/activate"),
        ("POST", "/lifecycles/roll-back"),
        ("POST", "/lifecycles/settings"),
    ],
)
def test_others_may_not_look(client: Client, aws: Aws, method: str, path: str) -> None:
    assert send(aws, "jane", method, path)[0] == 403
