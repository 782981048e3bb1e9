"""The gateways that are compared: how each is started, and which are not to be had here and why.

All get the same task: check RS256 tokens of one key and one issuer, send calls on to one back end.
"""

import json
import os
import shutil
import socket
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tools.bench.stand import HOST, URL, Stand

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
ISSUER = f"{URL}/oauth2/token"
# Where Debian's libnginx-mod-http-js and nginx.org's packages have it.
NJS = ("/usr/lib/nginx/modules", "/etc/nginx/modules", "/usr/share/nginx/modules")
# Debian has servers where only root's PATH looks.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Side:
    """A gateway; `port` is 0 for one that tells its own on standard output."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    port: int = 0


class Missing(Exception):
    """What is needed is not on this machine; the text says what."""


def sides(stand: Stand, backend: int, folder: Path) -> tuple[list[Side], dict[str, str]]:
    """Portico and whichever of the others can run here; and what those that cannot are missing."""
    key = stand.key.private.public_key()
    pem = folder / "key.pem"
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    spki = b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    found = [portico(stand)]
    missing = {}
    for name, make in {
        "nginx": nginx,
        "haproxy": haproxy,
        "fastify": fastify,
        "express_gateway": express_gateway,
    }.items():
        task = {
            "backend": str(backend),
            "port": str(_free_port()),
            "folder": str(folder / name),
            "issuer": ISSUER,
            "pem": str(pem),
            "spki": spki,
        }
        (folder / name).mkdir()
        try:
            found.append(Side(name, make(task), _plain(stand), int(task["port"])))
        except Missing as lack:
            missing[name] = str(lack)
    return found, missing


def portico(stand: Stand) -> Side:
    """Both handlers, with their log lines as the template has them."""
    # Started with nothing on the path that a function does not have.
    ours = {**stand.environment, "POWERTOOLS_LOG_LEVEL": "INFO"}
    return Side("portico", [sys.executable, str(HERE / "portico_server.py")], ours)


def nginx(task: Mapping[str, str]) -> list[str]:
    """One worker, tokens checked by njs; raises Missing."""
    program = _program("nginx", "nginx-light libnginx-mod-http-js")
    module = next(
        (path for each in NJS if (path := Path(each, "ngx_http_js_module.so")).exists()), None
    )
    if module is None:
        raise Missing("nginx has no njs here: apt-get install libnginx-mod-http-js")
    check = HERE / "nginx_check.js"
    # Its worker would be nobody's, to whom the folder is closed.
    user = "user root;" if os.geteuid() == 0 else ""
    more = {"module": str(module), "check": str(check), "user": user}
    configuration = _filled("nginx.conf", {**task, **more})
    return [program, "-p", task["folder"], "-e", "stderr", "-c", configuration]


def haproxy(task: Mapping[str, str]) -> list[str]:
    """One thread; raises Missing."""
    program = _program("haproxy", "haproxy")
    return [program, "-db", "-f", _filled("haproxy.cfg", task)]


def fastify(task: Mapping[str, str]) -> list[str]:
    """One process; raises Missing."""
    return _node("fastify", task)


def express_gateway(task: Mapping[str, str]) -> list[str]:
    """One process; raises Missing."""
    models = MODULES / "express-gateway" / "lib" / "config" / "models"
    command = _node("express-gateway", task)
    shutil.copytree(models, Path(task["folder"]) / "models")
    return command


def _node(package: str, task: Mapping[str, str]) -> list[str]:
    program = _program("node", "nodejs npm")
    if not (MODULES / package).exists():
        raise Missing(f"{package} is not installed: cd {HERE.relative_to(HERE.parents[2])}; npm ci")
    script = HERE / f"{package.replace('-', '_')}.mjs"
    given = {**task, "port": int(task["port"]), "backend": int(task["backend"])}
    return [program, str(script), json.dumps(given)]


def _program(name: str, packages: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install {packages}")
    return found


def _filled(name: str, task: Mapping[str, str]) -> str:
    path = Path(task["folder"], name)
    path.write_text(Template((HERE / name).read_text()).substitute(task))
    return str(path)


def _plain(stand: Stand) -> dict[str, str]:
    path = stand.environment["PATH"]
    return {"PATH": path, "LANG": "C.UTF-8", "NODE_ENV": "production", "LOG_LEVEL": "error"}


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
