"""What every implementation of the Records port must do: run on the fake and on DynamoDB."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.api import Api, NameClaim, Resource
from portico.domain.application import Subscription
from portico.domain.errors import AlreadyExists, LostRace, TooLarge
from portico.domain.records import Create, Discard, Put, Remove, Replace, Require, Wanted
from portico.domain.user import User
from portico.ports import Records
from tests.fakes import FakeRecords

T = "carbon.super"


@pytest.fixture(params=["fake", "dynamodb"])
def records(request: pytest.FixtureRequest) -> Records:
    if request.param == "fake":
        return FakeRecords()
    found: Records = request.getfixturevalue("aws").records
    return found


def an_api(id_: str = "a1", **changes: Any) -> Api:
    return replace(
        Api(tenant=T, id=id_, name="Pizza", version="1.0", context="/pizza", provider="jane"),
        **changes,
    )


def a_subscription(application: str, api: str) -> Subscription:
    return Subscription(
        tenant=T,
        application_id=application,
        api_id=api,
        id=f"{application}-{api}",
        application_owner="dev",
        application_name="App",
        api_name="Pizza",
        api_version="1.0",
        api_context="/pizza/1.0",
        api_provider="jane",
        policy="Gold",
    )


def test_a_record_comes_back_as_it_was_with_a_stamp(records: Records) -> None:
    api = an_api(
        "back",
        resources=(Resource("/menu", "GET", scopes=("a", "b")),),
        extra={"x": [1, {"y": None}]},
    )
    records.commit(Create(api))
    assert records.get(Api, tenant=T, id="back") == replace(api, stamp=1)


def test_a_second_create_is_refused(records: Records) -> None:
    records.commit(Create(an_api("twice")))
    with pytest.raises(AlreadyExists):
        records.commit(Create(an_api("twice")))


def test_a_create_is_refused_when_only_a_copy_is_taken(records: Records) -> None:
    records.commit(Create(a_subscription("copy-1", "a-1")))
    other = replace(a_subscription("copy-2", "a-2"), id="copy-1-a-1")
    with pytest.raises(AlreadyExists):
        records.commit(Create(other))
    assert records.get(Subscription, tenant=T, application_id="copy-2", api_id="a-2") is None


def test_a_replace_needs_the_current_stamp(records: Records) -> None:
    records.commit(Create(an_api("race")))
    first = records.get(Api, tenant=T, id="race")
    assert first
    records.commit(Replace(replace(first, description="one")))
    with pytest.raises(LostRace):
        records.commit(Replace(replace(first, description="two")))
    now = records.get(Api, tenant=T, id="race")
    assert now
    assert (now.description, now.stamp) == ("one", 2)


def test_all_changes_are_written_or_none(records: Records) -> None:
    records.commit(Create(an_api("there")))
    claim = NameClaim(tenant=T, name="none", version="1", api_id="x")
    with pytest.raises(AlreadyExists):
        records.commit(Create(claim), Create(an_api("there")))
    assert records.get(NameClaim, tenant=T, name="none", version="1") is None


def test_a_requirement_fails_when_the_record_has_changed_or_come(records: Records) -> None:
    claim = NameClaim(tenant=T, name="required", version="1", api_id="x")
    records.commit(Create(an_api("needs")), Require(claim))
    records.commit(Create(claim))
    with pytest.raises(LostRace):
        records.commit(Put(an_api("needs")), Require(claim))
    records.commit(Put(an_api("needs")), Require(replace(claim, stamp=1)))


def test_a_removed_record_is_gone_under_all_its_keys(records: Records) -> None:
    records.commit(Create(a_subscription("app", "api")))
    stored = records.get(Subscription, by="id", tenant=T, id="app-api")
    assert stored == records.get(Subscription, tenant=T, application_id="app", api_id="api")
    assert records.list(Subscription, by="api", tenant=T, api_id="api") == [stored]
    assert stored
    records.commit(Remove(stored))
    assert records.get(Subscription, by="id", tenant=T, id="app-api") is None
    assert records.list(Subscription, by="api", tenant=T, api_id="api") == []


def test_discarding_what_is_not_there_is_harmless(records: Records) -> None:
    records.commit(Discard(an_api("never")))


def test_lists_are_sorted_and_reversible_and_keep_to_their_kind(records: Records) -> None:
    for api in ("b", "a", "c"):
        records.commit(Create(a_subscription("lists", api)))
    assert [s.api_id for s in records.list(Subscription, tenant=T, application_id="lists")] == [
        "a",
        "b",
        "c",
    ]
    newest = records.list(
        Subscription, tenant=T, application_id="lists", newest_first=True, limit=2
    )
    assert [s.api_id for s in newest] == ["c", "b"]
    assert records.list(Subscription, tenant="other.org", application_id="lists") == []


def test_a_separator_inside_a_key_does_not_leave_its_partition(records: Records) -> None:
    records.commit(Create(NameClaim(tenant=T, name="a#VERSION", version="1#2", api_id="x")))
    found = records.get(NameClaim, tenant=T, name="a#VERSION", version="1#2")
    assert found
    assert records.list(NameClaim, tenant=T, name="a") == []


@pytest.mark.parametrize("text", ["x" * 1100, "é" * 1100, "x" * 100_000])
def test_a_key_that_no_record_can_have_finds_nothing(records: Records, text: str) -> None:
    assert records.get(Api, tenant=T, id=text) is None
    assert records.get(Subscription, tenant=T, application_id="a", api_id=text) is None
    assert records.get(Subscription, by="id", tenant=T, id=text) is None
    records.commit(Put(an_api("short")))
    found = records.get_many(Api, [{"tenant": T, "id": text}, {"tenant": T, "id": "short"}])
    assert [one.id for one in found] == ["short"]
    assert records.list(Subscription, tenant=T, application_id=text) == []


def test_a_large_record_is_packed_and_a_huge_one_refused(aws: object) -> None:
    records: Records = aws.records  # type: ignore[attr-defined]
    many = tuple(Resource(f"/things/{n}/{{id}}", "GET") for n in range(5000))
    records.commit(Create(an_api("large", resources=many)))
    stored = records.get(Api, tenant=T, id="large")
    assert stored
    assert stored.resources == many
    noise = {str(n): f"{hash((n, 'x')) ** 5:x}" for n in range(20000)}
    with pytest.raises(TooLarge):
        records.commit(Create(an_api("huge", extra=noise)))


def test_records_of_several_kinds_and_tables_are_gathered_in_the_order_asked_for(
    records: Records,
) -> None:
    api, user = an_api("gathered"), User(tenant=T, name="gathered", id="u", password="")
    records.commit(Create(api), Create(user))

    found = records.gather(
        Wanted(User, {"tenant": T, "name": "gathered"}),
        Wanted(User, {"tenant": T, "name": "nobody"}),
        Wanted(Api, {"tenant": T, "id": "gathered"}),
        Wanted(User, {"tenant": T, "name": "gathered"}),
        Wanted(User, {"tenant": T, "name": "n" * 3000}),
    )

    stored = replace(user, stamp=1)
    assert found == [stored, None, replace(api, stamp=1), stored, None]
