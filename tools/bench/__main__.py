"""`python -m tools.bench`: one run of everything, as a table and in `.local/bench.json`."""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# The shared package is on the path of tests and functions, not of a tool that is run by name.
sys.path.insert(0, str(ROOT / "layers" / "common"))

from tools.bench import backend, gateway  # noqa: E402
from tools.bench.forwarding import GOAL, forwarding  # noqa: E402
from tools.bench.lifecycles import engine, succession  # noqa: E402
from tools.bench.packages import FUNCTION, LAYER, Packages, packages  # noqa: E402
from tools.bench.stand import Stand, running  # noqa: E402
from tools.bench.starts import measure  # noqa: E402
from tools.bench.tokens.measuring import database_calls, over_http  # noqa: E402
from tools.bench.work import decisions, token_issue  # noqa: E402

# Starts, as multiples of the bare handler's.
GOALS = {"authorizer": 1.0, "token": 1.5}
MODULES = ROOT / "tests" / "clients" / "node_modules"
PEERS = {"authlib": "Authlib", "oidc_provider": "npm's oidc-provider"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="fresh processes of each function")
    parser.add_argument(
        "--subscriptions", type=int, default=10_000, help="how many a transition carries forward"
    )
    parser.add_argument("--out", type=Path, default=ROOT / ".local" / "bench.json")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(("AWS_", "PORTICO_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder, backend.running() as address:
        built = packages(ROOT, Path(folder) / "packages")
        with running(Path(folder), address) as stand:
            result = figures(stand, built, given.rounds, given.subscriptions)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    print(f"\nAlso in {given.out}")
    return 0


def figures(stand: Stand, built: Packages, rounds: int, subscriptions: int) -> dict[str, Any]:
    """All figures under stable names: seconds of processor time, ratios, bytes; the seconds of
    `succession` are those of a clock.
    """
    started = measure(stand, built, rounds)
    bare = started.pop("Bare")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": rounds,
        "start": {
            "bare": {"cpu_seconds": bare, "ratio": 1.0},
            **{
                short(name): {"cpu_seconds": seconds, "ratio": seconds / bare}
                for name, seconds in started.items()
            },
        },
        "decision": {name: {"cpu_seconds": v} for name, v in decisions(stand, built).items()},
        "forwarding": {name: {"cpu_seconds": v} for name, v in forwarding().items()},
        "gateway": gateway.figures(stand),
        "token": {
            **token_issue(stand, built),
            "over_http": compared(over_http(stand, MODULES)),
            "database_calls": database_calls(stand),
        },
        "step": {name: {"cpu_seconds": seconds} for name, seconds in engine().items()},
        "succession": succession(stand, built, subscriptions),
        "packages": {
            short(name): {"zipped_bytes": package.zipped, "unpacked_bytes": package.unpacked}
            for name, package in built.by_name.items()
            if built.template["Resources"][name]["Type"] in (FUNCTION, LAYER)
        },
        "goal": {f"{name}_start_ratio": goal for name, goal in GOALS.items()} | gateway.GOALS,
    }


def compared(seconds: dict[str, float]) -> dict[str, Any]:
    """Processor seconds of a token over HTTP by side, and ours as a multiple of each other's."""
    return {
        **{name: {"cpu_seconds": each} for name, each in seconds.items()},
        "ratio": {name: seconds["portico"] / seconds[name] for name in PEERS},
    }


def short(name: str) -> str:
    """`AuthorizerFunction` -> `authorizer`, `CommonLayer` -> `common_layer`."""
    return name.removesuffix("Function").lower().replace("layer", "_layer")


def table(result: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"Python {result['python']} on {result['machine']}; processor time, medians of "
        f"{result['rounds']} rounds in one run. Compare ratios, not milliseconds.",
        "",
        f"{'First answer of a fresh process':<36}{'ms':>10}{'ratio':>10}",
    ]
    for name, row in result["start"].items():
        lines.append(f"  {name:<34}{row['cpu_seconds'] * 1e3:>10.0f}{row['ratio']:>10.2f}")
    for name, goal in GOALS.items():
        reached = result["start"][name]["ratio"] <= goal
        lines.append(f"  (the goal of {name} is {goal}: {'reached' if reached else 'MISSED'})")
    lines += [
        "",
        f"{'A decision of the authorizer':<36}{'ms':>10}",
    ]
    for name, row in result["decision"].items():
        lines.append(f"  {name:<34}{row['cpu_seconds'] * 1e3:>10.3f}")
    lines += forwarded(result["forwarding"])
    token = result["token"]
    lines += [
        *gateway.lines(result["gateway"]),
        "",
        f"{'A token by client_credentials':<36}{token['client_credentials'] * 1e3:>10.3f}"
        f"{token['per_second_of_cpu']:>10.0f} per second",
        "",
        *served(token["over_http"]),
        "",
        f"{'Calls of DynamoDB for a token':<36}{'reads':>10}{'writes':>10}",
        *(
            f"  {name:<34}{row['reads']:>10}{row['writes']:>10}"
            for name, row in token["database_calls"].items()
        ),
        "",
        f"{'A step of the life cycle':<36}{'us':>10}",
        *(f"  {name:<34}{row['cpu_seconds'] * 1e6:>10.1f}" for name, row in result["step"].items()),
        "",
        *succeeded(result["succession"]),
        "",
        f"{'Packages':<36}{'zipped KB':>10}{'KB':>10}",
    ]
    for name, row in result["packages"].items():
        sizes = f"{row['zipped_bytes'] / 1024:>10.0f}{row['unpacked_bytes'] / 1024:>10.0f}"
        lines.append(f"  {name:<34}{sizes}")
    return "\n".join(lines)


def forwarded(found: dict[str, dict[str, float]]) -> list[str]:
    """The lines about a call that the gateway function delivers."""
    fine = "reached" if found["added"]["cpu_seconds"] <= GOAL else "MISSED"
    return [
        "",
        f"{'A 1 KB call delivered':<36}{'ms':>10}",
        *(f"  {name:<34}{row['cpu_seconds'] * 1e3:>10.3f}" for name, row in found.items()),
        f"  (the goal of what is added is {GOAL * 1e3}: {fine})",
    ]


def served(found: dict[str, Any]) -> list[str]:
    """The lines about tokens over HTTP, side by side."""
    below = all(ratio < 1 for ratio in found["ratio"].values())
    return [
        f"{'A token over HTTP, RS256':<36}{'us':>10}{'ours to it':>12}",
        f"  {'portico, in memory':<34}{found['portico']['cpu_seconds'] * 1e6:>10.0f}",
        *(
            f"  {shown:<34}{found[name]['cpu_seconds'] * 1e6:>10.0f}{found['ratio'][name]:>12.2f}"
            for name, shown in PEERS.items()
        ),
        f"  {'portico, embedded DynamoDB':<34}"
        f"{found['portico_dynamodb']['cpu_seconds'] * 1e6:>10.0f}",
        f"  (in memory, ours is the least: {'yes' if below else 'NO'})",
    ]


def succeeded(found: dict[str, float]) -> list[str]:
    """The lines about a new version in the place of an old one."""
    in_time = found["longest_run"] < found["limit"]
    return [
        f"{'A version succeeded by the next':<36}{'':>10}",
        f"  {'subscriptions carried forward':<34}{found['subscriptions']:>10.0f}",
        f"  {'seconds, runs of the function':<34}{found['seconds']:>10.1f}{found['runs']:>10.0f}",
        f"  {'longest run in seconds, its limit':<34}{found['longest_run']:>10.1f}"
        f"{found['limit']:>10.0f}",
        f"  (no run may reach its limit: {'kept' if in_time else 'BROKEN'})",
    ]


if __name__ == "__main__":
    sys.exit(main())
