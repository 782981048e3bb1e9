"""The consoles in a real browser with JavaScript off: sign in, publish, subscribe, get keys."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import fits, sign_in
from tests.deployed import Stack

DATA = Path(__file__).parent.parent / "data"


def test_an_api_is_made_from_a_file_and_published(page: Page, stack: Stack) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    base = sign_in(page, stack, "publisher", "publisher")
    fits(page)
    page.get_by_role("link", name="New API").click()
    page.get_by_label("OpenAPI").set_input_files(DATA / "pizza-journey.yaml")
    page.get_by_label("Name", exact=True).fill(f"Browser{width}")
    page.get_by_label("Version").fill("1.0")
    page.get_by_label("Context").fill("/oauth2")
    page.get_by_label("Back end").fill(stack.endpoints["backend"])
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("context")
    page.get_by_label("Context").fill(f"/browser{width}")
    page.get_by_label("OpenAPI").set_input_files(DATA / "pizza-journey.yaml")
    fits(page)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Created")
    fits(page)
    page.get_by_role("link", name="Life cycle").click()
    fits(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Publish?")
    fits(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Published")
    fits(page)
    assert stack.call(f"/browser{width}/1.0/menu").status_code == 401
    page.get_by_role("button", name="Sign out").click()
    page.goto(base)
    expect(page).to_have_url(re.compile("/login"))


def test_a_developer_subscribes_and_gets_keys_that_work(page: Page, stack: Stack) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    sign_in(page, stack, "store", "developer")
    page.get_by_role("link", name="Applications").click()
    page.get_by_label("Name").fill(f"Browser {width}")
    page.get_by_role("button", name="Create").click()
    fits(page)
    page.get_by_role("button", name="Generate production keys").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Production keys")
    fits(page)
    page.get_by_role("button", name="Generate production keys").click()
    key, secret = page.get_by_role("status").locator("dd code").all_inner_texts()
    fits(page)
    application = page.url.split("/")[4]
    page.get_by_role("link", name=f"Browser {width}").click()
    page.get_by_role("link", name="Find an API").click()
    fits(page)
    page.get_by_role("link", name="PizzaShop", exact=True).click()
    page.get_by_label("Application").select_option(application)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("link", name=f"Browser {width}")).to_be_visible()
    fits(page)
    token = stack.http.post(
        f"{stack.endpoints['token']}/oauth2/token",
        auth=(key, secret),
        data={"grant_type": "client_credentials"},
    ).json()["access_token"]
    assert stack.call("/pizza/1.0.0/menu", token).status_code == 200


def test_a_form_that_is_wrong_stays_and_says_why(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.endpoints['publisher']}/login")
    page.get_by_label("User name").fill("publisher")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("User name")).to_have_value("publisher")


def test_a_developer_has_nothing_to_do_in_the_publisher(page: Page, stack: Stack) -> None:
    user = next(one for one in stack.endpoints["users"] if one["name"] == "developer")
    page.goto(f"{stack.endpoints['publisher']}/login")
    page.get_by_label("User name").fill("developer")
    page.get_by_label("Password").fill(user["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("roles")
