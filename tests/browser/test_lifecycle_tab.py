"""A customised life cycle in a real browser: uploaded by an administrator, used by a publisher."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portico.lifecycle import scxml
from tests.browser.conftest import fits, sign_in
from tests.deployed import ADMIN, PUBLISHER, Stack

REVIEW = """
        <state id="In Review">
          <datamodel>
            <data name="checkItems"><item name="Read by two people" forEvent="Publish"/></data>
            <data name="transitionExecution">
              <execution forEvent="" class="org.wso2.carbon.apimgt.impl.executors.APIExecutor"/>
            </data>
          </datamodel>
          <transition event="Publish" target="Published"/>
        </state>
        <state id="Retired"/>"""


NOTIFY = """<execution forEvent="Notify Users" class="Notify"/>
          </data></datamodel>
          <transition event="Notify Users" target="Retired"/>
          <transition event="Retire" """


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The default life cycle with a state more, and an event that mails to subscribers."""
    text = Path(scxml.__file__).with_name("default.scxml").read_text()
    way = '<transition event="Deploy as a Prototype" target="Prototyped"/>'
    more = '<transition event="Send to Review" target="In Review"/>'
    file = tmp_path / "reviewed.scxml"
    text = text.replace(way, way + more, 1).replace('<state id="Retired"/>', REVIEW, 1)
    text, changes = re.subn(r'</data>\s*</datamodel>\s*<transition event="Retire" ', NOTIFY, text)
    assert changes == 1
    file.write_text(text)
    return file


@pytest.fixture
def created(page: Page, stack: Stack) -> Iterator[str]:
    """The id of a new API; afterwards it is gone, and the default life cycle is in force."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    publisher = stack.person("publisher", "publisher", PUBLISHER)
    url = {"url": stack.endpoints["backend"]}
    body = {
        "name": f"Reviewed{width}",
        "version": "1.0",
        "context": f"/reviewed{width}",
        "policies": ["Unlimited"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": url},
    }
    made = publisher.send("POST", "/apis", 201, json=body).json()["id"]
    yield made
    publisher.send("DELETE", f"/apis/{made}")
    stack.person("admin", "admin", ADMIN).send("POST", "/lifecycles/default/activate")


def test_a_new_state_and_event_are_used_without_a_change_of_code(
    page: Page, stack: Stack, created: str, document: Path
) -> None:
    sign_in(page, stack, "admin", "admin")
    page.get_by_role("link", name="Life cycles").click()
    page.get_by_role("button", name="New version").click()
    page.get_by_label("or a file").set_input_files(document)
    page.get_by_label("Labels of events").fill('{"en": {"notify users": "Tell everybody"}}')
    page.get_by_role("button", name="Keep as a new version").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Version")
    fits(page)
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("In force", exact=True)).to_be_visible()
    fits(page)

    base = sign_in(page, stack, "publisher", "publisher")
    page.goto(f"{base}/apis/{created}")
    page.get_by_role("link", name="Life cycle").click()
    fits(page)
    page.get_by_role("button", name="Send to Review").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Send to Review?")
    fits(page)
    page.get_by_label("Comment").fill("Please read it")
    page.get_by_role("button", name="Send to Review").click()
    history = page.get_by_role("region", name="History")
    line = history.get_by_role("listitem").first
    expect(line).to_contain_text("Send to Review Created → In Review")
    expect(line).to_contain_text("Please read it")
    expect(page.locator("svg .current text").first).to_have_text("In Review")
    fits(page)

    page.get_by_label("Read by two people").check()
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("button", name="Publish").click()
    expect(history.get_by_role("listitem").first).to_contain_text("Publish In Review → Published")
    fits(page)

    page.get_by_role("button", name="Deprecate").click()
    page.get_by_role("button", name="Deprecate").click()
    page.get_by_role("button", name="Tell everybody").click()
    page.get_by_role("button", name="Tell everybody").click()
    line = history.get_by_role("listitem").first
    expect(line).to_contain_text("Tell everybody Deprecated → Retired")
    expect(line).to_contain_text("Notify")
    expect(page.get_by_text("This is the end of its life")).to_be_visible()
    fits(page)
