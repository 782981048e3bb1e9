"""Flows belong to one browser and end once; sessions end with what they rest on."""

from dataclasses import replace

import pytest

from portico.domain.authorization import BrowserSession, Flow
from portico.domain.errors import LostRace, NotFound
from portico.domain.gateway import Revocation
from portico.domain.records import Put
from portico.domain.user import User
from portico.services.browser_sessions import LIFETIME, BrowserSessions
from portico.services.flows import LIFETIME as FLOW_LIFETIME
from portico.services.flows import Flows, new_text, tenant_of
from tests.fakes import FakeClock, FakeRecords

SUPER, ACME = "carbon.super", "acme.com"
JANE = User(tenant=ACME, name="jane", id="u-1", password="hash")


@pytest.fixture
def records() -> FakeRecords:
    records = FakeRecords()
    records.commit(Put(JANE))
    return records


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_text_tells_its_tenant() -> None:
    assert tenant_of(new_text(SUPER)) == SUPER
    assert ":" not in new_text(SUPER)
    assert tenant_of(new_text(ACME)) == ACME
    for text in ("", "a b", "acme.com:", "ACME:x", "a#b:x", "a:b:c", "x" * 101, "../x"):
        assert tenant_of(text) is None, text


@pytest.mark.parametrize("tenant", [SUPER, ACME])
def test_a_flow_is_found_by_its_browser_only(
    records: FakeRecords, clock: FakeClock, tenant: str
) -> None:
    flows = Flows(records, clock)
    text = flows.begin(tenant, "authorize", "app", {"scope": "a"}, "this browser")
    flow = flows.get(text, "this browser", "authorize")
    assert (flow.tenant, flow.client_id, flow.parameters) == (tenant, "app", {"scope": "a"})
    assert text not in str(records.items)
    assert "this browser" not in str(records.items)
    for other, kind in (("another", ""), ("", ""), ("this browser", "device")):
        with pytest.raises(NotFound):
            flows.get(text, other, kind)
    with pytest.raises(NotFound):
        flows.get(text + "x", "this browser")


def test_a_flow_has_an_end(records: FakeRecords, clock: FakeClock) -> None:
    flows = Flows(records, clock)
    text = flows.begin(SUPER, "authorize", "app", {}, "browser")
    clock.pass_by(FLOW_LIFETIME - 1)
    flows.get(text, "browser")
    clock.pass_by(1)
    with pytest.raises(NotFound):
        flows.get(text, "browser")


def test_a_flow_finishes_once(records: FakeRecords, clock: FakeClock) -> None:
    flows = Flows(records, clock)
    text = flows.begin(SUPER, "authorize", "app", {}, "browser")
    one, other = flows.get(text, "browser"), flows.get(text, "browser")
    records.commit(flows.finish(one))
    with pytest.raises(LostRace):
        records.commit(flows.finish(other))
    with pytest.raises(NotFound):
        flows.get(text, "browser")


def test_what_is_saved_is_seen_and_guards_against_others(
    records: FakeRecords, clock: FakeClock
) -> None:
    flows = Flows(records, clock)
    text = flows.begin(SUPER, "authorize", "app", {}, "browser")
    before = flows.get(text, "browser")
    saved = flows.save(replace(before, session="s"))
    assert flows.get(text, "browser") == saved
    with pytest.raises(LostRace):
        flows.save(before)


def test_a_session_is_kept_by_digest_and_ends(records: FakeRecords, clock: FakeClock) -> None:
    sessions = BrowserSessions(records, clock)
    value, session = sessions.begin(JANE, ["pwd"])
    found = sessions.current(value)
    assert found is not None
    assert (found.user, found.user_id, found.methods) == ("jane", "u-1", ("pwd",))
    assert found.digest == session.digest
    assert found.sid
    assert value not in str(records.items)
    assert sessions.current(value + "x") is None
    assert sessions.current("") is None
    clock.pass_by(LIFETIME)
    assert sessions.current(value) is None


def test_a_session_ends_when_its_browser_signs_out(records: FakeRecords, clock: FakeClock) -> None:
    sessions = BrowserSessions(records, clock)
    value, _ = sessions.begin(JANE, ["pwd"])
    other, _ = sessions.begin(JANE, ["pwd"])
    sessions.end(value)
    sessions.end("nonsense value")
    assert sessions.current(value) is None
    assert sessions.current(other) is not None


@pytest.mark.parametrize(
    "change", [{"active": False}, {"id": "u-2"}], ids=["inactive", "another of the name"]
)
def test_a_session_ends_with_its_user(
    records: FakeRecords, clock: FakeClock, change: dict[str, str | bool]
) -> None:
    sessions = BrowserSessions(records, clock)
    value, _ = sessions.begin(JANE, ["pwd"])
    records.commit(Put(replace(JANE, **change)))  # type: ignore[arg-type]
    assert sessions.current(value) is None


def test_a_session_ends_when_all_of_its_user_is_revoked(
    records: FakeRecords, clock: FakeClock
) -> None:
    sessions = BrowserSessions(records, clock)
    old, _ = sessions.begin(JANE, ["pwd"])
    now = int(clock.now())
    ended = Revocation(tenant=ACME, subject="user:jane", expires=now + 1000, since=now)
    records.commit(Put(ended))
    assert sessions.current(old) is None
    clock.pass_by(1)
    new, _ = sessions.begin(JANE, ["pwd"])
    assert sessions.current(new) is not None


def test_the_records_expire_in_the_table() -> None:
    """Their field is the tables' TTL attribute."""
    assert {"expires"} <= set(Flow.__dataclass_fields__) & set(BrowserSession.__dataclass_fields__)
