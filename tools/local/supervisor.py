"""Starts what a local platform consists of, keeps it running and stops all of it together."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from tools.local import checks, seed
from tools.local.aws import client
from tools.local.deploying import Deployment
from tools.local.persistence import CHANGES
from tools.local.processes import Child, environment
from tools.local.progress import Progress
from tools.local.site import HOST, LocalError, Site, check_ports, read_kept, write_atomically

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READY_SECONDS = 60.0
# A child that ends more often than this within a minute is not started again.
_RESTARTS = 5
# Logical id of a function with a URL, and the service whose port shows it.
_FUNCTION_URLS = {
    "PublisherFunction": "publisher",
    "StoreFunction": "store",
    "AdminFunction": "admin",
}


class Stopped(Exception):
    """Someone asked the platform to stop."""


@contextmanager
def only_one(site: Site) -> Iterator[None]:
    """Holds the folder's lock with our pid in it; LocalError when another one does."""
    for folder in (site.state, site.aws_state, site.logs):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (site.aws_state, site.logs):
        # Private keys are in them, of an earlier start too.
        folder.chmod(0o700)
    with site.lock_file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalError(f"Another one is being started or stopped in {site.state}") from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def running_pid(site: Site) -> int | None:
    """The supervisor of this folder, if one lives.

    Told by the lock that it holds, so that a reused process id is never taken for ours.
    """
    with suppress(OSError), site.lock_file.open("r+") as lock:
        try:
            # Shared, so that two who ask at once do not take each other for the supervisor.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = lock.read().strip()
            return int(text) if text.isdigit() else None
    return None


def up(site: Site, progress: Progress, *, seeded: bool = True) -> None:
    """Starts everything, waits until it is stopped; for the foreground."""
    for sign in _SIGNALS:
        signal.signal(sign, _stop)
    with only_one(site):
        ready = site.state / "ready"
        ready.unlink(missing_ok=True)
        check_ports(site.ports)
        platform = Platform(site, progress)
        try:
            platform.start(seeded=seeded)
            ready.write_text(str(os.getpid()))
            platform.watch()
        except Stopped:
            progress.say("\nStopping ...")
        finally:
            ready.unlink(missing_ok=True)
            _no_more_signals()
            platform.stop()


def _stop(_signal: int, _frame: Any) -> None:
    _no_more_signals()
    raise Stopped


def _no_more_signals() -> None:
    """A second Ctrl-C must not leave anything behind."""
    for sign in _SIGNALS:
        signal.signal(sign, signal.SIG_IGN)


class Platform:
    """The processes of one site."""

    def __init__(self, site: Site, progress: Progress) -> None:
        self._site = site
        self._progress = progress
        self._children: list[Child] = []

    def start(self, *, seeded: bool) -> None:
        site, progress = self._site, self._progress
        write_atomically(site.state / "ports.json", json.dumps(dict(site.ports)))
        for kept in sorted(site.aws_state.glob("services/*.json")):
            read_kept(kept)
        with progress.step("embedded AWS"):
            self._start(
                "aws",
                "tools.local.embedded",
                "--port",
                str(site.ports["aws"]),
                "--state",
                str(site.aws_state),
                "--log",
                str(site.function_log),
            )
            self._await(f"{site.url('aws')}/_ministack/health")
        passwords = seed.passwords(site)
        deployment = Deployment(site)
        with progress.step("packages of functions and layers"):
            deployment.package()
        with progress.step(f"stack {site.stack}"):
            outcome = deployment.deploy(passwords["admin"])
        resources = deployment.resources()
        with progress.step(f"checks of what is deployed ({outcome})"):
            checks.Checker(deployment.template, resources, site.url("aws")).check()
        with progress.step("gateway, consoles and demo back end"):
            ports = self._write_front(deployment.template, resources)
            self._start("front", "tools.local.front", str(site.front_file))
            self._start("backend", "tools.local.backend", str(site.ports["backend"]))
            self._await(f"{site.url('backend')}/menu")
            for port in ports:
                self._await_port(port)
        seed.write_endpoints(site, {})
        demo: dict[str, Any] = {}
        if seeded:
            try:
                with progress.step("users and demo API"):
                    demo = seed.seed(site)
                seed.write_endpoints(site, demo)
            except seed.Failed as error:
                # What runs can be looked at and repaired; without it, there is nothing to look at.
                progress.say(f"\nThe demo is not complete, because {error}\n")
        progress.say(f"\nReady after {progress.seconds:.1f} s.\n\n{seed.table(site)}")

    def watch(self) -> None:
        """Starts again what ends by itself, until this process is told to stop."""
        restarts: list[float] = []
        while True:
            time.sleep(0.5)
            for child in self._children:
                if not child.ended:
                    continue
                now = time.monotonic()
                restarts = [*(at for at in restarts if now - at < 60), now]
                if len(restarts) > _RESTARTS:
                    raise LocalError(f"{child.name} keeps ending; see {child.log}")
                self._progress.say(f"{child.name} ended; starting it again")
                child.start()

    def stop(self) -> None:
        # The embedded AWS last: it saves its state when it ends.
        for child in reversed(self._children):
            child.stop(15)

    def _start(self, name: str, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        log = self._site.logs / f"{name}.log"
        child = Child(name, command, log, environment(self._site))
        self._children.append(child)
        child.start()

    def _await(self, url: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            self._complain_of_ended()
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise LocalError(f"{url} did not answer within {_READY_SECONDS:.0f} s")

    def _await_port(self, port: int) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            self._complain_of_ended()
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    return
            time.sleep(0.05)
        raise LocalError(f"Nothing listens on port {port}; see {self._site.logs}")

    def _complain_of_ended(self) -> None:
        for child in self._children:
            if child.ended:
                last = child.log.read_text(errors="replace").splitlines()[-15:]
                raise LocalError(f"{child.name} ended at once:\n" + "\n".join(last))

    def _write_front(self, template: dict[str, Any], resources: dict[str, str]) -> list[int]:
        """Tells the front what to serve; the ports that it will listen on."""
        site = self._site
        config: dict[str, Any] = {
            "aws": site.url("aws"),
            "changes": str(site.aws_state / CHANGES),
            "function_urls": [],
        }
        for name, resource in template["Resources"].items():
            if resource["Type"] == "AWS::ApiGatewayV2::Api":
                config["http_api"] = {"port": site.ports["gateway"], "id": resources[name]}
            if name in _FUNCTION_URLS:
                config["function_urls"].append(
                    {"port": site.ports[_FUNCTION_URLS[name]], **self._url_of(resources[name])}
                )
        write_atomically(site.front_file, json.dumps(config, indent=2))
        served = [*config["function_urls"], *filter(None, [config.get("http_api")])]
        return [one["port"] for one in served]

    def _url_of(self, function: str) -> dict[str, str]:
        functions = client("lambda", self._site.url("aws"))
        for url in functions.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]:
            name = url["FunctionUrl"].partition("//")[2].partition(".")[0]
            return {"function": url["FunctionArn"], "id": name}
        raise LocalError(f"{function} has no function URL")


def detach(site: Site, arguments: list[str], progress: Progress) -> None:
    """Starts the platform in the background and waits until it is ready."""
    site.logs.mkdir(parents=True, exist_ok=True)
    log = site.logs / "up.log"
    ready = site.state / "ready"
    ready.unlink(missing_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tools.local", "up", *arguments],
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=site.root,
        )
    with log.open() as lines:
        try:
            while process.poll() is None and not ready.exists():
                _relay(lines, progress)
                time.sleep(0.1)
        except KeyboardInterrupt:
            # It has a session of its own, where Ctrl-C does not reach.
            process.terminate()
            process.wait()
            raise
        finally:
            _relay(lines, progress)
    if process.poll() is not None:
        raise LocalError(f"It did not start; its output is above and in {log}")


def _relay(lines: IO[str], progress: Progress) -> None:
    text = lines.read()
    if text:
        progress.write(text)


def down(site: Site, progress: Progress) -> bool:
    """Stops a running platform; whether there was one."""
    pid = running_pid(site)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 40
    while running_pid(site) == pid:
        if time.monotonic() > deadline:
            raise LocalError(f"Process {pid} does not stop; see {site.logs}")
        time.sleep(0.1)
    progress.say("Stopped.")
    return True


def reset(site: Site, progress: Progress) -> None:
    """Stops it and forgets everything but the packages built so far."""
    down(site, progress)
    for path in site.state.iterdir() if site.state.is_dir() else ():
        if path != site.cache and path.name in _OURS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    progress.say(f"Nothing is left of the platform in {site.state}.")


# What `reset` may delete: other tools keep their results in the same folder.
_OURS = {
    "aws",
    "demo.json",
    "logs",
    "endpoints.json",
    "front.json",
    "passwords.json",
    "ports.json",
    "ready",
    "supervisor.lock",
}
