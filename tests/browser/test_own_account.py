"""Making an account, forgetting its password and changing it, in a real browser without JavaScript,
with the mails that the deployed stack sends.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import fits
from tests.deployed import Person, Stack, eventually

FIRST, SECOND, THIRD = "correct horse battery", "another fine staple", "a third one to remember"
LINK = re.compile(r"^http\S+$", re.MULTILINE)


@pytest.fixture
def open_doors(admin: Person) -> Iterator[None]:
    """People may make accounts for themselves."""
    before = admin.send("GET", "/tenant-config").json()
    tokens: dict[str, Any] = {**before["Tokens"], "signUp": {"enabled": True}}
    admin.send("PUT", "/tenant-config", json={**before, "Tokens": tokens})
    yield
    admin.send("PUT", "/tenant-config", json=before)


def mails(stack: Stack, address: str) -> list[str]:
    answer = stack.http.get(f"{stack.endpoints['aws']}/_ministack/ses/messages").json()
    found = [mail for account in answer["messages"].values() for mail in account]
    return [str(mail["BodyText"]) for mail in found if address in mail["To"]]


def link(stack: Stack, address: str) -> str:
    """The link in the last mail."""
    (found,) = LINK.findall(mails(stack, address)[-1])
    return str(found)


def choose(page: Page, password: str, label: str = "New password") -> None:
    page.get_by_label(label, exact=True).fill(password)
    page.get_by_label("The same once more").fill(password)


def test_an_account_of_ones_own_from_sign_up_to_a_changed_password(
    page: Page, stack: Stack, open_doors: None
) -> None:
    name = f"rose-{secrets.token_hex(4)}"
    email = f"{name}@example.com"
    store, gateway = stack.endpoints["store"], stack.endpoints["gateway"]
    page.goto(f"{store}/login")
    fits(page)
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
    fits(page)
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    choose(page, "password1", "Password")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text("everybody tries first")).to_be_visible()
    # What was filled in stays, but for the passwords.
    expect(page.get_by_label("User name")).to_have_value(name)
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    fits(page)
    choose(page, FIRST, "Password")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    fits(page)
    page.goto(link(stack, email))
    expect(page.get_by_text(email)).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Yes, create it").click()
    expect(page.get_by_role("heading", name="Your account is there")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="To the API store").click()
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(FIRST)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.goto(f"{gateway}/oauth2/password")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("heading", name="Forgotten password")).to_be_visible()
    fits(page)
    page.get_by_label("User name or e-mail address").fill(email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    fits(page)
    page.goto(link(stack, email))
    fits(page)
    choose(page, SECOND)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    fits(page)
    # What waited before goes on.
    page.get_by_role("button", name="Sign in and go on").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(SECOND)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    fits(page)
    page.get_by_label("Present password").fill("not the one")
    choose(page, THIRD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("Present password is wrong")).to_be_visible()
    fits(page)
    page.get_by_label("Present password").fill(SECOND)
    choose(page, THIRD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("You are still signed in here")).to_be_visible()
    fits(page)
    eventually(lambda: len(mails(stack, email)) == 4)

    # The session of the store was of the first password.
    page.goto(f"{store}/applications")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_that_is_over_says_so(page: Page, stack: Stack) -> None:
    gateway = stack.endpoints["gateway"]
    for path in ("sign-up/confirm", "reset/new"):
        page.goto(f"{gateway}/oauth2/{path}?link=not-there")
        expect(page.get_by_role("heading", name="This link is over")).to_be_visible()
        fits(page)


def test_without_leave_there_is_no_sign_up(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.endpoints['gateway']}/oauth2/sign-up")
    expect(page.get_by_role("heading", name="There is no sign-up here")).to_be_visible()
    fits(page)
