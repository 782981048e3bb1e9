"""The command line: `python -m tools.local up|down|reset|logs|mails|status|demo`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tools.local import supervisor
from tools.local.following import follow_logs
from tools.local.mails import show_mails
from tools.local.progress import Progress
from tools.local.seed import table
from tools.local.site import ROOT, LocalError, Site, choose_ports, parse_ports, remembered_ports


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in {
        "up": "start everything and keep it running",
        "down": "stop what is running",
        "reset": "stop it and delete its state",
        "logs": "follow the logs of all functions",
        "mails": "show the mails that were sent, which stay here",
        "status": "say what is running",
        "demo": "walk through the main journey",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--state", type=Path, default=ROOT / ".local", help="folder of the state"
        )
        command.add_argument("--ports", default="", help="gateway=9000,... or 0: any free ones")
        if name == "up":
            command.add_argument("--detach", action="store_true", help="return when it is ready")
            command.add_argument("--no-seed", action="store_true", help="no users, no demo API")
            command.add_argument("--template", type=Path, default=ROOT / "template.yaml")
            command.add_argument("--stack", default="portico-local", help="name of the stack")
    return parser


def _site(given: argparse.Namespace) -> Site:
    state = given.state.resolve()
    if state.exists() and not state.is_dir():
        raise LocalError(f"{state} is not a folder")
    remembered = remembered_ports(state)
    wanted = parse_ports(given.ports)
    if supervisor.running_pid(Site(state)) or given.command != "up":
        ports = remembered or choose_ports(wanted, os.environ, remembered)
    else:
        ports = choose_ports(wanted, os.environ, remembered)
    if given.command != "up":
        return Site(state, ports)
    return Site(state, ports, template=given.template.resolve(), stack=given.stack)


def _up(given: argparse.Namespace, site: Site, progress: Progress, arguments: list[str]) -> int:
    if supervisor.running_pid(site):
        if not (site.state / "ready").exists():
            raise LocalError(f"It is being started already; see {site.logs}")
        print(f"It is running already.\n\n{table(site)}")
        return 0
    if given.detach:
        supervisor.detach(site, [a for a in arguments if a != "--detach"], progress)
    else:
        supervisor.up(site, progress, seeded=not given.no_seed)
    return 0


def _demo(site: Site) -> int:
    from tools.local import demo

    return demo.run(site)


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    progress = Progress()
    # Keys, passwords and logs of the platform are for whoever started it; children inherit this.
    os.umask(0o077)
    try:
        site = _site(given)
        if given.command == "up":
            return _up(given, site, progress, arguments[1:])
        if given.command == "down":
            if not supervisor.down(site, progress):
                print("Nothing is running.")
        elif given.command == "reset":
            supervisor.reset(site, progress)
        elif given.command == "logs":
            follow_logs(site)
        elif given.command == "mails":
            show_mails(site)
        elif given.command == "demo":
            return _demo(site)
        elif supervisor.running_pid(site):
            print(table(site))
        else:
            print("Nothing is running. Start it with: make up")
            return 1
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
