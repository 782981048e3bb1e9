"""The policies of a tenant in a real browser with JavaScript off: made, changed by the keyboard,
denied and allowed again.
"""

from playwright.sync_api import Page, expect

from tests.browser.conftest import fits, sign_in
from tests.deployed import Stack


def test_a_policy_with_a_group_is_made_and_removed(page: Page, stack: Stack) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = f"Robots{width}"
    base = sign_in(page, stack, "admin", "admin")
    page.get_by_role("link", name="Policies").click()
    fits(page)
    page.get_by_role("button", name="New advanced policy").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("At most").fill("100")
    page.get_by_role("button", name="Add group").click()
    # The next thing to choose has the focus.
    expect(page.get_by_label("It looks at")).to_be_focused()
    page.keyboard.type("Header")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True).nth(1)).to_be_focused()
    fits(page)
    page.keyboard.type("User-Agent")
    page.keyboard.press("Tab")
    page.keyboard.type("bot")
    expect(page.get_by_label("Value")).to_have_value("bot")
    page.get_by_label("At most").nth(1).fill("5")
    page.get_by_role("button", name="Add a condition to group 1").click()
    expect(page.get_by_label("Value")).to_have_value("bot")
    page.get_by_role("button", name="Remove condition 2 of group 1").click()
    page.get_by_label("Shown as").press("Enter")
    expect(page).to_have_url(f"{base}/policies?said=saved")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_label("At most").nth(1)).to_have_value("5")
    fits(page)
    page.get_by_text("Delete this policy").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_role("status")).to_contain_text("deleted")
    expect(page.get_by_role("link", name=name)).to_have_count(0)


def test_a_wrong_limit_is_told_and_what_was_typed_stays(page: Page, stack: Stack) -> None:
    base = sign_in(page, stack, "admin", "admin")
    page.goto(f"{base}/policies/custom/new")
    page.get_by_label("Name", exact=True).fill("Wrong")
    page.get_by_label("Key", exact=True).fill("$moon")
    page.get_by_label("At most").fill("3")
    page.get_by_role("button", name="Save policy").click()
    expect(page.get_by_role("alert")).to_contain_text("keyTemplate")
    expect(page.get_by_label("Key", exact=True)).to_have_value("$moon")
    fits(page)


def test_calls_are_denied_and_allowed_again(page: Page, stack: Stack) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    who = f"mallory{width}"
    sign_in(page, stack, "admin", "admin")
    page.get_by_role("link", name="Policies").click()
    page.get_by_role("link", name="Deny", exact=True).click()
    page.get_by_label("Of", exact=True).select_option("User")
    page.get_by_label("Which").fill(who)
    page.get_by_role("button", name="Deny", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("in force")
    row = page.get_by_role("listitem").filter(has_text=who)
    expect(row).to_contain_text("by admin")
    expect(row).to_contain_text("denied")
    fits(page)
    page.get_by_role("button", name=f"Switch off: {who}").click()
    expect(row).to_contain_text("off")
    page.get_by_role("button", name=f"Delete: {who}").click()
    expect(row).to_have_count(0)
