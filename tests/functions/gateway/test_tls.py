"""TLS to back ends is verified, always: by the public authorities, or by an endpoint's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.gateway.backends import Backends
from functions.gateway.forward import Forwarder, NotDelivered
from functions.gateway.requests import Outgoing
from tests.functions.gateway.backend import running
from tests.functions.gateway.certificates import DAY, NOW, Authority, secure
from tests.functions.gateway.planned import Shop

HOSTS = ("pizza.example", "burger.example", "127.0.0.1")
OURS = Authority()
ANOTHER = Authority("Somebody else's")


@pytest.fixture
def backends() -> Iterator[Backends]:
    found = Backends(HOSTS, resolve=lambda host, port: ["127.0.0.1"])
    yield found
    found.close()


def ask(backends: Backends, port: int, authorities: str, host: str = "pizza.example") -> str:
    """The answer's text, or the fault."""
    forwarder = Forwarder(backends, seconds=5)
    request = Outgoing("GET", "/", "", {})
    try:
        return forwarder.exchange(
            request, f"https://{host}:{port}", forwarder.deadline(), authorities
        ).body
    except NotDelivered as failure:
        return "sent" if failure.sent else failure.code


def test_an_endpoints_own_authority_is_trusted(backends: Backends, tmp_path: Path) -> None:
    with secure(OURS.issue(tmp_path, "pizza.example")) as port:
        assert [ask(backends, port, OURS.pem) for _ in range(3)] == ["ok"] * 3
        assert backends.idle == 1
        # What was verified for one endpoint is not for another one that trusts somebody else.
        assert ask(backends, port, "") == "101503"
        assert ask(backends, port, ANOTHER.pem) == "101503"
        assert ask(backends, port, ANOTHER.pem + OURS.pem) == "ok"
        backends.close()


def test_a_certificate_for_another_host_is_refused(backends: Backends, tmp_path: Path) -> None:
    with secure(OURS.issue(tmp_path, "burger.example")) as port:
        assert ask(backends, port, OURS.pem) == "101503"
        assert ask(backends, port, OURS.pem, "127.0.0.1") == "101503"
    with secure(OURS.issue(tmp_path, "pizza.example")) as port:
        assert ask(backends, port, OURS.pem, "burger.example") == "101503"
        assert ask(backends, port, OURS.pem, "127.0.0.1") == "101503"


def test_an_expired_certificate_is_refused(backends: Backends, tmp_path: Path) -> None:
    with secure(OURS.issue(tmp_path, "pizza.example", NOW - DAY)) as port:
        assert ask(backends, port, OURS.pem) == "101503"


def test_a_server_without_tls_is_refused(backends: Backends) -> None:
    with running() as backend:
        assert ask(backends, backend.port, OURS.pem) == "101503"


def test_a_publisher_gives_an_endpoint_its_authority(tmp_path: Path) -> None:
    """From the endpoint's `config`, beside its timeouts."""
    shop = Shop()
    with secure(OURS.issue(tmp_path, "pizza.example")) as port:
        endpoint: dict[str, Any] = {"url": f"https://pizza.example:{port}"}
        config = {"endpoint_type": "http", "production_endpoints": endpoint}
        shop.create(endpointConfig=config)
        shop.deploy()
        assert shop.fault() == "101503"
        endpoint["config"] = {"caCertificates": ANOTHER.pem + OURS.pem}
        shown = shop.update(endpointConfig=config)
        assert shown["endpointConfig"] == config
        shop.deploy()
        shop.world.clock.pass_by(10)
        assert shop.call().body == "ok"
        shop.close()
