"""Where one local platform lives: its folder, its ports and the files that tell others of it.

Two platforms can run side by side when their folders and ports differ.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
# What each service listens on. The environment variable PORTICO_PORT_<NAME> changes one of them.
DEFAULT_PORTS = {
    "aws": 4566,
    "gateway": 8280,
    "publisher": 8281,
    "store": 8282,
    "admin": 8283,
    "backend": 8290,
}
SERVICES = tuple(DEFAULT_PORTS)


class LocalError(Exception):
    """Something that the person at the terminal must know; shown without a stack trace."""


@dataclass(frozen=True)
class Site:
    """One platform: `state` is its folder, `ports` what each of SERVICES listens on."""

    state: Path
    ports: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_PORTS))
    root: Path = ROOT
    template: Path = ROOT / "template.yaml"
    stack: str = "portico-local"

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self.ports[service]}"

    @property
    def endpoints_file(self) -> Path:
        return self.state / "endpoints.json"

    @property
    def lock_file(self) -> Path:
        return self.state / "supervisor.lock"

    @property
    def front_file(self) -> Path:
        return self.state / "front.json"

    @property
    def passwords_file(self) -> Path:
        return self.state / "passwords.json"

    @property
    def demo_file(self) -> Path:
        return self.state / "demo.json"

    @property
    def aws_state(self) -> Path:
        return self.state / "aws"

    @property
    def cache(self) -> Path:
        # Shared by all platforms of this checkout: it holds nothing but what can be built again.
        return self.root / ".local" / "cache"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def function_log(self) -> Path:
        return self.logs / "functions.log"

    def read_endpoints(self) -> dict[str, Any]:
        """The content of `endpoints.json`; empty when the platform never came up."""
        try:
            content: dict[str, Any] = json.loads(self.endpoints_file.read_text())
        except (OSError, ValueError):
            return {}
        return content


def read_kept(path: Path) -> dict[str, Any]:
    """A JSON object that a platform keeps; empty when there is none. LocalError for a damaged one:
    to go on as if there were none would overwrite what may still be repaired.
    """
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not an object")  # noqa: TRY301, TRY004
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LocalError(
            f"{path} is damaged ({error}). Put back a good copy, or start afresh with: make reset"
        ) from error
    return content


def remembered_ports(state: Path) -> dict[str, int]:
    """The ports of the last start, as far as they can be read."""
    try:
        kept = read_kept(state / "ports.json")
    except (LocalError, OSError):
        return {}
    return {name: kept[name] for name in SERVICES if isinstance(kept.get(name), int)}


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Writes beside and renames, so that a reader or a crash never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    mode = 0o600 if private else 0o644
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as out:
        out.write(text)
    beside.replace(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def choose_ports(
    given: Mapping[str, int], environ: Mapping[str, str], remembered: Mapping[str, int]
) -> dict[str, int]:
    """The port of each service: the option, else PORTICO_PORT_*, else the default; 0 is any free.

    A port that was chosen as "any free" stays the same as long as the folder lives, because
    addresses are written into the deployed stack.
    """
    ports = {}
    for name, default in DEFAULT_PORTS.items():
        text = environ.get(f"PORTICO_PORT_{name.upper()}", "")
        try:
            wanted = given.get(name, int(text) if text else default)
        except ValueError as error:
            raise LocalError(f"PORTICO_PORT_{name.upper()}={text!r} is not a number") from error
        if not 0 <= wanted <= 65535:
            raise LocalError(f"{wanted} is not a port (service {name})")
        ports[name] = wanted or remembered.get(name) or free_port()
    for name, port in ports.items():
        other = next(other for other in ports if ports[other] == port)
        if other != name:
            raise LocalError(f"{other} and {name} cannot both have port {port}")
    return ports


def parse_ports(text: str) -> dict[str, int]:
    """`gateway=9000,store=0`, or one number for all (`0`: every service on a free port)."""
    text = text.strip()
    if text == "0":
        return dict.fromkeys(SERVICES, 0)
    ports = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, sign, number = part.partition("=")
        if name not in DEFAULT_PORTS or not sign or not number.isdigit():
            raise LocalError(f"--ports: {part!r} is not <service>=<port>, one of {SERVICES}")
        ports[name] = int(number)
    return ports


def check_ports(ports: Mapping[str, int]) -> None:
    """Refuses to start on a port that another program holds, and says how to use another."""
    for name, port in ports.items():
        with socket.socket() as probe:
            # As servers bind: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise LocalError(
                    f"Port {port} ({name}) is taken by another program. Stop that program, or "
                    f"choose another port: PORTICO_PORT_{name.upper()}={port + 1000} make up"
                ) from error
