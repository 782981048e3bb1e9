"""The comparison of gateways works: each forwards a good token's calls and refuses the others."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.bench import backend
from tools.bench.fleet import fleet
from tools.bench.peers import sides
from tools.bench.peers.measuring import check, through_gateways
from tools.bench.peers.processes import Gateway, cpu_of, running
from tools.bench.stand import Stand
from tools.bench.stand import running as standing


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    before = dict(os.environ)
    folder = tmp_path_factory.mktemp("bench")
    with backend.running() as address, standing(folder, address) as made:
        yield made
    os.environ.clear()
    os.environ.update(before)


def test_every_gateway_is_measured_or_said_to_be_missing(stand: Stand) -> None:
    found = through_gateways(stand, rounds=1, warm_up=4, calls=40)
    assert found["cpu_seconds"]["portico"] > 0
    measured, missing = found["cpu_seconds"], found["missing"]
    assert {*measured, *missing} == {"portico", "nginx", "haproxy", "fastify", "express_gateway"}
    assert set(found["ratio"]) == set(measured) - {"portico"}
    for name, ratio in found["ratio"].items():
        assert ratio == pytest.approx(measured["portico"] / measured[name])
    assert all("install" in why for why in missing.values())


def test_a_gateway_that_refuses_nobody_is_not_measured(stand: Stand) -> None:
    open_to_all = Gateway("open", 0, urlsplit(stand.backend).port or 0)
    with pytest.raises(RuntimeError, match="without a good token"):
        check(open_to_all, stand.token())


def test_a_gateway_that_does_not_answer_with_the_back_ends_answer_is_not_measured(
    stand: Stand,
) -> None:
    stranger = stand.token(app="", client_id="a-stranger")
    with (
        running(sides.portico(stand)) as gateway,
        pytest.raises(RuntimeError, match="answered 403"),
    ):
        check(gateway, stranger)


def test_what_is_missing_is_said_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sides, "SBIN", "")
    task: Mapping[str, str] = {"port": "1", "backend": "2", "folder": str(tmp_path)}
    for make, name in ((sides.nginx, "nginx"), (sides.haproxy, "haproxy"), (sides.fastify, "node")):
        with pytest.raises(sides.Missing, match=f"{name} is not installed: apt-get install"):
            make(task)


def test_processor_time_is_that_of_a_processs_whole_session() -> None:
    burns = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    # The one that works is a child of the session's first.
    command = ["sh", "-c", f'"{sys.executable}" -c "{burns}"; true']
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.3 <= cpu_of(process.pid) < 3
        process.communicate(b"\n")


def test_the_back_end_answers_each_request_once() -> None:
    with backend.running() as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
        try:
            connection.connect()
            for part in (b"GET / HTTP/1.1\r\nHost: x\r", b"\n\r\nGET / HTTP/1.1\r\n\r\n"):
                connection.sock.sendall(part)
                time.sleep(0.05)
            whole = len(backend.HEAD) + backend.CONTENT
            answered = b""
            while len(answered) < 2 * whole:
                answered += connection.sock.recv(65536)
            assert answered == (backend.HEAD + backend.BODY) * 2
        finally:
            connection.close()


def test_a_fleets_decisions_are_counted(stand: Stand) -> None:
    found = fleet(stand, apis=3, applications=6, calls=2, full=60)
    assert found["warm"]["requests"] == 12
    assert found["full"]["requests"] == 360
    # Six leases of at most fifty calls cannot do.
    assert 6 <= found["full"]["calls"]["UpdateItem"] <= 30
    assert found["warm"]["cold"]["BatchGetItem"] >= 1
    assert 0 < found["warm"]["cpu_seconds"] < 0.1
