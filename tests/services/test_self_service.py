"""Sign-ups, resets and changes of passwords on fakes: limits, races and mails that do not leave."""

from dataclasses import dataclass, field, replace

import pytest

from portico.domain.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    TooManyAttempts,
    Unavailable,
)
from portico.domain.records import Replace
from portico.domain.self_service import PasswordReset, SignUp
from portico.domain.user import ADMIN, SUBSCRIBER, Caller, User
from portico.services import password_resets, signing_up
from portico.services.accounts import Accounts
from portico.services.password_choice import choice_problems
from portico.services.password_resets import PasswordResets
from portico.services.signing_up import EMAIL, SigningUp, Wish
from tests.fakes import FakeClock, FakeMailer, FakeRecords
from tests.services.test_accounts import PlainHasher

TENANT = "carbon.super"
CALLER = Caller(TENANT, "admin", (ADMIN,))
URL = "https://gateway.example"
GOOD, OTHER = "correct horse battery", "another fine staple"
WISH = Wish("Rose", "rose@example.com", GOOD)


@dataclass
class Site:
    """Both services on fakes, with Jane."""

    records: FakeRecords = field(default_factory=FakeRecords)
    clock: FakeClock = field(default_factory=FakeClock)
    mailer: FakeMailer = field(default_factory=FakeMailer)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.records, self.clock, PlainHasher())
        self.jane = self.accounts.create(CALLER, "jane", GOOD, email="jane@example.com")
        parts = (self.records, self.clock, self.accounts, self.mailer, URL)
        self.signing_up, self.resets = SigningUp(*parts), PasswordResets(*parts)

    def link(self) -> str:
        """The text in the link of the last mail."""
        mail = list(self.mailer.mails.values())[-1]
        return mail.text.partition("?link=")[2].split()[0].partition("&")[0]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_link_of_a_sign_up_ends_after_a_day(site: Site) -> None:
    site.signing_up.ask(TENANT, WISH, "")
    link = site.link()
    site.clock.pass_by(signing_up.LIFETIME - 1)
    assert site.signing_up.waiting(link).name == "rose"
    site.clock.pass_by(1)
    with pytest.raises(NotFound):
        site.signing_up.confirm(link, [SUBSCRIBER])


def test_a_link_of_a_reset_ends_after_an_hour(site: Site) -> None:
    site.resets.ask(TENANT, "jane", "")
    link = site.link()
    site.clock.pass_by(password_resets.LIFETIME - 1)
    assert site.resets.waiting(link).name == "jane"
    site.clock.pass_by(1)
    with pytest.raises(NotFound):
        site.resets.choose(link, OTHER)


def test_links_and_passwords_are_not_stored_as_they_are(site: Site) -> None:
    site.signing_up.ask(TENANT, WISH, "")
    links = [site.link()]
    site.resets.ask(TENANT, "jane", "")
    links.append(site.link())
    stored = repr(list(site.records.items.values()))
    assert all(link not in stored for link in links)
    kinds = {type(record) for record in site.records.items.values()}
    assert {SignUp, PasswordReset} <= kinds


def test_sign_ups_with_one_address_are_slowed_down_for_an_hour(site: Site) -> None:
    for number in range(signing_up.PER_EMAIL):
        site.signing_up.ask(TENANT, replace(WISH, name=f"rose{number}"), "")
    with pytest.raises(TooManyAttempts) as caught:
        site.signing_up.ask(TENANT, replace(WISH, email="ROSE@example.com"), "")
    assert caught.value.retry_after == signing_up.WINDOW + 1
    assert len(site.mailer.sent) == signing_up.PER_EMAIL
    site.clock.pass_by(signing_up.WINDOW)
    site.signing_up.ask(TENANT, WISH, "")


def test_sign_ups_from_one_network_are_slowed_down(site: Site) -> None:
    for number in range(signing_up.PER_ADDRESS):
        wish = replace(WISH, email=f"rose{number}@example.com")
        site.signing_up.ask(TENANT, wish, f"2001:db8::{number + 1}")
    with pytest.raises(TooManyAttempts):
        site.signing_up.ask(TENANT, WISH, "2001:db8::ffff")
    site.signing_up.ask(TENANT, WISH, "2001:db8:1::1")


@pytest.mark.parametrize("named", ["jane", "jane@example.com", "nobody", "nobody@example.com"])
def test_resets_of_one_user_are_slowed_down_known_or_not(site: Site, named: str) -> None:
    for _ in range(password_resets.PER_NAME):
        site.resets.ask(TENANT, named, "")
    with pytest.raises(TooManyAttempts) as caught:
        site.resets.ask(TENANT, named.upper(), "")
    assert caught.value.retry_after == password_resets.WINDOW + 1


def test_resets_from_one_network_are_slowed_down(site: Site) -> None:
    for number in range(password_resets.PER_ADDRESS):
        site.resets.ask(TENANT, f"nobody{number}", "203.0.113.7")
    with pytest.raises(TooManyAttempts):
        site.resets.ask(TENANT, "jane", "203.0.113.7")
    site.resets.ask(TENANT, "jane", "203.0.113.8")


def test_a_mail_that_did_not_leave_can_be_asked_for_again(site: Site) -> None:
    site.mailer.failing = {
        "rose@example.com": [Unavailable("SES did not answer")],
        "jane@example.com": [Unavailable("SES did not answer")],
    }
    with pytest.raises(Unavailable):
        site.signing_up.ask(TENANT, WISH, "")
    site.signing_up.ask(TENANT, WISH, "")
    assert site.signing_up.confirm(site.link(), [SUBSCRIBER]).name == "rose"
    # A failure would tell that there is such a user: only the log hears of it.
    assert site.resets.ask(TENANT, "jane", "") == ["Unavailable: SES did not answer"]
    assert site.resets.ask(TENANT, "jane", "") == []
    assert site.resets.choose(site.link(), OTHER).era == 1


def test_a_password_is_changed_even_when_its_owner_cannot_be_told(site: Site) -> None:
    site.mailer.failing = {"jane@example.com": [Unavailable("SES did not answer")]}
    site.resets.change(TENANT, "jane", GOOD, OTHER, "")
    assert site.accounts.authenticate(TENANT, "jane", OTHER).name == "jane"


def test_two_confirmations_at_once_make_one_account(site: Site) -> None:
    site.signing_up.ask(TENANT, WISH, "")
    link = site.link()
    site.records.before_commit = lambda: site.signing_up.confirm(link, [SUBSCRIBER])
    with pytest.raises(AlreadyExists):
        site.signing_up.confirm(link, [SUBSCRIBER])
    assert [user.name for user in site.accounts.list(TENANT)] == ["jane", "rose"]


def test_two_resets_with_one_link_at_once_set_one_password(site: Site) -> None:
    site.resets.ask(TENANT, "jane", "")
    link = site.link()
    site.records.before_commit = lambda: site.resets.choose(link, OTHER)
    with pytest.raises(NotFound):
        site.resets.choose(link, "a third fine password")
    assert site.accounts.authenticate(TENANT, "jane", OTHER).era == 1


def test_a_user_who_was_changed_meanwhile_keeps_the_link(site: Site) -> None:
    site.resets.ask(TENANT, "jane", "")
    link = site.link()
    site.accounts.update(CALLER, site.jane, given_name="Jane")
    assert site.resets.choose(link, OTHER).given_name == "Jane"


def test_a_name_taken_after_the_mail_is_not_taken_twice(site: Site) -> None:
    site.signing_up.ask(TENANT, WISH, "")
    site.accounts.create(CALLER, "rose", GOOD)
    with pytest.raises(AlreadyExists):
        site.signing_up.confirm(site.link(), [SUBSCRIBER])
    assert site.accounts.get(TENANT, "rose").email == ""


def test_a_text_that_is_no_link_leads_nowhere(site: Site) -> None:
    for text in ("", "x", "acme.com:", "a#b", "é", "x" * 5000, "acme.com:" + "x" * 43):
        with pytest.raises(NotFound):
            site.signing_up.waiting(text)
        with pytest.raises(NotFound):
            site.resets.waiting(text)


def test_an_address_that_another_record_still_names_is_not_taken_for_it(site: Site) -> None:
    # As if an index were older than its user.
    site.records.commit(Replace(replace(site.jane, email="new@example.com")))
    assert site.accounts.with_email(TENANT, "jane@example.com") == []


@pytest.mark.parametrize(
    "email",
    ["a@example.com", "a.b+c@mail.example.com", "o'neill@example.com", "a@xn--bcher-kva.example"],
)
def test_addresses_that_mails_go_to(email: str) -> None:
    assert EMAIL.fullmatch(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "@example.com",
        "a@",
        "a@b",
        "a b@example.com",
        "a@example.com\n",
        "a@exam ple.com",
        ".a@example.com",
        "a..b@example.com",
        "a@-example.com",
        "a@[127.0.0.1]",
        '"a"@example.com',
        "a@example.com,b@example.com",
        "ä@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
    ],
)
def test_texts_that_are_no_address(email: str) -> None:
    assert not EMAIL.fullmatch(email)


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("x1-y2-z3", True),
        ("x" * 7, False),
        ("abcdefg" * 36 + "abcd", True),
        ("abcdefg" * 36 + "abcde", False),
        ("jane-the-user", False),
        ("JANE-the-user", False),
        ("jane-the-user1", False),
        ("jane@example.com", False),
        ("12345678", False),
        ("PASSWORD1", False),
        ("aaaaaaaaaa", False),
        ("abababababab", False),
        ("ein ganz langer Satz", True),
        ("пароль-подлиннее", True),
    ],
)
def test_what_may_be_a_password(password: str, fits: bool) -> None:
    problems = choice_problems(password, "jane-the-user", "jane@example.com")
    assert [problem.field for problem in problems] == ([] if fits else ["password"])


def test_a_change_needs_another_rule_abiding_password(site: Site) -> None:
    with pytest.raises(InvalidInput):
        site.resets.change(TENANT, "jane", GOOD, "password1", "")
    kept = site.records.get(User, tenant=TENANT, name="jane")
    assert kept == site.jane
