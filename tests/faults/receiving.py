"""Where mails and posts of the lifecycle function arrive: SES's inbox in the embedded AWS, and a
real server on a loopback port.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3


@dataclass
class Inbox:
    """The mails to people of one world, since the last `forget`."""

    aws_url: str
    world: str
    _before: int = 0

    def address(self, name: str) -> str:
        return f"{name}@{self.world}.example"

    def mails(self) -> list[str]:
        """Whom they went to, one after the other."""
        return self._all()[self._before :]

    def forget(self) -> None:
        self._before = len(self._all())

    def _all(self) -> list[str]:
        answer = urllib3.request("GET", f"{self.aws_url}/_ministack/ses/messages").json()
        mails = [mail for account in answer["messages"].values() for mail in account]
        found = [address for mail in mails for address in _recipients(mail)]
        return [address for address in found if address.endswith(f"@{self.world}.example")]


def _recipients(mail: dict[str, Any]) -> list[str]:
    to = mail.get("To") or mail.get("Destination", {}).get("ToAddresses") or []
    return [to] if isinstance(to, str) else list(to)


@dataclass
class Webhook:
    """Notes (execution's id, body) of each post; answers after `wait` seconds, with `status`."""

    url: str
    got: list[tuple[str, bytes]] = field(default_factory=list)
    wait: float = 0.0
    status: int = 204


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A receiver, for the time of the block."""
    ended = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            noted.got.append((self.headers["X-Portico-Execution"], body))
            if ended.wait(noted.wait):
                return
            self.send_response(noted.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.daemon_threads = True
        noted = Webhook(f"http://127.0.0.1:{server.server_address[1]}/hook")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield noted
        ended.set()
        server.shutdown()
        thread.join()
