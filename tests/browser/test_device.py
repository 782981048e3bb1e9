"""A device's pages and signing out in a real browser, on the deployed stack."""

from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.browser.conftest import fits
from tests.deployed import Stack

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


def test_a_device_is_connected_and_the_browser_signs_out(stack: Stack, page: Page) -> None:
    """RFC 8628 section 3.3, and a question before signing out without an id_token."""
    gateway = stack.endpoints["gateway"]
    user = next(one for one in stack.endpoints["users"] if one["name"] == "developer")
    registered = stack.http.post(
        f"{gateway}/client-registration/v0.17/register",
        auth=("developer", user["password"]),
        json={
            "callbackUrl": "",
            "clientName": "Living-room TV",
            "owner": "developer",
            "grantType": f"{GRANT_TYPE} refresh_token",
            "saasApp": True,
        },
    ).json()
    client = (registered["clientId"], registered["clientSecret"])

    def ask(path: str, **form: str) -> dict[str, Any]:
        answer = stack.http.post(f"{gateway}/oauth2/{path}", auth=client, data=form)
        found: dict[str, Any] = answer.json()
        return found

    begun = ask("device_authorize", scope="openid email apim:subscribe")
    poll = {"grant_type": GRANT_TYPE, "device_code": begun["device_code"]}
    assert ask("token", **poll)["error"] == "authorization_pending"

    page.goto(begun["verification_uri"])
    page.get_by_label("Code").fill(begun["user_code"].lower().replace("-", " "))
    page.keyboard.press("Enter")
    page.get_by_label("User name").fill("developer")
    page.get_by_label("Password").fill(user["password"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Allow the device?")
    expect(page.get_by_text(begun["user_code"])).to_be_visible()
    expect(page.get_by_text("See your e-mail address")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("status")).to_contain_text("Living-room TV")
    assert ask("token", **poll)["id_token"]

    query = urlencode({"client_id": registered["clientId"]})
    page.goto(f"{gateway}/oidc/logout?{query}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out?")
    fits(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.goto(f"{gateway}/oidc/logout")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
