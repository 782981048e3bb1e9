"""The benchmark's names and table; its figures are the machine's business."""

from typing import Any

from tools.bench.__main__ import compared, short, table
from tools.bench.gateway import lines as lines_of
from tools.bench.lifecycles import engine


def gateway_result(decision: float = 0.00009, reads: int = 1000) -> dict[str, Any]:
    calls = {"UpdateItem": 2000, "BatchGetItem": reads}
    requests = 50_000
    cold = {"BatchGetItem": 1, "UpdateItem": 1}
    figures = {"cpu_seconds": decision, "requests": requests, "cold": cold}
    return {
        "fleet": {
            "warm": {**figures, "calls": {}, "calls_per_request": 0.0},
            "full": {
                **figures,
                "calls": calls,
                "calls_per_request": sum(calls.values()) / requests,
            },
        },
        "peers": {
            "cpu_seconds": {"portico": 0.0004, "haproxy": 0.00008},
            "ratio": {"haproxy": 5.0},
            "missing": {"nginx": "nginx is not installed: apt-get install nginx-light"},
        },
    }


def result(
    ratio: float, longest_allowed: float = 120.0, theirs: float = 0.0007, added: float = 0.00005
) -> dict[str, Any]:
    start = {
        "bare": {"cpu_seconds": 0.2, "ratio": 1.0},
        "authorizer": {"cpu_seconds": 0.2 * ratio, "ratio": ratio},
        "token": {"cpu_seconds": 0.29, "ratio": 1.45},
    }
    return {
        "python": "3.13.1",
        "machine": "arm64",
        "rounds": 7,
        "start": start,
        "decision": {"warm": {"cpu_seconds": 0.0001}},
        "forwarding": {
            "bare": {"cpu_seconds": 0.0001},
            "forwarded": {"cpu_seconds": 0.0001 + added},
            "added": {"cpu_seconds": added},
        },
        "gateway": gateway_result(),
        "token": {
            "client_credentials": 0.002,
            "per_second_of_cpu": 500.0,
            "over_http": compared(
                {
                    "portico": 0.0004,
                    "authlib": theirs,
                    "oidc_provider": 0.0008,
                    "portico_dynamodb": 0.002,
                }
            ),
            "database_calls": {"client_credentials": {"reads": 1, "writes": 0}},
        },
        "step": {"block": {"cpu_seconds": 0.0000042}},
        "succession": {
            "subscriptions": 10_000,
            "runs": 3,
            "seconds": 61.5,
            "longest_run": 51.0,
            "limit": longest_allowed,
        },
        "packages": {"authorizer_layer": {"zipped_bytes": 2048, "unpacked_bytes": 4096}},
    }


def test_names_are_stable() -> None:
    assert short("AuthorizerFunction") == "authorizer"
    assert short("CommonLayer") == "common_layer"


def test_the_table_says_whether_the_goal_is_reached() -> None:
    assert "authorizer is 1.0: reached" in table(result(0.98))
    assert "authorizer is 1.0: MISSED" in table(result(1.52))
    assert "token is 1.5: reached" in table(result(1.52))


def test_the_table_has_a_line_for_every_figure() -> None:
    lines = [line.split() for line in table(result(1.31)).splitlines()]
    assert ["authorizer", "262", "1.31"] in lines
    assert ["warm", "0.100"] in lines
    assert ["block", "4.2"] in lines
    assert ["npm's", "oidc-provider", "800", "0.50"] in lines
    assert ["client_credentials", "1", "0"] in lines
    assert ["subscriptions", "carried", "forward", "10000"] in lines
    assert ["seconds,", "runs", "of", "the", "function", "61.5", "3"] in lines
    assert ["authorizer_layer", "2", "4"] in lines


def test_the_table_says_whether_the_forwarder_adds_too_much() -> None:
    assert "added is 0.4: reached" in table(result(1.31))
    assert "added is 0.4: MISSED" in table(result(1.31, added=0.0005))


def test_the_table_says_what_a_fleet_of_applications_costs() -> None:
    told = "\n".join(lines_of(gateway_result()))
    assert "leases used up                         0.090     0.020     0.040" in told
    assert "decision is 0.10 ms: reached" in told
    assert "full lease use is 0.05: MISSED" in told
    told = "\n".join(lines_of(gateway_result(decision=0.00011, reads=500)))
    assert "decision is 0.10 ms: MISSED" in told
    assert "full lease use is 0.05: reached" in told


def test_the_table_says_what_the_first_decision_asks_of_dynamodb() -> None:
    found = gateway_result()
    assert "one update at most: reached" in "\n".join(lines_of(found))
    found["fleet"]["full"]["cold"] = {"BatchGetItem": 1, "Query": 1, "UpdateItem": 1}
    told = "\n".join(lines_of(found))
    assert "1 BatchGetItem, 1 Query, 1 UpdateItem" in told
    assert "one update at most: MISSED" in told


def test_the_table_has_the_other_gateways_and_what_they_lack() -> None:
    lines = [line.split() for line in lines_of(gateway_result())]
    assert ["portico,", "embedded", "DynamoDB", "400"] in lines
    assert ["HAProxy,", "jwt_verify", "80", "5.00"] in lines
    assert any(line[:4] == ["nginx:", "nginx", "is", "not"] for line in lines)


def test_the_table_says_whether_a_run_reached_its_limit() -> None:
    assert "limit: kept" in table(result(1.31))
    assert "limit: BROKEN" in table(result(1.31, longest_allowed=50.0))


def test_the_table_says_whether_a_token_costs_less_than_elsewhere() -> None:
    assert "the least: yes" in table(result(1.31))
    assert "the least: NO" in table(result(1.31, theirs=0.0003))


def test_a_step_is_measured_of_the_engine_itself() -> None:
    assert all(0 < seconds < 0.01 for seconds in engine().values())
