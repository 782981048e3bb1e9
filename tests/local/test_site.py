"""Ports and files of a platform."""

import socket
from pathlib import Path

import pytest

from tools.local.site import (
    DEFAULT_PORTS,
    LocalError,
    Site,
    check_ports,
    choose_ports,
    parse_ports,
    read_kept,
    remembered_ports,
    write_atomically,
)


def test_ports_come_from_the_option_then_the_environment_then_the_default() -> None:
    ports = choose_ports(
        {"gateway": 9000}, {"PORTICO_PORT_GATEWAY": "1", "PORTICO_PORT_STORE": "9002"}, {}
    )
    assert ports == {**DEFAULT_PORTS, "gateway": 9000, "store": 9002}


def test_any_free_port_stays_the_same_in_one_folder() -> None:
    ports = choose_ports(parse_ports("0"), {}, {"gateway": 12345})
    assert ports["gateway"] == 12345
    assert len(set(ports.values())) == len(DEFAULT_PORTS)


@pytest.mark.parametrize("text", ["gateway", "nobody=1", "gateway=x", "=1"])
def test_a_malformed_ports_option_is_refused(text: str) -> None:
    with pytest.raises(LocalError, match="--ports"):
        parse_ports(text)


def test_two_services_cannot_have_one_port() -> None:
    with pytest.raises(LocalError, match="gateway and store cannot both have port 9000"):
        choose_ports({"gateway": 9000, "store": 9000}, {}, {})


@pytest.mark.parametrize("text", ["{", "[1]", '{"gateway": "x"}', "\ud800"])
def test_ports_that_cannot_be_read_are_chosen_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_bytes(text.encode(errors="surrogatepass"))
    assert remembered_ports(tmp_path) == {}


@pytest.mark.parametrize("text", ['{"admin": "x', "", "[]"])
def test_a_damaged_file_is_named_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "passwords.json"
    path.write_text(text)
    with pytest.raises(LocalError, match=r"passwords\.json is damaged.*make reset"):
        read_kept(path)
    assert path.read_text() == text
    assert read_kept(tmp_path / "none.json") == {}


def test_a_port_that_is_no_number_is_named() -> None:
    with pytest.raises(LocalError, match="PORTICO_PORT_ADMIN"):
        choose_ports({}, {"PORTICO_PORT_ADMIN": "many"}, {})


def test_a_taken_port_is_named_with_the_way_to_change_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} \(store\).*PORTICO_PORT_STORE="):
            check_ports({"store": port})


def test_files_with_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write_atomically(path, "{}", private=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_a_platform_that_never_ran_has_no_endpoints(tmp_path: Path) -> None:
    assert Site(tmp_path).read_endpoints() == {}
