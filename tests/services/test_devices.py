"""Devices: codes, what the user decides, and every answer to a poll (RFC 8628)."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.application import Client
from portico.domain.authorization import BrowserSession, DeviceGrant, Flow
from portico.domain.errors import NotFound, TooManyAttempts, Unavailable
from portico.domain.records import Change, Create, Discard, Put, Replace
from portico.services.clients import digest
from portico.services.devices import (
    DENIED,
    ENTRIES,
    LETTERS,
    LIFETIME,
    WINDOW,
    DeviceRefused,
    Devices,
    canonical,
    shown,
)
from portico.services.families import user_ended
from portico.services.issuing import Issued
from portico.tokens.jwt import verify
from tests.services.test_issuing import TENANT, Site, public

HOME = "203.0.113.7"


class Living(Site):
    """A site with a television that waits for Jane."""

    def __init__(self) -> None:
        super().__init__()
        self.devices = Devices(self.records, self.clock, lambda: self.issuing)
        self.tv = self.make_client("tv")
        self.code, self.device = self.devices.begin(self.tv, ["openid", "email", "openid"])

    def decide(self, allowed: bool = True) -> None:
        flow = self.flow()
        self.devices.decide(flow, self.session(), allowed=allowed)

    def flow(self, **more: Any) -> Flow:
        about = {"device": self.device.digest, "user_code": self.device.user_code, **more}
        flow = Flow(
            tenant=TENANT,
            digest="f",
            client_id=self.tv.client_id,
            parameters=about,
            expires=int(self.clock.now()) + 600,
            kind="device",
        )
        self.records.commit(Put(flow))
        return replace(flow, stamp=1)

    def session(self) -> BrowserSession:
        at = int(self.clock.now()) - 3
        return BrowserSession(
            tenant=TENANT,
            digest="s",
            user="jane",
            user_id="1",
            at=at,
            expires=at + 900,
            methods=("pwd",),
            sid="sid-1",
        )

    def poll(self, client: Client | None = None) -> Issued:
        return self.devices.poll(client or self.tv, self.code)

    def refused(self, client: Client | None = None) -> str:
        with pytest.raises(DeviceRefused) as caught:
            self.poll(client)
        return caught.value.error

    def stored(self) -> DeviceGrant:
        found = self.records.get(DeviceGrant, tenant=TENANT, digest=digest(self.code))
        assert found
        return found


@pytest.fixture
def home() -> Living:
    return Living()


def test_user_codes_are_eight_letters_of_which_no_words_come(home: Living) -> None:
    """RFC 8628 section 6.1."""
    assert not set(LETTERS) & set("AEIOUY0123456789")
    assert len(home.device.user_code) == 8
    assert set(home.device.user_code) <= set(LETTERS)
    assert shown("WDJBMJHT") == "WDJB-MJHT"


@pytest.mark.parametrize(
    "typed", ["WDJB-MJHT", "wdjb-mjht", "wdjbmjht", " WDJB MJHT ", "w.d_j-b\tmjht"]
)
def test_a_code_may_be_typed_in_any_way(typed: str) -> None:
    assert canonical(typed) == "WDJBMJHT"


@pytest.mark.parametrize("typed", ["", "WDJB", "WDJB-MJHA", "WDJBMJHTT", "1DJBMJHT", "WDJB#MJHT"])
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert canonical(typed) == ""


def test_the_device_waits_until_the_user_allows_it_and_gets_tokens_once(home: Living) -> None:
    """RFC 8628 sections 3.4 and 3.5."""
    assert home.refused() == "authorization_pending"
    home.decide()

    issued = home.poll()

    claims = home.claims(issued.access_token)
    assert (claims["sub"], claims["scope"]) == ("jane@carbon.super", "openid email")
    assert claims["fam"] == home.stored().family
    assert issued.refresh_token
    token = verify(issued.id_token, public(), now=home.clock.now(), typ="JWT")
    assert (token["amr"], token["sid"]) == (["pwd"], "sid-1")
    assert token["auth_time"] == int(home.clock.now()) - 3


def test_a_device_code_that_comes_again_revokes_what_it_gave(home: Living) -> None:
    home.decide()
    issued = home.poll()

    assert home.refused() == "invalid_grant"
    assert not home.revoking.inspect(issued.access_token)["active"]


def test_a_device_that_polls_too_fast_must_slow_down_by_five_seconds(home: Living) -> None:
    """RFC 8628 section 3.5."""
    assert home.refused() == "authorization_pending"
    home.clock.pass_by(4)
    assert home.refused() == "slow_down"
    home.clock.pass_by(9)
    assert home.refused() == "slow_down"
    home.clock.pass_by(15)
    assert home.refused() == "authorization_pending"
    assert home.stored().interval == 15


def test_a_device_that_keeps_the_interval_is_told_to_wait_on(home: Living) -> None:
    for _ in range(5):
        assert home.refused() == "authorization_pending"
        home.clock.pass_by(5)


def test_a_denied_device_is_told_so_each_time(home: Living) -> None:
    home.decide(allowed=False)

    assert [home.refused(), home.refused()] == ["access_denied", "access_denied"]
    assert home.stored().status == DENIED


@pytest.mark.parametrize("decided", [False, True])
def test_codes_expire_whether_allowed_or_not(home: Living, decided: bool) -> None:
    if decided:
        home.decide()
    home.clock.pass_by(LIFETIME)

    assert home.refused() == "expired_token"
    with pytest.raises(NotFound):
        home.devices.waiting(TENANT, home.device.user_code)


def test_a_device_code_is_its_clients_alone(home: Living) -> None:
    home.decide()
    other = home.make_client("another")
    before = dict(home.records.items)

    assert home.refused(other) == "invalid_grant"
    assert home.records.items == before
    assert home.poll().access_token


def test_an_unknown_device_code_is_no_grant(home: Living) -> None:
    home.code = home.device.user_code

    assert home.refused() == "invalid_grant"


@pytest.mark.parametrize("fate", ["deleted", "locked", "made anew", "revoked"])
def test_a_device_whose_user_is_gone_gets_nothing(home: Living, fate: str) -> None:
    home.decide()
    jane = replace(home.jane, stamp=1)
    changes: dict[str, Change] = {
        "deleted": Discard(jane),
        "locked": Replace(replace(jane, active=False)),
        "made anew": Discard(jane),
        "revoked": user_ended(home.clock, TENANT, "jane"),
    }
    home.records.commit(changes[fate])
    if fate == "made anew":
        home.records.commit(Create(replace(home.jane, id="2")))

    assert home.refused() == "invalid_grant"


def test_a_code_that_was_decided_is_not_found_again(home: Living) -> None:
    home.decide()

    with pytest.raises(NotFound):
        home.devices.entered(TENANT, home.device.user_code, HOME)


def test_a_form_that_comes_twice_decides_once(home: Living) -> None:
    flow = home.flow()
    home.devices.decide(flow, home.session(), allowed=False)

    assert home.records.get(Flow, tenant=TENANT, digest=flow.digest) is None
    with pytest.raises(NotFound):
        home.devices.decide(flow, home.session(), allowed=True)
    assert home.refused() == "access_denied"


def test_two_answers_at_the_same_moment_decide_once(home: Living) -> None:
    flow = home.flow()
    home.records.before_commit = lambda: home.devices.decide(flow, home.session(), allowed=False)

    with pytest.raises(NotFound):
        home.devices.decide(flow, home.session(), allowed=True)
    assert home.refused() == "access_denied"


def test_the_users_answer_and_a_poll_at_the_same_moment_both_count(home: Living) -> None:
    home.records.before_commit = lambda: home.refused()
    home.decide()
    assert home.poll().access_token

    home.code, home.device = home.devices.begin(home.tv, ["openid"])
    home.records.before_commit = home.decide
    assert home.poll().access_token


def test_of_two_polls_at_the_same_moment_one_gets_tokens(home: Living) -> None:
    home.decide()
    won: list[Issued] = []
    home.records.before_commit = lambda: won.append(home.poll())

    assert home.refused() == "invalid_grant"
    assert len(won) == 1


def test_a_flow_of_another_device_decides_nothing(home: Living) -> None:
    """A code that was given anew, to another device, after the flow began."""
    with pytest.raises(NotFound):
        home.devices.decide(home.flow(device="another"), home.session(), allowed=True)
    assert home.refused() == "authorization_pending"


def test_a_user_code_that_is_taken_is_not_given_twice(home: Living) -> None:
    letters = iter([*home.device.user_code, *"BCDFGHJK"])
    devices = replace(home.devices, pick=lambda _: next(letters))

    _, device = devices.begin(home.tv, [])

    assert device.user_code == "BCDFGHJK"


def test_a_device_for_which_no_code_is_free_may_try_again_later(home: Living) -> None:
    devices = replace(home.devices, pick=lambda _: "B")
    devices.begin(home.tv, [])

    with pytest.raises(Unavailable):
        devices.begin(home.tv, [])


def test_one_network_may_try_only_so_many_codes(home: Living) -> None:
    """RFC 8628 section 5.1: also when a later one would be right, and all of an IPv6 /64."""
    for number in range(ENTRIES):
        with pytest.raises(NotFound):
            home.devices.entered(TENANT, "BBBB-BBBB", f"2001:db8::{number:x}")

    with pytest.raises(TooManyAttempts):
        home.devices.entered("acme.example", "BBBB-BBBB", "2001:db8::ffff")
    with pytest.raises(TooManyAttempts):
        home.devices.entered(TENANT, home.device.user_code, "2001:db8::ffff")
    assert home.devices.entered(TENANT, home.device.user_code, HOME)
    home.clock.pass_by(WINDOW + 1)
    assert home.devices.entered(TENANT, home.device.user_code, "2001:db8::1")
