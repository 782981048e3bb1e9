"""Refusals as WSO2's clients know them."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from functions.gateway.faults import answer, wants_xml
from portico.domain.faults import FAULTS

NOW = 1_800_000_000.0


def test_a_fault_is_wso2s_json() -> None:
    status, headers, body = answer({"fault": "900902", "status": 401}, "*/*")
    assert status == 401
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert headers["www-authenticate"] == 'Bearer realm="Portico"'
    assert json.loads(body) == {
        "code": "900902",
        "message": "Missing Credentials",
        "description": FAULTS["900902"].description,
    }


@pytest.mark.parametrize("accept", ["application/xml", "text/xml", "text/xml;q=0.9, */*;q=0.1"])
def test_who_asks_for_xml_gets_it(accept: str) -> None:
    _, headers, body = answer({"fault": "900901"}, accept)
    assert headers["content-type"].startswith("application/xml")
    root = etree.fromstring(body)
    name = "{http://wso2.org/apimanager}"
    assert root.tag == f"{name}fault"
    assert [str(child.tag).removeprefix(name) for child in root] == [
        "code",
        "type",
        "message",
        "description",
    ]
    assert root.findtext(f"{name}code") == "900901"


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "application/json", "application/json, application/xml", "xml", "a;q=x,;;"],
)
def test_others_get_json(accept: str) -> None:
    assert not wants_xml(accept)


def test_a_throttled_call_learns_when_it_may_come_again() -> None:
    decision = {"fault": "900804", "status": 429, "until": NOW + 30}
    status, headers, body = answer(decision, "", NOW)
    moment = datetime.fromtimestamp(NOW + 30, UTC)
    assert (status, headers["retry-after"]) == (429, "30")
    assert json.loads(body)["nextAccessTime"] == moment.strftime("%Y-%b-%d %H:%M:%S+0000 UTC")
    assert answer(decision, "", NOW + 60)[1]["retry-after"] == "1"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("900901", 'Bearer realm="Portico", error="invalid_token"'),
        ("900903", 'Bearer realm="Portico", error="invalid_token"'),
        ("900910", 'Bearer realm="Portico", error="insufficient_scope"'),
        ("900908", None),
        ("700700", None),
    ],
)
def test_the_challenge_says_what_is_wrong(code: str, expected: str | None) -> None:
    assert answer({"fault": code}, "")[1].get("www-authenticate") == expected


def test_a_wrong_verb_learns_the_right_ones() -> None:
    status, headers, _ = answer({"fault": "405", "allow": "GET, POST"}, "")
    assert (status, headers["allow"]) == (405, "GET, POST")


def test_the_decisions_status_wins_and_numbers_may_come_as_text() -> None:
    assert answer({"fault": "900901", "status": "403", "until": "0"}, "")[0] == 403


def test_who_gets_too_much_learns_what_would_help_and_nobody_else_does() -> None:
    """A pass-through API returns more, but waits no longer."""
    advised = [code for code in FAULTS if "pass-through" in FAULTS[code].description]
    assert advised == ["101513"]
    assert [FAULTS[code].status for code in ("101513", "101504")] == [502, 504]


def test_an_unknown_fault_is_an_error_of_ours() -> None:
    assert answer({"fault": "nonsense"}, "")[0] == 500


def test_codes_and_statuses_are_those_of_wso2(wso2: Path) -> None:
    """Compares with WSO2's table where it lies beside the checkout; our own table stands alone."""
    path = wso2 / "tokens" / "error_codes.csv"
    rows = list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []
    for row in rows:
        if row["code"] in FAULTS and row["http"].isdigit():
            assert FAULTS[row["code"]].status == int(row["http"]), row["code"]
    assert {fault.code for fault in FAULTS.values()} == set(FAULTS)
