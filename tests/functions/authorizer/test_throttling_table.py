"""The compiled policy table: when it is compiled, and what it makes of odd entries."""

from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.throttle.table import Quota, Tables, policy_of
from portico.domain.gateway import PolicyTable
from portico.domain.windows import Limit
from tests.fakes import FakeClock
from tests.functions.authorizer.world import POLICIES


def test_a_table_is_compiled_once_for_each_stamp() -> None:
    tables = Tables(FakeClock().now)
    first = tables.of(replace(POLICIES, stamp=1))
    assert tables.of(replace(POLICIES, stamp=1)) is first
    assert tables.of(replace(POLICIES, stamp=2)) is not first


def test_a_tenant_made_anew_has_its_new_table() -> None:
    tables = Tables(FakeClock().now)
    tables.of(replace(POLICIES, stamp=1))
    made = tables.of(PolicyTable(tenant=POLICIES.tenant, stamp=1))
    assert made
    assert made.policy("subscription", "Gold") is None


def test_tables_are_of_tenants() -> None:
    tables = Tables(FakeClock().now)
    ours = tables.of(POLICIES)
    theirs = tables.of(PolicyTable(tenant="acme.com"))
    assert ours is tables.of(POLICIES) is not theirs
    assert tables.of(None) is None


@pytest.mark.parametrize(
    ("entry", "quota", "burst", "stop"),
    [
        ([5, 60, True], Quota(Limit(5, 60)), None, True),
        ([5, 60, False], Quota(Limit(5, 60)), None, False),
        ([0, 0, True], None, None, True),
        ({}, None, None, True),
        ({"limit": None, "burst": None}, None, None, True),
        ({"limit": {"kind": "requests", "amount": 0, "seconds": 60}}, None, None, True),
        (
            {"limit": {"kind": "bandwidth", "amount": 9, "seconds": 60}, "stop": False},
            Quota(Limit(9, 60), bytes=True),
            None,
            False,
        ),
        ({"burst": [5, 1]}, None, Limit(5, 1), True),
        ({"burst": [0, 1]}, None, None, True),
    ],
)
def test_entries_of_all_forms_are_read(
    entry: Any, quota: Quota | None, burst: Limit | None, stop: bool
) -> None:
    policy = policy_of(entry)
    assert (policy.quota, policy.burst, policy.stop) == (quota, burst, stop)
