"""A back end's answer: read to its end within the time, and put into the form that a function
returns.
"""

import base64
import io
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from functions.gateway.deadline import Deadline

# Lambda's 6 MB are of the JSON text that a function answers with.
MAX_ANSWER = 6 * 1024 * 1024 - 64 * 1024
MAX_INTERIM = 10  # interim answers before the real one
# RFC 9110 section 7.6.1; Content-Length and Expect are this connection's own too.
HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect", "host",
        "http2-settings",
    }
)  # fmt: skip
# The authorization server's cookies: it shares the host with the APIs, whose back ends may neither
# see nor set them.
OUR_COOKIES = ("__secure-portico", "portico-")
_TEXT = re.compile(r"text/|application/(?:[\w.+-]*\+)?(?:json|xml)\b|application/javascript\b")
_FOLD = re.compile(r"\r?\n[ \t]+")  # RFC 9112 section 5.2: to be replaced by a space
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(r"[0-9]{1,18}")


class Unusable(Exception):
    """What came is no answer that can be given on."""


class TooMuch(Unusable):
    """The answer is larger than a function can return."""


@dataclass(frozen=True)
class Answer:
    """A back end's answer in the form that a function returns (payload format 2.0)."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: str
    encoded: bool  # the body is base64


class _Timed(io.RawIOBase):
    """Reads from a socket for as long as there is time; the time is for all reads together."""

    def __init__(self, wire: socket.socket, deadline: Deadline) -> None:
        self._wire = wire
        self._deadline = deadline
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.ended:
            return 0
        self._wire.settimeout(self._deadline.left())
        return self._wire.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the parser asks a socket for."""
        return io.BufferedReader(self)


class Reading(HTTPResponse):
    """One answer on a connection, up to the final one (RFC 9110 section 15.2)."""

    def __init__(self, wire: socket.socket, method: str, deadline: Deadline) -> None:
        self._timed = _Timed(wire, deadline)
        self._over = False  # more came than the answer has
        self._unread = False
        super().__init__(self._timed, method=method)  # type: ignore[arg-type]

    def start(self) -> None:
        """Read status and headers. Raises OSError, HTTPException or Unusable."""
        self.begin()
        for _ in range(MAX_INTERIM):
            # The base class skips 100 only. Taken for the answer, a 103 would leave the real one on
            # the connection, for the next caller.
            if not 101 < self.status < 200:
                break
            self.headers = self.msg = None  # type: ignore[assignment]
            self.begin()
        # A switch of protocols that nobody asked for, too many interim answers, or a number that
        # API Gateway takes from no function.
        if not 200 <= self.status <= 599:
            raise Unusable(f"The back end's status is {self.status}")
        self._check_framing()

    def content(self) -> bytes:
        """The body. Raises OSError, HTTPException, TooMuch, or Unusable when it breaks off."""
        if self._unread:
            return b""
        if self.length is not None and self.length > MAX_ANSWER:
            raise TooMuch("The answer is too large")
        content = self.read(MAX_ANSWER + 1)
        if len(content) > MAX_ANSWER:
            raise TooMuch("The answer is too large")
        if self.length:
            raise Unusable("The answer broke off")
        return content

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another call, now that the content was read."""
        return not (self.will_close or self._over or self._unread)

    def _check_framing(self) -> None:
        """Nothing that two readers could understand differently (RFC 9112 section 6.3)."""
        headers = self.headers
        if headers.defects or headers.get_payload():
            # The parser takes what follows a line that is no header for content.
            raise Unusable("The answer's headers cannot be read")
        told = ",".join(headers.get_all("content-length", ()))
        lengths = {part.strip() for part in told.split(",")} - {""}
        codings = headers.get_all("transfer-encoding", ())
        if len(lengths) > 1 or any(not _LENGTH.fullmatch(one) for one in lengths):
            raise Unusable("The answer's Content-Length cannot be read")
        if codings and (len(codings) > 1 or codings[0].strip().lower() != "chunked"):
            raise Unusable("The answer's Transfer-Encoding is not known")
        if lengths and not codings and self.length is None and not self.chunked:
            self.length = int(lengths.pop())  # the parser reads a list of equal lengths as none
            self.will_close = self._check_close()  # type: ignore[attr-defined]
        if lengths and codings:
            self.will_close = True
        if self.status in (204, 304) and codings:
            # No content follows, whatever was announced.
            self._unread = True

    def _close_conn(self) -> None:
        self._timed.ended = True
        self._over = bool(self.fp.peek(1))
        super()._close_conn()  # type: ignore[misc]

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise Unusable("A chunk of the answer has a negative size")
        return size


def answer_of(reading: Reading, content: bytes) -> Answer:
    """Raises TooMuch when the function could not return it."""
    named = reading.headers.get("connection", "")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(",")}
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for given, raw in reading.headers.items():
        name, value = given.lower(), _clean(raw)
        if name == "set-cookie":
            if not is_ours(value):
                cookies.append(value)
        elif name not in dropped:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body, encoded = as_text(content, headers)
    return Answer(reading.status, headers, cookies, body, encoded)


def is_ours(cookie: str) -> bool:
    """Of a `name=value`, with or without attributes. Browsers do not mind the case of prefixes."""
    return cookie.partition("=")[0].strip().lower().startswith(OUR_COOKIES)


def as_text(content: bytes, headers: Mapping[str, str]) -> tuple[str, bool]:
    """The body as JSON can hold it: text where it is text, else base64. Raises TooMuch."""
    if not content:
        return "", False
    text = None
    if not headers.get("content-encoding") and _TEXT.match(headers.get("content-type", "").lower()):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = None
    room = MAX_ANSWER - sum(len(name) + len(value) + 8 for name, value in headers.items())
    # Escapes make text longer: six bytes for a control or, in the runtime's encoding, other
    # character.
    if text is not None and (len(content) * 6 <= room or len(json.dumps(text)) <= room):
        return text, False
    if len(content) * 4 / 3 + 4 > room:
        raise TooMuch("The answer is too large")
    return base64.b64encode(content).decode(), True


def _clean(value: str) -> str:
    if value.isprintable():
        return value
    return _CONTROL.sub("", _FOLD.sub(" ", value))
