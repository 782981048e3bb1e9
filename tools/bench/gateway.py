"""What a call through the gateway costs, and beside other gateways: the figures and their lines."""

from collections.abc import Mapping
from typing import Any

from tools.bench.fleet import fleet
from tools.bench.peers.measuring import through_gateways
from tools.bench.stand import Stand

GOALS = {
    "fleet_decision_cpu_seconds": 0.0001,
    "fleet_dynamodb_calls_per_request": 0.05,
}
PEERS = {
    "nginx": "nginx, auth_request cached",
    "haproxy": "HAProxy, jwt_verify",
    "fastify": "fastify, jwt cached",
    "express_gateway": "express-gateway",
}
WRITES = frozenset(("UpdateItem", "PutItem", "TransactWriteItems"))


def figures(stand: Stand) -> dict[str, Any]:
    """`fleet` and `peers`: seconds of processor time, ratios, calls of DynamoDB."""
    return {"fleet": fleet(stand), "peers": through_gateways(stand)}


def lines(found: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    return [*_fleet(found["fleet"]), *_peers(found["peers"])]


def _fleet(found: Mapping[str, Any]) -> list[str]:
    warm, full = found["warm"], found["full"]
    told = [
        "",
        f"{'Decisions for many applications':<36}{'ms':>10}{'reads':>10}{'writes':>10}  a call",
    ]
    for name, row in (("each has called before", warm), ("leases used up", full)):
        writes = sum(count for kind, count in row["calls"].items() if kind in WRITES)
        reads = sum(row["calls"].values()) - writes
        told.append(
            f"  {name:<34}{row['cpu_seconds'] * 1e3:>10.3f}{reads / row['requests']:>10.3f}"
            f"{writes / row['requests']:>10.3f}"
        )
    seconds, calls = GOALS["fleet_decision_cpu_seconds"], GOALS["fleet_dynamodb_calls_per_request"]
    cold = full["cold"]
    reached = cold.get("BatchGetItem", 0) <= 1 and sum(cold.values()) <= 2
    return [
        *told,
        f"  the first of all: {', '.join(f'{count} {kind}' for kind, count in cold.items())}",
        "  (the goal of the first is one BatchGetItem and one update at most: "
        f"{'reached' if reached else 'MISSED'})",
        f"  (the goal of a decision is {seconds * 1e3:.2f} ms: "
        f"{_verdict(warm['cpu_seconds'], seconds)})",
        f"  (the goal of DynamoDB calls at full lease use is {calls}: "
        f"{_verdict(full['calls_per_request'], calls)})",
    ]


def _peers(found: Mapping[str, Any]) -> list[str]:
    told = ["", f"{'1 KB through a gateway over HTTP':<36}{'us':>10}{'ours to it':>12}"]
    if "portico" in found["cpu_seconds"]:
        shown = "portico, embedded DynamoDB"
        told.append(f"  {shown:<34}{found['cpu_seconds']['portico'] * 1e6:>10.0f}")
    for name, shown in PEERS.items():
        if name in found["ratio"]:
            seconds, ratio = found["cpu_seconds"][name], found["ratio"][name]
            told.append(f"  {shown:<34}{seconds * 1e6:>10.0f}{ratio:>12.2f}")
    return [*told, *(f"  {name}: {why}" for name, why in found["missing"].items())]


def _verdict(value: float, goal: float) -> str:
    return "reached" if value <= goal else "MISSED"
