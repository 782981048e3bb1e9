"""WSO2's error codes, one row each: how to provoke it, and what the caller is told; or why no call
of an HTTP API gets it here.
"""

import csv
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from functions.authorizer.calls import Refused
from functions.gateway.faults import answer
from portico.domain.errors import Unavailable
from portico.domain.faults import FAULTS
from tests.functions.authorizer.limits import requests, table
from tests.functions.authorizer.world import APPLICATION, GRANT, PIZZA, World

RULE = {"limit": requests(1), "stop": True}
ROW = Callable[[World], dict[str, Any]]  # changes a world, and tells what to call


class Row(NamedTuple):
    """A code, its status, and a call that gets it."""

    code: str
    status: int
    provoke: ROW
    case: str = ""


def world_with(*records: Any, **call: Any) -> ROW:
    """Put these records in place, and call with a good token unless the call says otherwise."""

    def provoke(world: World) -> dict[str, Any]:
        for record in records:
            world.source.put(record)
        given = {name: value(world) if callable(value) else value for name, value in call.items()}
        return given if "token" in given else {"token": world.token(), **given}

    return provoke


def without(record: Any, **call: Any) -> ROW:
    def provoke(world: World) -> dict[str, Any]:
        world.source.remove(record)
        return {"token": world.token(), **call}

    return provoke


def twice(*records: Any, **call: Any) -> ROW:
    """The second of two calls is the one."""

    def provoke(world: World) -> dict[str, Any]:
        given = world_with(*records, **call)(world)
        world.judge(**given)
        return given

    return provoke


def expired(world: World) -> dict[str, Any]:
    token = world.token()
    world.clock.pass_by(3600)
    return {"token": token}


BLOCKED_ADDRESS = {"ip": {"kind": "IP", "value": "203.0.113.7", "active": True}}
CUSTOM = {"each": {"key": "$apiContext", "limit": requests(1), "stop": True}}
BURSTING = {"limit": requests(100), "stop": True, "burst": [1, 60]}
SANDBOX = {"token": lambda world: world.token(keytype="SANDBOX")}
USERS = {"path": "/pizza/1.0.0/order/1"}
KEYED = replace(PIZZA, security=["api_key"])
MAPPED = "::ffff:198.51.100.1"

ROWS = (
    Row("400", 400, world_with(path="/pizza/1.0.0/a%2Fb"), "an ambiguous path"),
    Row("404", 404, world_with(path="/nothing/1.0.0"), "no API"),
    Row("404", 404, world_with(path="/pizza/1.0.0/nothing"), "no resource"),
    Row("404", 404, world_with(replace(PIZZA, access="none")), "a retired API"),
    Row("405", 405, world_with(method="DELETE"), "no such verb"),
    Row("700700", 503, world_with(replace(PIZZA, access="blocked"))),
    Row("900800", 429, twice(table(api={"One": RULE}), replace(PIZZA, api_policy="One"))),
    Row("900802", 429, twice(table(api={"10KPerMin": RULE}), path="/pizza/1.0.0/rare")),
    Row("900803", 429, twice(table(application={"50PerMin": RULE}))),
    Row("900804", 429, twice(table(subscription={"Gold": RULE}))),
    Row(
        "900804",
        429,
        twice(table(subscription={"Unauthenticated": RULE}), path="/pizza/1.0.0/menu/1"),
        "nobody's call",
    ),
    Row("900805", 403, world_with(table(deny=BLOCKED_ADDRESS))),
    Row("900806", 429, twice(table(custom=CUSTOM))),
    Row("900807", 429, twice(table(subscription={"Gold": BURSTING}))),
    Row("900809", 429, twice(table(application={"50PerMin": BURSTING}))),
    Row("900901", 401, world_with(token="nonsense"), "no token of ours"),
    Row("900901", 401, world_with(KEYED, apikey="nonsense"), "no API key of ours"),
    Row("900901", 403, world_with(**SANDBOX), "a key type without an endpoint"),
    Row("900902", 401, world_with(token=None)),
    Row("900902", 401, world_with(KEYED), "a token where only API keys count"),
    Row("900903", 401, expired),
    Row("900905", 401, world_with(**USERS), "an application's token for users"),
    Row("900907", 401, world_with(replace(GRANT, status="BLOCKED")), "blocked"),
    Row("900907", 401, world_with(replace(GRANT, status="PROD_ONLY_BLOCKED")), "production only"),
    Row("900908", 403, without(GRANT), "no subscription"),
    Row("900908", 403, world_with(replace(APPLICATION, status="REJECTED")), "application state"),
    Row(
        "900908",
        403,
        world_with(KEYED, address=MAPPED, apikey=lambda world: world.api_key(permittedIP="::1")),
        "an API key from elsewhere",
    ),
    Row("900909", 401, world_with(replace(GRANT, status="ON_HOLD")), "on hold"),
    Row("900909", 401, world_with(replace(GRANT, status="REJECTED")), "rejected"),
    Row("900910", 403, world_with(method="POST", path="/pizza/1.0.0/order")),
    Row("900914", 403, world_with(replace(PIZZA, audiences=["shop"]))),
)
# Told by the functions themselves, not by a step of the pipeline.
ELSEWHERE = {
    "900900": "the read model or the password check does not answer: test_handler, and below",
    "101503": "no back end: tests/functions/gateway/test_forward",
    "101504": "the back end hangs: tests/functions/gateway/test_backend_faults",
    "101507": "its answer makes no sense: tests/functions/gateway/test_backend_faults",
    "101513": "its answer is too large: tests/functions/gateway/test_backend_faults",
    "303001": "its endpoints are suspended: tests/functions/gateway",
    "413": "the request is larger than a back end takes: tests/functions/gateway",
    "501": "a prototype without an example: tests/functions/gateway/test_mocks",
}
NEVER = {
    "900801": "an API's maxTps is kept and given back, and not enforced: advanced policies are",
    "900808": "counts connections and events of streaming APIs, which there are none of",
    "900904": "WSO2 gave it for tokens that its key manager had inactive; here a token that was "
    "ended is 900901, as in WSO2 4.x",
    "900906": "WSO2 4.x answers 404 and 405, and so does this gateway",
    "900911": "a deployment is compiled from its definition, so none is without",
    "900912": "claims of tokens of other key managers are not compared here",
    "900913": "claims of tokens of other key managers are not compared here",
    "900424": "of WSO2's connection to its key manager; here 900900",
    "900425": "a page of another origin gets the answer without CORS headers, and its browser "
    "keeps it from the page (Fetch Standard)",
    "403": "HTTP API has no plain HTTP, so there is no unsupported transport",
}


def refused(row: Row, world: World) -> Refused:
    call = row.provoke(world)
    with pytest.raises(Refused) as caught:
        world.judge(**call)
    return caught.value


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.code} {row.case}".strip() for row in ROWS])
def test_a_refusal_has_its_code_status_and_text(row: Row) -> None:
    refusal = refused(row, World())
    assert (refusal.fault.code, refusal.fault.status) == (row.code, row.status)
    decision = {
        "fault": refusal.fault.code,
        "status": refusal.fault.status,
        "until": int(refusal.until),
        "allow": refusal.allow,
    }
    status, headers, text = answer(decision, "", now=refusal.until - 30)
    told = json.loads(text)
    assert (status, told["code"]) == (row.status, row.code)
    assert told["message"] == FAULTS[row.code].message
    assert told["description"].startswith(FAULTS[row.code].description)
    assert ("retry-after" in headers) == (row.status == 429)
    assert ("www-authenticate" in headers) == (row.status == 401 or row.code == "900910")


def test_every_code_of_the_gateway_is_in_one_list() -> None:
    provoked = {row.code for row in ROWS}
    assert provoked | ELSEWHERE.keys() == FAULTS.keys()
    assert not provoked & ELSEWHERE.keys()
    assert not (provoked | ELSEWHERE.keys()) & NEVER.keys()


def test_when_nothing_can_be_looked_up_the_call_cannot_be_judged() -> None:
    world = World()
    world.source.put(replace(PIZZA, security=["basic_auth"]))
    world.passwords.failing = Unavailable("down")
    with pytest.raises(Unavailable):
        world.judge(authorization="Basic " + b64encode(b"jane:secret").decode())
    assert FAULTS["900900"].status == 500


def test_codes_texts_and_statuses_are_wso2s(wso2: Path) -> None:
    """Compared with WSO2's own list where that lies beside the checkout."""
    path = wso2 / "tokens" / "error_codes.csv"
    listed = list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []
    for row in listed:
        code = row["code"]
        if code in NEVER:
            continue
        fault = FAULTS[code]
        if code.startswith(("101", "303")):
            continue  # WSO2 leaves status and text to a fault sequence of its own
        assert str(fault.status) in row["http"], code
        assert fault.message.casefold() == row["message"].casefold(), code
        # What it says of the description in brackets or after "<msg>" is about other releases.
        if row["description"] and "<" not in row["description"]:
            assert fault.description.startswith(row["description"].split(" (")[0]), code
