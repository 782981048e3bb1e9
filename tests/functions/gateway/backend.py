"""A back end on loopback that records exactly what it received and answers as a test says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
Behaviour = Callable[[socket.socket, bytes], None]


def plain(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(OK)


@dataclass
class Backend:
    """Raw sockets, so that nothing is normalised on the way to the test."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    behave: Behaviour = plain
    open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> str:
        return self.requests[-1].decode("latin-1")

    @property
    def line(self) -> str:
        return self.last.split("\r\n", 1)[0]

    @property
    def headers(self) -> dict[str, str]:
        head = self.last.split("\r\n\r\n", 1)[0].split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in head)}

    @property
    def body(self) -> bytes:
        return self.requests[-1].split(b"\r\n\r\n", 1)[1]

    def drop_idle(self) -> None:
        """Close what is open, as a back end does with idle connections."""
        for connection in self.open:
            connection.close()
        self.open.clear()

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        self.open.append(connection)
        try:
            while request := _read(connection):
                self.requests.append(request)
                self.behave(connection, request)
        except OSError:
            pass
        finally:
            connection.close()


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def running() -> Iterator[Backend]:
    """A back end that listens for the time of the block."""
    backend = Backend()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        backend.port = listener.getsockname()[1]
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=backend.serve, args=(connection,), daemon=True)
                thread.start()
                threads.append(thread)

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        yield backend
        listener.shutdown(socket.SHUT_RDWR)
    for connection in list(backend.open):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    acceptor.join(2)
    for thread in threads:
        thread.join(2)
