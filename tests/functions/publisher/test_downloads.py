"""Downloads behind the address guard, from a server on 127.0.0.1 that the test runs."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from functions.publisher.downloads import GuardedDownloads
from portico.domain.addresses import AddressRefused
from portico.domain.errors import InvalidInput, TooLarge


class Files(BaseHTTPRequestHandler):
    """Answers by path; tells which `Host` it was asked for."""

    def do_GET(self) -> None:
        path = self.path
        if path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if path == "/drops":
            self._drip()
            return
        content = {"/host": self.headers["Host"].encode(), "/large": b"x" * 100_000}.get(path)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # the client goes away
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


class Names:
    """A resolver that counts how often it is asked."""

    def __init__(self, **names: str) -> None:
        self.names = {name.replace("_", "."): address for name, address in names.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return [self.names[host]] if host in self.names else []


def test_a_file_comes_from_the_pinned_address(port: int) -> None:
    names = Names(files_example="127.0.0.1")
    downloads = GuardedDownloads(["files.example"], names)
    assert downloads.fetch(f"http://files.example:{port}/host", 100) == (
        f"files.example:{port}".encode()
    )
    assert names.asked == ["files.example"]  # once: a second answer could be another address


def test_an_internal_address_is_refused_before_anything_is_sent(port: int) -> None:
    downloads = GuardedDownloads([], Names(files_example="127.0.0.1"))
    with pytest.raises(AddressRefused) as refused:
        downloads.fetch(f"http://files.example:{port}/host", 100)
    assert refused.value.problems[0].field == "url"


def test_a_redirect_passes_the_guard_too(port: int) -> None:
    downloads = GuardedDownloads(
        ["files.example"], Names(files_example="127.0.0.1", inside_example="127.0.0.1")
    )
    base = f"http://files.example:{port}"
    assert downloads.fetch(f"{base}/to//host", 100)
    for target in (f"http://inside.example:{port}/host", "http://169.254.169.254/", "file:///etc"):
        with pytest.raises(AddressRefused):
            downloads.fetch(f"{base}/to/{target}", 100)


def test_redirects_end(port: int) -> None:
    downloads = GuardedDownloads(["files.example"], Names(files_example="127.0.0.1"))
    with pytest.raises(InvalidInput, match="redirects"):
        downloads.fetch(f"http://files.example:{port}/to//to//to//to//host", 100)


def test_a_file_over_the_limit_is_not_read_to_its_end(port: int) -> None:
    downloads = GuardedDownloads(["files.example"], Names(files_example="127.0.0.1"))
    with pytest.raises(TooLarge):
        downloads.fetch(f"http://files.example:{port}/large", 1000)


def test_what_is_not_there_names_the_url(port: int) -> None:
    downloads = GuardedDownloads(["files.example"], Names(files_example="127.0.0.1"))
    for url in (f"http://files.example:{port}/none", "http://files.example:1/"):
        with pytest.raises(InvalidInput) as refused:
            downloads.fetch(url, 100)
        assert refused.value.problems[0].field == "url"
    with pytest.raises(AddressRefused, match="no address"):
        downloads.fetch("http://unknown.example/", 100)


def test_a_file_that_comes_drop_by_drop_is_not_waited_for(port: int) -> None:
    downloads = GuardedDownloads(["127.0.0.1"], patience=0.2)
    with pytest.raises(InvalidInput, match="too long") as refused:
        downloads.fetch(f"http://127.0.0.1:{port}/drops", 100_000)
    assert refused.value.problems[0].field == "url"


@pytest.mark.parametrize("location", ["http://[", "//[::1/"])
def test_a_redirect_to_what_is_no_url_names_the_url(port: int, location: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        GuardedDownloads(["127.0.0.1"]).fetch(f"http://127.0.0.1:{port}/to/{location}", 100)
    assert refused.value.problems[0].field == "url"


def test_an_international_host_is_asked_for_in_the_form_that_was_resolved(port: int) -> None:
    names = Names(**{"xn--pizzera-dza_example": "127.0.0.1"})
    downloads = GuardedDownloads(["xn--pizzera-dza.example"], names)
    host = downloads.fetch(f"http://pizzer\u00eda.example:{port}/host", 100)
    assert host.decode() == f"xn--pizzera-dza.example:{port}"
