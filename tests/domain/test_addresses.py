"""The address guard: what users may make a function connect to."""

import pytest

from portico.domain.addresses import (
    AddressRefused,
    Target,
    address_public,
    check_literal,
    host_allowed,
    pin,
    target_of,
)

INTERNAL = [
    "127.0.0.1",
    "127.8.9.10",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing listens
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "fec0::1",
]


@pytest.mark.parametrize("address", INTERNAL)
def test_an_internal_address_is_refused(address: str) -> None:
    assert not address_public(address)
    with pytest.raises(AddressRefused, match="internal"):
        pin(Target("http", "shop.example.com", 80), [address], ())


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_used(address: str) -> None:
    assert pin(Target("https", "shop.example.com", 443), [address], ()) == address


def test_one_internal_address_among_public_ones_refuses_the_host() -> None:
    with pytest.raises(AddressRefused):
        pin(Target("http", "shop.example.com", 80), ["8.8.8.8", "10.0.0.1"], ())


def test_an_allowed_host_may_be_internal() -> None:
    target = target_of("http://127.0.0.1:8290/pizza")
    assert pin(target, ["127.0.0.1"], ["127.0.0.1:8290"]) == "127.0.0.1"
    assert pin(target, ["127.0.0.1"], ["127.0.0.1"]) == "127.0.0.1"
    with pytest.raises(AddressRefused):
        pin(target, ["127.0.0.1"], ["127.0.0.1:9999"])


def test_an_allowed_name_does_not_open_the_metadata_address() -> None:
    with pytest.raises(AddressRefused):
        pin(target_of("http://backend.corp/"), ["169.254.169.254"], ["backend.corp"])
    literal = target_of("http://169.254.169.254/")
    assert pin(literal, ["169.254.169.254"], ["169.254.169.254"]) == "169.254.169.254"


def test_a_host_without_address_is_refused() -> None:
    with pytest.raises(AddressRefused, match="no address"):
        pin(Target("http", "nowhere.example.com", 80), [], ())


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://Shop.Example.com/a?b", Target("http", "shop.example.com", 80)),
        ("https://shop.example.com:8443", Target("https", "shop.example.com", 8443)),
        ("HTTPS://shop.example.com.", Target("https", "shop.example.com", 443)),
        ("http://[2606:4700::1111]:81/", Target("http", "2606:4700::1111", 81)),
        ("https://bücher.example/", Target("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_a_url_is_read(url: str, target: Target) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example.com",
        "ftp://shop.example.com",
        "file:///etc/passwd",
        "gopher://shop.example.com",
        "http://",
        "http:///path",
        "http://user:secret@shop.example.com",
        "http://shop.example.com\\@127.0.0.1/",
        "http://shop.example.com /",
        "http://shop.example.com\r\nHost: other",
        "http://shop.example.com:0/",
        "http://shop.example.com:99999/",
        "http://shop.example.com:port/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://" + "a" * 3000,
    ],
)
def test_a_url_that_readers_could_understand_differently_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        target_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://localhost/",
        "http://api.localhost/",
        "http://metadata.google.internal/",
        "http://printer.local/",
        "http://intranet/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_an_internal_host_is_refused_without_asking_dns(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_literal(target_of(url), ())


def test_a_public_name_passes_without_dns() -> None:
    check_literal(target_of("https://shop.example.com/"), ())
    check_literal(target_of("http://localhost:8290/"), ["localhost:8290"])


def test_hosts_are_allowed_by_name_or_name_and_port() -> None:
    assert host_allowed(Target("http", "::1", 80), ["[::1]"])
    assert host_allowed(Target("http", "backend", 8080), [" Backend:8080 "])
    assert not host_allowed(Target("http", "backend", 8080), ["backend.example.com", "ackend"])
