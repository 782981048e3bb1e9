"""The headers that tell a client what is left of its limits."""

from functions.gateway.quotas import headers

NOW = 1_800_000_010.5


def test_limits_are_structured_fields_of_the_draft() -> None:
    limits = "subscription 5000 60 4990 1800000060,application 50 60 0 1800000060"
    assert headers({"limits": limits}, NOW) == {
        "ratelimit-policy": '"subscription";q=5000;w=60, "application";q=50;w=60',
        "ratelimit": '"subscription";r=4990;t=50, "application";r=0;t=50',
    }


def test_bytes_have_their_unit() -> None:
    told = headers({"limits": "api 1048576 86400 1000 1800057600 bytes"}, NOW)
    assert told["ratelimit-policy"] == '"api";q=1048576;qu="content-bytes";w=86400'
    assert told["ratelimit"] == '"api";r=1000;t=57590'


def test_each_limit_has_its_own_name() -> None:
    told = headers({"limits": "custom 5 60 4 1800000060,custom 9 60 8 1800000060"}, NOW)
    assert told["ratelimit-policy"] == '"custom";q=5;w=60, "custom-2";q=9;w=60'
    assert told["ratelimit"] == '"custom";r=4;t=50, "custom-2";r=8;t=50'


def test_a_window_that_ended_on_the_way_has_no_time_left() -> None:
    told = headers({"limits": "api 5 1 4 1800000001"}, NOW)
    assert told["ratelimit"] == '"api";r=4;t=0'


def test_who_has_no_limit_gets_no_header() -> None:
    assert headers({}, NOW) == headers({"limits": ""}, NOW) == {}
