"""The back end of the measurements: 1 KB for whatever is asked, in a process of its own, so that
its time is not that of what is measured.

Runs by itself: `python backend.py`; it tells its port and ends with its standard input. It reads as
little of a request as it can, so that it costs the other processor little too: bodies are not
expected.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CONTENT = 1024  # bytes of an answer's body
BODY = b"x" * CONTENT
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"Server: bench\r\nCache-Control: no-cache\r\nContent-Length: %d\r\n\r\n" % CONTENT
)


@contextmanager
def running() -> Iterator[str]:
    """The back end for the time of the block; its address, `http://127.0.0.1:PORT`."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = int((process.stdout and process.stdout.readline()) or 0)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket) -> None:
    while True:
        threading.Thread(target=_serve, args=(listener.accept()[0],), daemon=True).start()


def _serve(wire: socket.socket) -> None:
    answer, asked = HEAD + BODY, b""
    try:
        while got := wire.recv(65536):
            asked += got
            *whole, asked = asked.split(b"\r\n\r\n")
            if whole:
                wire.sendall(answer * len(whole))
    except ConnectionError:
        pass  # its other end was killed


if __name__ == "__main__":
    main()
