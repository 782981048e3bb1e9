"""Starting, stopping, being killed: what a platform of one's own must survive."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.conftest import ROOT, SMALL, Platform, command, platform_of, start
from tools.local.client import Http
from tools.local.site import Site, free_port
from tools.local.supervisor import running_pid


def children(pid: int) -> dict[str, int]:
    """Processes started by `pid`, by the module that they run."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    found = {}
    for line in listed.stdout.splitlines():
        number, _, arguments = line.strip().partition(" ")
        words = arguments.split()
        if "-m" in words:
            found[words[words.index("-m") + 1]] = int(number)
    return found


def eventually(check: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


def listens(url: str) -> bool:
    host, _, port = url.partition("//")[2].partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def stored(platform: Platform) -> set[str]:
    table = platform.physical("Table")
    return {item["pk"]["S"] for item in platform.aws("dynamodb").scan(TableName=table)["Items"]}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Platform]:
    """A platform that the test may kill."""
    start(tmp_path)
    yield platform_of(tmp_path)
    command(tmp_path, "down")


def test_a_second_start_says_what_runs(platform: Platform) -> None:
    done = command(platform.state, "up")
    assert done.returncode == 0
    assert "running already" in done.stdout
    assert platform.endpoints["gateway"] in done.stdout
    assert command(platform.state, "status").returncode == 0


def test_endpoints_name_addresses_and_users_and_are_private(platform: Platform) -> None:
    path = platform.state / "endpoints.json"
    assert path.stat().st_mode & 0o777 == 0o600
    endpoints = json.loads(path.read_text())
    assert {"gateway", "token", "dcr", "publisher", "store", "admin", "aws"} <= endpoints.keys()
    assert endpoints["token"] == endpoints["dcr"] == endpoints["gateway"]
    for user in endpoints["users"]:
        assert user.keys() == {"name", "password", "roles", "email"}
        assert len(user["password"]) >= 12


def test_keys_and_logs_are_for_their_owner_only(platform: Platform) -> None:
    secrets = platform.state / "aws" / "services" / "secretsmanager.json"
    eventually(secrets.exists)
    for path in (secrets, secrets.parents[1], platform.state / "logs" / "up.log"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_everything_listens_on_loopback_only(platform: Platform) -> None:
    ports = {platform.endpoints[s].rpartition(":")[2] for s in ("aws", "gateway", "publisher")}
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    bound = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    addresses = {a.partition(":")[0] for a in bound if str(int(a.partition(":")[2], 16)) in ports}
    assert addresses == {"0100007F"}


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # No default: another platform may be running on those.
        ports = f"aws=0,gateway=0,publisher=0,store={port},admin=0,backend=0"
        done = command(tmp_path, "up", "--ports", ports)
    assert done.returncode == 1
    assert f"Port {port} (store) is taken" in done.stderr


@pytest.mark.parametrize("name", ["passwords.json", "aws/services/dynamodb.json"])
def test_damaged_state_is_not_overwritten(tmp_path: Path, name: str) -> None:
    damaged = tmp_path / name
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_text('{"tables": {"')
    done = command(tmp_path, "up", "--no-seed", "--ports", "0")
    assert done.returncode == 1
    assert f"{damaged} is damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert damaged.read_text() == '{"tables": {"'
    assert command(tmp_path, "reset").returncode == 0
    assert not damaged.exists()


def test_who_asks_what_runs_is_not_taken_for_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.lock_file.write_text(str(os.getpid()))
    with site.lock_file.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert running_pid(site) is None


def test_nothing_running_is_said(tmp_path: Path) -> None:
    assert "Nothing is running" in command(tmp_path, "down").stdout
    assert command(tmp_path, "status").returncode == 1


def test_a_killed_embedded_aws_comes_back_with_its_state(own: Platform) -> None:
    Http(own.endpoints["gateway"]).get("/open/a?kept", headers={"X-Do": "put"}).expect(200)
    time.sleep(3)
    supervisor = int((own.state / "supervisor.lock").read_text())
    os.kill(children(supervisor)["tools.local.embedded"], signal.SIGKILL)
    eventually(lambda: not listens(own.endpoints["aws"]), 5)
    eventually(lambda: listens(own.endpoints["aws"]))
    assert "kept" in stored(own)
    answer = Http(own.endpoints["gateway"]).get("/open/a?after", headers={"X-Do": "put"})
    assert answer.status == 200


def test_a_killed_supervisor_leaves_nothing_behind_and_its_state_returns(own: Platform) -> None:
    Http(own.endpoints["gateway"]).get("/open/a?first", headers={"X-Do": "put"}).expect(200)
    time.sleep(3)
    supervisor = int((own.state / "supervisor.lock").read_text())
    os.kill(supervisor, signal.SIGKILL)
    services = ("aws", "gateway", "publisher", "backend")
    eventually(lambda: not any(listens(own.endpoints[service]) for service in services))
    eventually(lambda: _no_workers(own.state))
    started = time.monotonic()
    start(own.state)
    assert time.monotonic() - started < 60
    assert platform_of(own.state).endpoints == own.endpoints
    assert "first" in stored(own)


def _no_workers(state: Path) -> bool:
    """No execution environment of this platform lives: they run in its folder."""
    for process in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if process.readlink().is_relative_to(state):
                return False
        except OSError:
            continue
    return True


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"])
def test_a_deployment_that_was_broken_off_can_be_repeated(own: Platform, status: str) -> None:
    command(own.state, "down")
    kept = own.state / "aws" / "services" / "cloudformation.json"
    stopped = '"StackStatus": "CREATE_COMPLETE"'
    assert stopped in kept.read_text()
    kept.write_text(kept.read_text().replace(stopped, f'"StackStatus": "{status}"'))
    start(own.state)
    answer = Http(own.endpoints["gateway"]).get("/open/a", headers={"X-Do": "plain"})
    assert answer.status == 200


def test_a_new_address_reaches_the_functions(own: Platform) -> None:
    command(own.state, "down")
    port = free_port()
    ports = f"aws=0,gateway={port},publisher=0,store=0,admin=0,backend=0"
    done = command(
        own.state,
        *("up", "--detach", "--no-seed", "--ports", ports, "--stack", "small"),
        *("--template", str(SMALL)),
    )
    assert done.returncode == 0, done.stderr
    live = own.aws("lambda").get_function_configuration(FunctionName="small-echo", Qualifier="live")
    assert live["Environment"]["Variables"]["GATEWAY"] == f"http://127.0.0.1:{port}"


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    arguments = ["up", "--no-seed", "--ports", "0", "--stack", "small"]
    arguments += ["--template", str(SMALL), "--state", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-m", "tools.local", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        eventually((tmp_path / "ready").exists, 60)
        endpoints = platform_of(tmp_path).endpoints
        Http(endpoints["gateway"]).get("/open/a", headers={"X-Do": "plain"}).expect(200)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # an impatient person
        output = process.communicate(timeout=30)[0]
    assert process.returncode == 0, output
    assert "Stopping" in output
    assert "Traceback" not in output
    assert not any(listens(endpoints[s]) for s in ("aws", "gateway", "publisher", "backend"))
    eventually(lambda: _no_workers(tmp_path))


def test_down_stops_everything_and_reset_forgets_it(own: Platform) -> None:
    Http(own.endpoints["gateway"]).get("/open/a", headers={"X-Do": "plain"}).expect(200)
    assert command(own.state, "down").returncode == 0
    assert not any(listens(own.endpoints[s]) for s in ("aws", "gateway", "publisher", "backend"))
    eventually(lambda: _no_workers(own.state))
    (own.state / "bench.json").write_text("{}")
    assert command(own.state, "reset").returncode == 0
    assert [path.name for path in own.state.iterdir()] == ["bench.json"]
