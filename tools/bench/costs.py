"""`python -m tools.bench.costs`: what a million calls cost on AWS, from prices and from what the
benchmark measured, beside gateways on virtual machines. The tables of docs/costs.md.

Without data transfer, support, taxes, free tiers and savings plans.
"""

import argparse
import json
from dataclasses import dataclass, replace
from math import ceil, inf
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MILLION, GB = 1_000_000, 1_000_000_000
DAYS, HOURS, DAY_SECONDS = 30, 730, 86_400
VOLUMES = (1, 3, 10, 30, 100)  # million calls a day

Tiers = tuple[tuple[float, float], ...]  # (up to so many units a month, dollars a unit)

# us-east-1, dollars; the pages are named in docs/costs.md.
HTTP_API: Tiers = ((300 * MILLION, 1.00 / MILLION), (inf, 0.90 / MILLION))
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND: Tiers = (  # arm64
    (7.5 * GB, 0.0000133334),
    (18.75 * GB, 0.0000120001),
    (inf, 0.0000106667),
)
READ_UNIT, WRITE_UNIT = 0.125 / MILLION, 0.625 / MILLION
LOG_GB: Tiers = ((10_000, 0.50), (30_000, 0.25), (50_000, 0.10), (inf, 0.05))
TRACE = 5.00 / MILLION
INSTANCE_HOUR = 0.0816  # m7g.large: 2 vCPU, 8 GiB
BALANCER_HOUR, CAPACITY_UNIT_HOUR = 0.0225, 0.008


@dataclass(frozen=True)
class Load:
    """What is called, how, and by how many."""

    applications: int = 100  # that call at the same time
    peak: float = 4.0  # the busiest second beside the average one
    backend: float = 0.050  # seconds that the gateway function waits for the back end
    request_kb: float = 3.0  # both ways, with headers and token
    levels: int = 2  # limits that a call counts against: subscription and application
    records: int = 5  # that the authorizer reads again of an application, each 5 seconds
    traced: float = 0.05  # of the calls of a function


@dataclass(frozen=True)
class Measured:
    """Processor seconds by the benchmark, and what AWS adds, which it cannot measure."""

    authorizer: float = 0.00015
    gateway: float = 0.00030
    authorizer_start: float = 0.23
    gateway_start: float = 0.09
    # Not measured here: assumptions.
    runtime: float = 0.001  # seconds around a handler that are billed
    database: float = 0.004  # seconds that a call of DynamoDB takes
    cold: float = 0.001  # of the calls begin an environment
    memory: float = 1.0  # GB, as the template has it
    share: float = 1024 / 1769  # of one vCPU, at this memory
    lease: int = 50  # calls that a lease hands to an environment at most
    access_line: int = 450  # bytes of API Gateway's line of a call
    function_lines: int = 750  # bytes of a function's lines of a call: start, report, its own


class Costs(NamedTuple):
    """Dollars of a million calls."""

    api: float
    requests: float
    compute: float
    database: float
    logs: float
    traces: float

    @property
    def total(self) -> float:
        """All of them together."""
        return sum(self)


def portico(
    daily: float, mediated: bool, load: Load | None = None, at: Measured | None = None
) -> Costs:
    """A million calls at so many calls a day."""
    load, at = load or Load(), at or Measured()
    monthly, rate = daily * DAYS, daily / DAY_SECONDS
    draws, reads = _database_calls(rate, load, at)
    seconds = at.authorizer / at.share + at.runtime + (draws + reads) * at.database
    billed = _milliseconds(seconds) + at.cold * at.authorizer_start / at.share
    if mediated:
        seconds = at.gateway / at.share + at.runtime + load.backend
        billed += _milliseconds(seconds) + at.cold * at.gateway_start / at.share
    functions = 2 if mediated else 1
    # Two or more limits are drawn in a transaction, which counts twice.
    writes = load.levels * (2 if load.levels > 1 else 1)
    log_gb = (at.access_line + functions * at.function_lines) * monthly / GB
    per_million = MILLION / monthly
    return Costs(
        api=tiered(monthly, HTTP_API) * per_million,
        requests=functions * LAMBDA_REQUEST * MILLION,
        compute=tiered(billed * at.memory * monthly, LAMBDA_GB_SECOND) * per_million,
        database=(draws * writes * WRITE_UNIT + reads * load.records * READ_UNIT) * MILLION,
        logs=tiered(log_gb, LOG_GB) * per_million,
        traces=functions * load.traced * TRACE * MILLION,
    )


def machines(daily: float, each: float, least: int, load: Load | None = None) -> float:
    """Dollars of a million calls through at least so many instances, each good for so many calls a
    second, behind a load balancer; their access lines are kept like ours.
    """
    load = load or Load()
    rate = daily / DAY_SECONDS
    count = max(least, ceil(rate * load.peak / each))
    units = rate * 3600 * load.request_kb / MILLION  # by GB an hour: connections are kept
    hourly = count * INSTANCE_HOUR + BALANCER_HOUR + units * CAPACITY_UNIT_HOUR
    logs = tiered(Measured().access_line * daily * DAYS / GB, LOG_GB)
    return (hourly * HOURS + logs) * MILLION / (daily * DAYS)


def break_even(mediated: bool, each: float, least: int, load: Load | None = None) -> float:
    """Calls a day from which on machines cost less."""
    low, high = 1_000.0, 1_000.0 * MILLION
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        if machines(middle, each, least, load) < portico(middle, mediated, load).total:
            high = middle
        else:
            low = middle
    return high


def tiered(units: float, tiers: Tiers) -> float:
    """Dollars of so many units a month."""
    total, before = 0.0, 0.0
    for end, price in tiers:
        total += max(0.0, min(units, end) - before) * price
        before = end
    return total


def _database_calls(rate: float, load: Load, at: Measured) -> tuple[float, float]:
    """Draws of leases and reads for one call: few where an application calls an environment often,
    one each where it comes by less than once in a minute, or in five seconds.
    """
    busy = at.authorizer / at.share + at.runtime + at.database
    environments = max(2, ceil(rate * load.peak * busy))
    each = rate / (load.applications * environments)
    return max(1 / at.lease, min(1.0, 1 / (each * 60))), min(1.0, 1 / (each * 5))


def _milliseconds(seconds: float) -> float:
    """What Lambda bills: each begun millisecond."""
    return ceil(round(seconds * 1000, 6)) / 1000


# How the two kinds of machines are reckoned: calls a second of an instance, and how many at least.
KINDS = {"nginx or HAProxy": (5_000.0, 2), "an API manager on a JVM": (500.0, 3)}


def tables(load: Load | None = None, at: Measured | None = None) -> str:
    """Markdown: Portico's items, then the comparison and where it turns."""
    lines = []
    for mediated, name in ((True, "Mediated"), (False, "Pass-through")):
        head = "API Gateway | Lambda requests | Lambda GB-s | DynamoDB | logs | traces"
        lines += [f"| {name}: calls a day | {head} | **a million calls** | a month |"]
        lines += ["|--:" * 9 + "|"]
        for volume in VOLUMES:
            costs = portico(volume * MILLION, mediated, load, at)
            items = " | ".join(f"{each:.2f}" for each in costs)
            monthly = f"{costs.total * volume * DAYS:,.0f}"
            lines.append(f"| {volume} million | {items} | **{costs.total:.2f}** | {monthly} |")
        lines.append("")
    lines += [f"| calls a day | mediated | pass-through | {' | '.join(KINDS)} |"]
    lines += ["|--:" * (3 + len(KINDS)) + "|"]
    for volume in VOLUMES:
        daily = volume * MILLION
        told = [portico(daily, mediated, load, at).total for mediated in (True, False)]
        told += [machines(daily, *kind, load) for kind in KINDS.values()]
        lines.append(f"| {volume} million | {' | '.join(f'{each:.2f}' for each in told)} |")
    lines.append("")
    for name, kind in KINDS.items():
        turns = [break_even(mediated, *kind, load) / MILLION for mediated in (True, False)]
        lines.append(
            f"- {name}: cheaper from {turns[0]:.1f} million calls a day on (mediated), "
            f"{turns[1]:.1f} million (pass-through)."
        )
    return "\n".join(lines) + "\n"


def measured(path: Path) -> Measured:
    """The figures of a run of the benchmark in the place of those that are kept here."""
    found = json.loads(path.read_text())
    return replace(
        Measured(),
        authorizer=found["gateway"]["fleet"]["warm"]["cpu_seconds"],
        gateway=found["forwarding"]["forwarded"]["cpu_seconds"],
        authorizer_start=found["start"]["authorizer"]["cpu_seconds"],
        gateway_start=found["start"]["gateway"]["cpu_seconds"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, help="figures of a run: .local/bench.json")
    parser.add_argument("--applications", type=int, default=Load.applications)
    parser.add_argument("--backend", type=float, default=Load.backend, help="seconds it takes")
    given = parser.parse_args()
    load = replace(Load(), applications=given.applications, backend=given.backend)
    print(tables(load, measured(given.bench) if given.bench else None), end="")


if __name__ == "__main__":
    main()
