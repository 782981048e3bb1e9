"""A small HTTP/1.1 server on loopback that hands on requests exactly as they came.

Keep-alive, chunked and sized bodies, a thread a connection. For a developer's machine: no TLS.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tools.local.exchange import Request, Response
from tools.local.site import HOST

logger = logging.getLogger(__name__)

Answer = Callable[[Request], Response]
# More than any limit that an application enforces; beyond it the connection ends.
READ_LIMIT = 32 * 1024 * 1024
IDLE_SECONDS = 75
_FOLD = re.compile(r"\r?\n[ \t]+")  # RFC 9112, section 5.2


class BadBody(Exception):
    """The body's framing is wrong."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    # Several small writes would each wait for the peer's delayed acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def handle_one_request(self) -> None:
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or len(self.raw_requestline) > 65536:
                self.close_connection = True
                return
            if not self.parse_request():
                return
            self._answer()
            self.wfile.flush()
        except (TimeoutError, ConnectionError):
            self.close_connection = True

    def _answer(self) -> None:
        try:
            body = self._body()
        except BadBody as error:
            self.close_connection = True
            self._send(Response(400, [("Content-Type", "text/plain")], str(error).encode()))
            return
        # Not `self.path`, from which the base class takes slashes: AWS hands over `//` as it came.
        path, _, query = self.requestline.split()[1].partition("?")
        if path.startswith(("http://", "https://")):
            path = "/" + path.split("/", 3)[-1] if path.count("/") > 2 else "/"
        request = Request(
            method=self.command,
            path=path,
            query=query.partition("#")[0],
            headers=[
                (name, _FOLD.sub(" ", str(value))) for name, value in self.headers.raw_items()
            ],
            body=body,
            source_ip=self.client_address[0],
            port=self.server.server_address[1],
            protocol=self.request_version,
        )
        try:
            response = self.server.answer(request)
        except Exception:
            logger.exception("%s %s", self.command, path)
            response = Response(500, [("Content-Type", "text/plain")], b"internal error")
        self._send(response)

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._chunks()
        texts = set(self.headers.get_all("Content-Length") or ["0"])
        text = texts.pop()
        if texts or not (text.isascii() and text.isdigit()):
            raise BadBody("bad Content-Length")
        if int(text) > READ_LIMIT:
            raise BadBody("body too large")
        return self.rfile.read(int(text))

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            line = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError as error:
                raise BadBody("bad chunk size") from error
            total += size
            if size < 0 or total > READ_LIMIT:
                raise BadBody("body too large")
            if size == 0:
                while self.rfile.readline(65537) not in (b"\r\n", b"\n", b""):
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(3)

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        names = {name.lower() for name, _ in response.headers}
        for name, value in response.headers:
            self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", formatdate(usegmt=True))
        if response.status >= 200 and response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)


class Server(ThreadingHTTPServer):
    """Serves `answer` on one loopback port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer) -> None:
        self.answer = answer
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        # HTTPServer asks the resolver for the host's name here; loopback needs none.
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]
