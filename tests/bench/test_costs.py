"""The cost model: its arithmetic by hand for one row, its tiers, and the page that shows it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools.bench.costs import (
    MILLION,
    Load,
    Measured,
    break_even,
    machines,
    measured,
    portico,
    tables,
    tiered,
)

ROOT = Path(__file__).resolve().parents[2]


def test_a_mediated_million_is_what_the_arithmetic_says() -> None:
    costs = portico(10 * MILLION, mediated=True, load=Load(applications=1))
    assert costs.api == pytest.approx(1.00)  # 300 million a month, the last of the first tier
    assert costs.requests == pytest.approx(0.40)
    # 2 ms and 52 ms, and in one call of 1,000 the starts: 0.32 s at 0.579 of a processor.
    assert costs.compute == pytest.approx((0.054 + 0.00032 * 1769 / 1024) * 13.3334, rel=1e-6)
    # Leases are used up: 1/50 of 2 limits, twice for the transaction. Of 57.9 calls a second in
    # each of three environments every 193rd finds its records too old.
    rate = 10 * MILLION / 86_400
    assert costs.database == pytest.approx(4 / 50 * 0.625 + 5 * 3 / (rate * 5) * 0.125, rel=1e-6)
    assert costs.logs == pytest.approx((450 + 2 * 750) / 1000 * 0.50)
    assert costs.traces == pytest.approx(0.50)
    assert costs.total == pytest.approx(sum(costs))


def test_pass_through_has_one_function_and_does_not_wait() -> None:
    slow = Load(backend=1.0)
    assert portico(MILLION, False, slow) == portico(MILLION, False)
    assert portico(MILLION, False).requests == pytest.approx(0.20)
    waiting = portico(MILLION, True, slow).compute - portico(MILLION, True).compute
    assert waiting == pytest.approx(0.95 * 13.3334)


def test_many_applications_that_seldom_call_draw_and_read_for_every_call() -> None:
    costs = portico(MILLION, False, Load(applications=1_000_000))
    assert costs.database == pytest.approx(4 * 0.625 + 5 * 0.125)
    one = portico(MILLION, False, Load(applications=1_000_000, levels=1))
    assert one.database == pytest.approx(1 * 0.625 + 5 * 0.125)


@pytest.mark.parametrize(("units", "dollars"), [(0, 0), (5, 10), (10, 20), (15, 25), (30, 37)])
def test_each_part_of_a_month_has_its_tiers_price(units: float, dollars: float) -> None:
    assert tiered(units, ((10, 2.0), (20, 1.0), (float("inf"), 0.7))) == pytest.approx(dollars)


def test_machines_are_as_many_as_the_peak_needs_and_never_fewer_than_they_must() -> None:
    idle = Load(request_kb=0)
    least = machines(MILLION, 500, 3, idle)
    assert least == pytest.approx((3 * 0.0816 + 0.0225) * 730 / 30 + 0.225)
    # 1,157 calls a second, 4,630 at the peak: ten machines.
    many = machines(100 * MILLION, 500, 3, idle)
    assert many == pytest.approx((10 * 0.0816 + 0.0225) * 730 / 3000 + 0.225)


def test_the_break_even_is_where_both_cost_the_same() -> None:
    for mediated in (True, False):
        at = break_even(mediated, 500, 3)
        here, there = portico(at, mediated).total, machines(at, 500, 3)
        assert here == pytest.approx(there, rel=0.01)
        assert portico(at / 2, mediated).total < machines(at / 2, 500, 3)
        assert portico(at * 2, mediated).total > machines(at * 2, 500, 3)


def test_figures_of_a_run_take_the_place_of_those_kept(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    cpu = {name: {"cpu_seconds": 0.5} for name in ("authorizer", "gateway")}
    found = {
        "gateway": {"fleet": {"warm": {"cpu_seconds": 0.002}}},
        "forwarding": {"forwarded": {"cpu_seconds": 0.003}},
        "start": cpu,
    }
    path.write_text(json.dumps(found))
    assert measured(path) == replace(
        Measured(), authorizer=0.002, gateway=0.003, authorizer_start=0.5, gateway_start=0.5
    )
    assert tables(at=measured(path)) != tables()


def test_the_page_shows_what_is_computed() -> None:
    page = (ROOT / "docs" / "costs.md").read_text()
    _, begin, rest = page.partition("<!-- computed: begin -->\n")
    shown, end, _ = rest.partition("<!-- computed: end -->\n")
    assert begin
    assert end
    assert shown == tables()
