"""Signing up, forgetting a password and changing it, in a browser and with the mails that leave."""

import itertools
import os
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from functions.token.self_service import STEADY
from portico.domain.errors import NotFound
from portico.domain.gateway import Revocation
from portico.domain.records import Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules
from portico.domain.user import SUBSCRIBER, User
from portico.services.accounts import NO_PASSWORD
from portico.services.attempts import PER_USER
from tests.functions.token.browsing import Browser, Seen
from tests.functions.token.conftest import TENANT, Server, forget
from tests.functions.token.mailbox import SENDER, Mailbox

GOOD = "correct horse battery"
OTHER = "another fine staple"
GATEWAY = "http://127.0.0.1:8280"
FIELDS = {"username": "rose", "email": "rose@example.com", "password": GOOD, "repeat": GOOD}
NETWORKS = itertools.count(1)
FORM = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def mails(server: Server) -> Iterator[Mailbox]:
    """Mails may be sent, and people may sign up."""
    os.environ["PORTICO_MAIL_SENDER"] = SENDER
    forget()
    server.aws.records.commit(Put(TokenRules(tenant=TENANT, sign_up=True)))
    yield Mailbox.at(server.aws.url)
    os.environ["PORTICO_MAIL_SENDER"] = ""
    forget()


def submit(browser: Browser, address: str, fields: dict[str, str]) -> Seen:
    """The form of a page, sent to the page's own address."""
    parts = urlsplit(address)
    return browser.send("POST", parts.path, parts.query, urlencode(fields), FORM)


def path_of(link: str) -> str:
    assert link.startswith(f"{GATEWAY}/oauth2/"), link
    return link.removeprefix(GATEWAY)


def sign_up(browser: Browser, address: str = "/oauth2/sign-up", **fields: str) -> Seen:
    browser.address = f"198.51.100.{next(NETWORKS)}"
    return submit(browser, address, {**FIELDS, **fields})


def waiting_flow(server: Server, browser: Browser) -> str:
    """A flow of the browser that waits for somebody to sign in."""
    seen = browser.get("/oauth2/password")
    assert seen.status == 303
    assert seen.location.startswith("/oauth2/login?flow=")
    return seen.query["flow"]


def sign_in(browser: Browser, name: str, password: str) -> Seen:
    seen = browser.get("/oauth2/password")
    page = browser.get(seen.location)
    return browser.post("/oauth2/login", {**page.hidden, "username": name, "password": password})


def password_token(server: Server, name: str, password: str) -> int:
    _, credentials = server.client(f"of-{name}-{time.monotonic_ns()}")
    form = {"grant_type": "password", "username": name, "password": password}
    return server.token(form, basic=credentials).status


# --- sign-up ------------------------------------------------------------------------------------


def test_an_account_is_made_when_the_mailed_link_is_confirmed(
    server: Server, mails: Mailbox
) -> None:
    browser = Browser()
    seen = sign_up(browser, given_name="Röschen", family_name="Red")
    assert seen.status == 200
    assert "rose@example.com" in seen.text
    with pytest.raises(NotFound):
        server.accounts.get(TENANT, "rose")
    assert [subject for subject, _ in mails.to("rose@example.com")] == ["Confirm your account"]

    page = path_of(mails.link("rose@example.com"))
    seen = browser.get(page)
    assert seen.status == 200
    assert "rose@example.com" in seen.text
    # A scanner of mails follows the link, too.
    with pytest.raises(NotFound):
        server.accounts.get(TENANT, "rose")

    assert submit(browser, page, {}).status == 200
    rose = server.accounts.get(TENANT, "rose")
    assert (rose.email, rose.given_name, rose.family_name) == ("rose@example.com", "Röschen", "Red")
    assert rose.roles == (SUBSCRIBER,)
    assert rose.claims == {"http://wso2.org/claims/identity/emailVerified": "true"}
    assert password_token(server, "rose", GOOD) == 200
    # Once.
    assert submit(browser, page, {}).status == 400
    assert browser.get(page).status == 400


def test_the_account_made_the_flow_that_waits_goes_on(server: Server, mails: Mailbox) -> None:
    browser = Browser()
    flow = waiting_flow(server, browser)
    where = f"/oauth2/sign-up?flow={flow}"
    assert f"/oauth2/login?flow={flow}" in browser.get(where).text
    assert sign_up(browser, where, username="flo", email="flo@example.com").status == 200
    page = path_of(mails.link("flo@example.com"))
    # In another browser the flow is none, and the account is made all the same.
    seen = submit(browser, page, {})
    assert f'href="/oauth2/login?flow={flow}"' in seen.text
    login = browser.get(f"/oauth2/login?flow={flow}")
    seen = browser.post("/oauth2/login", {**login.hidden, "username": "flo", "password": GOOD})
    assert seen.location == f"/oauth2/password?flow={flow}"


def test_in_another_browser_there_is_no_flow_to_go_on_with(server: Server, mails: Mailbox) -> None:
    browser = Browser()
    flow = waiting_flow(server, browser)
    where = f"/oauth2/sign-up?flow={flow}"
    assert sign_up(browser, where, username="otto", email="otto@example.com").status == 200
    seen = submit(Browser(), path_of(mails.link("otto@example.com")), {})
    assert seen.status == 200
    assert flow not in seen.text


def test_sign_up_answers_the_same_for_names_and_addresses_that_are_known(
    server: Server, mails: Mailbox
) -> None:
    server.accounts.create(server.caller, "taken", GOOD, email="taken@example.com")
    answers = [
        sign_up(Browser(), username="nobody", email="free@example.com"),
        sign_up(Browser(), username="taken", email="newcomer@example.com"),
        sign_up(Browser(), username="newcomer", email="Taken@Example.com"),
    ]
    texts = {
        seen.text.replace(email, "…")
        for seen, email in zip(
            answers,
            ("free@example.com", "newcomer@example.com", "Taken@Example.com"),
            strict=True,
        )
    }
    assert {seen.status for seen in answers} == {200}
    assert len(texts) == 1
    assert mails.to("newcomer@example.com")[-1][0] == "Choose another user name"
    subject, text = mails.to("Taken@Example.com")[-1]
    assert subject == "You have an account already"
    assert f"{GATEWAY}/oauth2/reset" in text


def test_sign_up_takes_the_same_time_for_names_that_are_known(
    server: Server, mails: Mailbox
) -> None:
    times = []
    for name, email in (("jane", "slow@example.com"), ("quick", "quick@example.com")):
        began = time.monotonic()
        sign_up(Browser(), username=name, email=email)
        times.append(time.monotonic() - began)
    assert all(STEADY <= taken < STEADY + 0.5 for taken in times), times


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"username": "a/b"}, "User name must be"),
        ({"username": ""}, "User name must be"),
        ({"email": "no address"}, "must be an e-mail address"),
        ({"email": "a@b"}, "must be an e-mail address"),
        ({"email": "a@example.com, b@example.com"}, "must be an e-mail address"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "must be an e-mail address"),
        ({"password": "short", "repeat": "short"}, "must have 8 to 256 characters"),
        ({"password": "x" * 257, "repeat": "x" * 257}, "must have 8 to 256 characters"),
        ({"password": "password1", "repeat": "password1"}, "everybody tries first"),
        ({"password": "Password1", "repeat": "Password1"}, "everybody tries first"),
        ({"username": "rosemarie", "password": "RoseMarie", "repeat": "RoseMarie"}, "user name"),
        ({"repeat": OTHER}, "is not the same password"),
        ({"given_name": "x" * 101}, "First name must have"),
    ],
)
def test_what_breaks_a_rule_is_told_beside_its_field(
    mails: Mailbox, fields: dict[str, str], told: str
) -> None:
    given = {"email": "rules@example.com", **fields}
    seen = sign_up(Browser(), **given)
    assert seen.status == 400
    assert told in seen.text
    assert 'aria-invalid="true"' in seen.text
    assert GOOD not in seen.text, "a password came back in the page"
    assert mails.to(given["email"]) == []


def test_what_is_filled_in_is_shown_as_text(mails: Mailbox) -> None:
    seen = sign_up(Browser(), username='"><script>alert(1)</script>')
    assert seen.status == 400
    assert "<script>" not in seen.text


def test_only_one_account_is_made_of_one_address(server: Server, mails: Mailbox) -> None:
    sign_up(Browser(), username="first", email="twice@example.com")
    first = path_of(mails.link("twice@example.com"))
    sign_up(Browser(), username="second", email="twice@example.com")
    second = path_of(mails.link("twice@example.com"))
    assert submit(Browser(), first, {}).status == 200
    assert submit(Browser(), second, {}).status == 409
    with pytest.raises(NotFound):
        server.accounts.get(TENANT, "second")


def test_a_form_of_another_site_signs_nobody_up(mails: Mailbox) -> None:
    browser = Browser()
    seen = browser.post("/oauth2/sign-up", FIELDS, **{"sec-fetch-site": "cross-site"})
    assert seen.status == 403


def test_without_the_tenants_leave_there_is_no_sign_up(server: Server, mails: Mailbox) -> None:
    sign_up(Browser(), username="late", email="late@example.com")
    page = path_of(mails.link("late@example.com"))
    rules = server.aws.records.get(TokenRules, tenant=TENANT)
    server.aws.records.commit(Put(TokenRules(tenant=TENANT)))
    try:
        assert Browser().get("/oauth2/sign-up").status == 404
        assert sign_up(Browser(), email="closed@example.com").status == 404
        assert submit(Browser(), page, {}).status == 404
        with pytest.raises(NotFound):
            server.accounts.get(TENANT, "late")
    finally:
        assert rules
        server.aws.records.commit(Put(rules))


def test_without_a_sender_the_pages_say_so_and_nothing_is_begun(
    server: Server, mails: Mailbox
) -> None:
    os.environ["PORTICO_MAIL_SENDER"] = ""
    forget()
    try:
        for seen in (
            Browser().get("/oauth2/sign-up"),
            sign_up(Browser(), email="none@example.com"),
            Browser().get("/oauth2/reset"),
            submit(Browser(), "/oauth2/reset", {"username": "jane"}),
        ):
            assert seen.status == 503
            assert "administrator" in seen.text
    finally:
        os.environ["PORTICO_MAIL_SENDER"] = SENDER
        forget()


def test_a_tenants_people_sign_up_with_the_tenant(server: Server, mails: Mailbox) -> None:
    server.aws.records.commit(
        Put(Tenant(tenant="acme.com")), Put(TokenRules(tenant="acme.com", sign_up=True))
    )
    where = "/t/acme.com/oauth2/sign-up"
    assert sign_up(Browser(), where, username="ann", email="ann@example.com").status == 200
    assert submit(Browser(), path_of(mails.link("ann@example.com")), {}).status == 200
    assert server.accounts.get("acme.com", "ann").roles == (SUBSCRIBER,)
    # A name that could never sign in, for it means somebody of the other tenant.
    seen = sign_up(Browser(), username="ann@acme.com", email="ann2@example.com")
    assert seen.status == 400


# --- password reset -----------------------------------------------------------------------------


@pytest.fixture
def person(server: Server, mails: Mailbox, request: pytest.FixtureRequest) -> User:
    """A user with an e-mail address, another one for each test."""
    name = request.node.name.removeprefix("test_")[:40].lower()
    return server.accounts.create(
        server.caller, name, GOOD, [SUBSCRIBER], email=f"{name}@example.com"
    )


def ask(named: str) -> Seen:
    # From another network each time, for those are slowed down.
    browser = Browser(address=f"198.51.100.{next(NETWORKS)}")
    return submit(browser, "/oauth2/reset", {"username": named})


def test_a_forgotten_password_is_set_anew(server: Server, mails: Mailbox, person: User) -> None:
    assert ask(person.name).status == 200
    page = path_of(mails.link(person.email))
    seen = Browser().get(page)
    assert seen.status == 200
    assert person.name in seen.text
    seen = submit(Browser(), page, {"password": OTHER, "repeat": OTHER})
    assert seen.status == 200
    assert password_token(server, person.name, OTHER) == 200
    assert password_token(server, person.name, GOOD) == 400
    assert mails.to(person.email)[-1][0] == "Your password was changed"


def test_the_link_of_a_reset_works_once(server: Server, mails: Mailbox, person: User) -> None:
    ask(person.email.upper())
    first = path_of(mails.link(person.email))
    ask(person.email)
    second = path_of(mails.link(person.email))
    assert submit(Browser(), first, {"password": OTHER, "repeat": OTHER}).status == 200
    for page in (first, second):
        assert Browser().get(page).status == 400
        assert submit(Browser(), page, {"password": GOOD, "repeat": GOOD}).status == 400
    assert password_token(server, person.name, OTHER) == 200


def test_a_weak_password_is_not_taken_and_the_link_still_works(
    server: Server, mails: Mailbox, person: User
) -> None:
    ask(person.name)
    page = path_of(mails.link(person.email))
    assert submit(Browser(), page, {"password": "12345678", "repeat": "12345678"}).status == 400
    assert submit(Browser(), page, {"password": OTHER, "repeat": GOOD}).status == 400
    assert submit(Browser(), page, {"password": OTHER, "repeat": OTHER}).status == 200


def test_a_reset_ends_sessions_and_tokens(server: Server, mails: Mailbox, person: User) -> None:
    browser = Browser()
    assert sign_in(browser, person.name, GOOD).location.startswith("/oauth2/password")
    assert browser.get("/oauth2/password").status == 200
    _, credentials = server.client("of-reset")
    form = {"grant_type": "password", "username": person.name, "password": GOOD}
    tokens = server.token(form, basic=credentials).json
    time.sleep(1.1)  # the mark spares what is of the same second
    ask(person.name)
    seen = submit(
        Browser(), path_of(mails.link(person.email)), {"password": OTHER, "repeat": OTHER}
    )
    assert seen.status == 200
    assert browser.get("/oauth2/password").status == 303
    told = server.call(
        "POST", "/oauth2/introspect", {"token": tokens["access_token"]}, basic=credentials
    )
    assert told.json == {"active": False}
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert server.token(form, basic=credentials).json["error"] == "invalid_grant"
    mark = server.aws.records.get(Revocation, tenant=TENANT, subject=f"user:{person.name}")
    assert mark is not None


def test_asking_answers_the_same_in_the_same_time_for_unknown_users(
    mails: Mailbox, person: User
) -> None:
    answers, times = set(), []
    for named in (person.name, person.email, "nobody-here", "nobody@example.com", "a/b", "jane"):
        began = time.monotonic()
        seen = ask(named)
        times.append(time.monotonic() - began)
        answers.add((seen.status, seen.text))
    assert len(answers) == 1
    assert answers.pop()[0] == 200
    assert all(STEADY <= taken < STEADY + 0.5 for taken in times), times


def test_an_address_of_several_users_gets_a_mail_for_each(
    server: Server, mails: Mailbox, person: User
) -> None:
    server.accounts.create(server.caller, "same-address", GOOD, email=person.email)
    ask(person.email)
    texts = [text for _, text in mails.to(person.email)]
    assert len(texts) == 2
    assert any("same-address" in text for text in texts)


def test_no_link_for_users_who_are_not_active_or_sign_in_elsewhere(
    server: Server, mails: Mailbox, person: User
) -> None:
    server.accounts.update(server.caller, person, active=False)
    server.accounts.create(server.caller, "outsider", NO_PASSWORD, email="outsider@example.com")
    assert ask(person.name).status == ask("outsider").status == 200
    assert mails.to(person.email) == []
    subject, text = mails.to("outsider@example.com")[-1]
    assert subject == "Your account has no password"
    assert "http" not in text


def test_a_link_is_not_for_the_next_user_of_the_name(
    server: Server, mails: Mailbox, person: User
) -> None:
    ask(person.name)
    page = path_of(mails.link(person.email))
    server.accounts.delete(server.caller, person)
    server.accounts.create(server.caller, person.name, GOOD)
    assert submit(Browser(), page, {"password": OTHER, "repeat": OTHER}).status == 400
    assert password_token(server, person.name, GOOD) == 200


def test_a_reset_lets_in_who_was_locked_out(server: Server, mails: Mailbox, person: User) -> None:
    browser = Browser(address="203.0.113.44")
    for _ in range(PER_USER):
        sign_in(browser, person.name, "wrong-password")
    assert sign_in(browser, person.name, GOOD).status == 429
    ask(person.name)
    page = path_of(mails.link(person.email))
    assert submit(Browser(), page, {"password": OTHER, "repeat": OTHER}).status == 200
    assert sign_in(browser, person.name, OTHER).status == 303


# --- password change ----------------------------------------------------------------------------


def change(browser: Browser, present: str, password: str = OTHER, repeat: str = "") -> Seen:
    fields = {"present": present, "password": password, "repeat": repeat or password}
    return submit(browser, "/oauth2/password", fields)


def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(
    server: Server, mails: Mailbox, person: User
) -> None:
    here, there = Browser(), Browser()
    for browser in (here, there):
        assert sign_in(browser, person.name, GOOD).status == 303
    cookie = here.jar["portico-session"]
    assert change(here, GOOD).status == 200
    assert here.jar["portico-session"] != cookie
    assert here.get("/oauth2/password").status == 200
    assert there.get("/oauth2/password").status == 303
    assert password_token(server, person.name, OTHER) == 200
    assert mails.to(person.email)[-1][0] == "Your password was changed"


def test_a_change_asks_for_the_present_password(
    server: Server, mails: Mailbox, person: User
) -> None:
    browser = Browser()
    sign_in(browser, person.name, GOOD)
    assert change(browser, "wrong-password").status == 401
    assert change(browser, GOOD, "password1").status == 400
    assert change(browser, GOOD, OTHER, "something else").status == 400
    assert password_token(server, person.name, GOOD) == 200


def test_guessing_the_present_password_is_slowed_down(
    server: Server, mails: Mailbox, person: User
) -> None:
    browser = Browser(address="203.0.113.46")
    sign_in(browser, person.name, GOOD)
    for _ in range(PER_USER):
        assert change(browser, "wrong-password").status == 401
    seen = change(browser, GOOD)
    assert seen.status == 429
    assert int(seen.headers["Retry-After"]) > 0


def test_a_form_of_another_site_changes_no_password(
    server: Server, mails: Mailbox, person: User
) -> None:
    browser = Browser()
    sign_in(browser, person.name, GOOD)
    fields = {"present": GOOD, "password": OTHER, "repeat": OTHER}
    seen = browser.post("/oauth2/password", fields, **{"sec-fetch-site": "cross-site"})
    assert seen.status == 403
    assert password_token(server, person.name, GOOD) == 200


def test_users_are_found_by_the_address_that_they_have_now(server: Server, mails: Mailbox) -> None:
    user = server.accounts.create(server.caller, "moving", GOOD, email="Old@example.com")
    assert [one.name for one in server.accounts.with_email(TENANT, "old@EXAMPLE.com")] == ["moving"]
    user = server.accounts.update(server.caller, user, email="new@example.com")
    assert server.accounts.with_email(TENANT, "old@example.com") == []
    assert [one.name for one in server.accounts.with_email(TENANT, "new@example.com")] == ["moving"]
    server.accounts.delete(server.caller, user)
    assert server.accounts.with_email(TENANT, "new@example.com") == []
