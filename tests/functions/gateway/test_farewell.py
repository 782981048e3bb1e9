"""The headers by which a deprecated API takes its leave."""

from functions.gateway.farewell import farewell


def test_both_dates_in_their_own_formats() -> None:
    # 2027-01-15T08:00:00Z and 2027-03-01T00:00:00Z.
    decision = {"deprecated": 1_800_000_000, "sunset": 1_803_859_200}
    assert farewell(decision) == {
        "deprecation": "@1800000000",
        "sunset": "Mon, 01 Mar 2027 00:00:00 GMT",
    }


def test_without_a_date_there_is_no_sunset() -> None:
    assert farewell({"deprecated": 1_800_000_000, "sunset": 0}) == {"deprecation": "@1800000000"}


def test_other_apis_have_neither() -> None:
    assert farewell({"deprecated": 0, "sunset": 0}) == {}
    assert farewell({}) == {}
