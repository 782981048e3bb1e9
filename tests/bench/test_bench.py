"""The benchmark's names and table; its figures are the machine's business."""

from typing import Any

from tools.bench.__main__ import short, table


def result(ratio: float) -> dict[str, Any]:
    start = {
        "bare": {"cpu_seconds": 0.2, "ratio": 1.0},
        "authorizer": {"cpu_seconds": 0.2 * ratio, "ratio": ratio},
    }
    return {
        "python": "3.13.1",
        "machine": "arm64",
        "rounds": 7,
        "start": start,
        "decision": {"warm": {"cpu_seconds": 0.0001}},
        "token": {"client_credentials": 0.002, "per_second_of_cpu": 500.0},
        "packages": {"authorizer_layer": {"zipped_bytes": 2048, "unpacked_bytes": 4096}},
    }


def test_names_are_stable() -> None:
    assert short("AuthorizerFunction") == "authorizer"
    assert short("CommonLayer") == "common_layer"


def test_the_table_says_whether_the_goal_is_reached() -> None:
    assert "1.4: reached" in table(result(1.31))
    assert "1.4: MISSED" in table(result(1.52))


def test_the_table_has_a_line_for_every_figure() -> None:
    lines = [line.split() for line in table(result(1.31)).splitlines()]
    assert ["authorizer", "262", "1.31"] in lines
    assert ["warm", "0.100"] in lines
    assert ["authorizer_layer", "2", "4"] in lines
