"""Records that are read ahead: read once for a request, and never older than its own writes."""

import pytest

from portico.domain.authorization import Seen
from portico.domain.errors import AlreadyExists
from portico.domain.records import Create, Put, Wanted
from portico.domain.user import User
from portico.services.ahead import Ahead
from tests.fakes import FakeRecords

JANE = User(tenant="t", name="jane", id="1", password="")
ONCE = Seen(tenant="t", subject="a", expires=1)
WANTED = Wanted(User, {"tenant": "t", "name": "jane"})


def site() -> tuple[FakeRecords, Ahead]:
    records = FakeRecords()
    records.commit(Put(JANE))
    ahead = Ahead(records)
    ahead.load(WANTED)
    return records, ahead


def test_what_was_read_ahead_is_not_read_again() -> None:
    records, ahead = site()
    assert ahead.get(User, tenant="t", name="jane") is not None
    assert ahead.gather(WANTED) != [None]
    assert records.reads == 1


def test_a_write_of_another_kind_leaves_it_known() -> None:
    records, ahead = site()
    ahead.commit(Create(ONCE))
    assert ahead.get(User, tenant="t", name="jane") is not None
    assert records.reads == 1


def test_what_was_written_is_read_again() -> None:
    records, ahead = site()
    ahead.commit(Put(User(tenant="t", name="jane", id="2", password="")))
    found = ahead.get(User, tenant="t", name="jane")
    assert found is not None
    assert (found.id, records.reads) == ("2", 2)


def test_after_a_lost_race_all_is_read_again() -> None:
    records, ahead = site()
    ahead.commit(Create(ONCE))
    with pytest.raises(AlreadyExists):
        ahead.commit(Create(ONCE))
    ahead.get(User, tenant="t", name="jane")
    assert records.reads == 2
