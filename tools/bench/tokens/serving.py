"""A measured server of Python: a WSGI application (PEP 3333) behind HTTP/1.1, the same for every
side.

In one thread and with as little around it as there can be, so that the servers' own work is what is
compared: waitress takes 0.3 ms of its own for each request. Only for the load of `sides.py`.
"""

import asyncio
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HOST = "127.0.0.1"


def serve(application: Application) -> None:
    """Serve on a free port, which is told on standard output, until standard input ends; each line
    of it is answered with the processor seconds so far.
    """
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed in there is a log
    threading.Thread(target=asyncio.run, args=(_serve(application, out),), daemon=True).start()
    for _ in sys.stdin:
        print(time.process_time(), file=out, flush=True)


async def _serve(application: Application, out: Any) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(application), HOST, 0)
    print(server.sockets[0].getsockname()[1], file=out, flush=True)
    await server.serve_forever()


class _Connection(asyncio.Protocol):
    """One kept connection: requests with a Content-Length, one after the other."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return
        environ = _environ(head.decode("latin-1"))
        length = int(environ.get("CONTENT_LENGTH", 0))
        if len(rest) < length:
            return
        self._read = rest[length:]
        environ["wsgi.input"] = io.BytesIO(rest[:length])
        self._transport.write(self._answer(environ))

    def _answer(self, environ: dict[str, Any]) -> bytes:
        told: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
            told.append(f"HTTP/1.1 {status}")
            told.extend(f"{name}: {value}" for name, value in headers)

        answered = self._application(environ, start)
        body = b"".join(answered)
        if close := getattr(answered, "close", None):
            close()
        return "\r\n".join([*told, "", ""]).encode("latin-1") + body


def _environ(head: str) -> dict[str, Any]:
    first, *lines = head.split("\r\n")
    method, address, _ = first.split(" ")
    path, _, query = address.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": HOST,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(":")
        key = name.upper().replace("-", "_")
        environ[key if key in _BARE else f"HTTP_{key}"] = value.strip()
    return environ


_BARE = ("CONTENT_TYPE", "CONTENT_LENGTH")
