"""Sends a call to its back end and brings the answer back, changing no more than it must."""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.exceptions import (
    TimeoutError as BackendTimeout,
)

from functions.gateway.backends import TARGET, Backends, Pool
from portico.domain.addresses import AddressRefused

ASSERTION = "x-jwt-assertion"
SECONDS = 28.0  # for the whole exchange; API Gateway waits 30
CONNECT_SECONDS = 5.0
# Lambda's 6 MB are of the JSON text that a function answers with.
MAX_ANSWER = 6 * 1024 * 1024 - 64 * 1024
CHUNK = 64 * 1024
# RFC 9110 section 7.6.1; Content-Length and Expect are this connection's own too.
HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect", "host",
        "http2-settings",
    }
)  # fmt: skip
# Ours to say; what a client claims of itself is dropped.
FORWARDED = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"}
)
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})  # RFC 9110 9.2.2
# The authorization server's cookies: it shares the host with the APIs, whose back ends may neither
# see nor set them.
OUR_COOKIES = ("__secure-portico", "portico-")
_UNSAFE = re.compile(r"[^\x21-\x7e]|#")
_TEXT = re.compile(r"text/|application/(?:[\w.+-]*\+)?(?:json|xml)\b|application/javascript\b")


class NotDelivered(Exception):
    """The back end gave no usable answer; `code` is the fault."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """A back end's answer in the form that a function returns (payload format 2.0)."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: str
    encoded: bool  # the body is base64


class Forwarder:
    """Forwards calls over connections that it keeps."""

    def __init__(
        self,
        backends: Backends,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = SECONDS,
    ) -> None:
        self._backends = backends
        self._clock = clock
        self._seconds = seconds

    def forward(self, event: Mapping[str, Any], decision: Mapping[str, Any]) -> Answer:
        """The back end's answer. Raises NotDelivered."""
        deadline = self._clock() + self._seconds
        endpoint = str(decision["endpoint"])
        method = str(event["requestContext"]["http"]["method"])
        headers = request_headers(event, decision)
        headers[TARGET] = target(endpoint, str(decision["path"]), event.get("rawQueryString") or "")
        try:
            pool = self._backends.pool(endpoint)
            headers["host"] = urlsplit(endpoint).netloc
            response = self._send(pool, method, headers, _body(event), deadline)
            return self._read(response, method, deadline)
        except AddressRefused as exc:
            raise NotDelivered("101503", f"The endpoint {exc}") from exc
        except BackendTimeout as exc:
            code = "101503" if isinstance(exc, ConnectTimeoutError) else "101504"
            raise NotDelivered(code, str(exc)) from exc
        except (HTTPError, OSError, ValueError) as exc:
            raise NotDelivered("101503", str(exc)) from exc

    def _send(
        self, pool: Pool, method: str, headers: dict[str, Any], body: bytes | None, deadline: float
    ) -> urllib3.BaseHTTPResponse:
        def once() -> urllib3.BaseHTTPResponse:
            left = max(0.1, deadline - self._clock())
            return pool.urlopen(
                method,
                "/",
                body=body,
                headers=dict(headers),
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, left), total=left),
                preload_content=False,
                decode_content=False,
            )

        used = pool.num_requests > 0
        try:
            return once()
        except ProtocolError:
            # An idle socket that the back end had closed; whether it saw the request is unknown.
            if not used or method not in IDEMPOTENT:
                raise
            return once()

    def _read(self, response: urllib3.BaseHTTPResponse, method: str, deadline: float) -> Answer:
        try:
            _check_status(response.status)
            content = b"" if method == "HEAD" else self._content(response, deadline)
        except BaseException:
            response.close()  # half-read: the connection is of no more use
            raise
        response.release_conn()
        headers, cookies = _answer_headers(response)
        body, encoded = _as_text(content, headers)
        return Answer(response.status, headers, cookies, body, encoded)

    def _content(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        chunks = bytearray()
        wire = getattr(response.connection, "wire", None)
        while True:
            left = deadline - self._clock()
            if left <= 0:
                raise NotDelivered("101504", "The answer did not end in time")
            # A connection that ends with its answer is closed by whoever read it to the end.
            if wire is not None and wire.fileno() >= 0:
                # The time is for the whole answer, not for each of its pieces.
                wire.settimeout(left)
            try:
                chunk = response.read1(CHUNK, decode_content=False)
            except ReadTimeoutError as exc:
                raise NotDelivered("101504", "The answer did not end in time") from exc
            except HTTPError as exc:
                raise NotDelivered("101507", "The answer broke off") from exc
            if not chunk:
                return bytes(chunks)
            chunks += chunk
            if len(chunks) > MAX_ANSWER:
                raise NotDelivered("101513", "The answer is too large")


def target(endpoint: str, path: str, query: str) -> str:
    """The request target: the endpoint's path, the rest of the call's path, both queries."""
    parts = urlsplit(endpoint)
    base = parts.path.rstrip("/") if path else parts.path
    # The path comes decoded; these are the characters that mean themselves in it (RFC 3986, 3.3).
    full = base + quote(path, safe="/:@!$&'()*+,;=~-._") or "/"
    queries = "&".join(part for part in (parts.query, query) if part)
    whole = f"{full}?{queries}" if queries else full
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), whole)


def request_headers(event: Mapping[str, Any], decision: Mapping[str, Any]) -> dict[str, Any]:
    """What the back end gets: the client's headers without those that are not its to set."""
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    dropped = HOP_BY_HOP | FORWARDED | {ASSERTION, TARGET}
    dropped |= {name.strip().lower() for name in given.get("connection", "").split(",")}
    if decision.get("pass_authorization") != "true":
        dropped |= {str(decision.get("header") or "authorization").lower()}
    kept: dict[str, Any] = {
        name: _value(value)
        for name, value in given.items()
        # "_" and "-" are one to CGI and WSGI.
        if name not in dropped and name.replace("_", "-") not in (ASSERTION, *FORWARDED)
    }
    # Payload 2.0 lists cookies apart; `sam local` leaves them in the header.
    cookies = event.get("cookies") or given.get("cookie", "").split(";")
    theirs = [cookie.strip() for cookie in cookies if cookie.strip() and not _is_ours(cookie)]
    kept.pop("cookie", None)
    if theirs:
        kept["cookie"] = _value("; ".join(theirs))
    http = event["requestContext"]["http"]
    before = given.get("x-forwarded-for", "")
    address = str(http.get("sourceIp", ""))
    # API Gateway has appended the address already; `sam local` does not.
    chain = (
        before
        if before.endswith(address) and before
        else ", ".join(filter(None, (before, address)))
    )
    kept["x-forwarded-for"] = _value(chain)
    kept["x-forwarded-host"] = _value(
        given.get("host") or str(event["requestContext"].get("domainName", ""))
    )
    kept["x-forwarded-proto"] = given.get("x-forwarded-proto") or "https"
    if given.get("x-forwarded-port"):
        kept["x-forwarded-port"] = given["x-forwarded-port"]
    kept[ASSERTION] = str(decision["jwt"])
    for name in ("user-agent", "accept-encoding"):
        # Nothing is added of our own.
        kept.setdefault(name, urllib3.util.SKIP_HEADER)
    return kept


def _is_ours(cookie: str) -> bool:
    """Of a `name=value`, with or without attributes. Browsers do not mind the case of prefixes."""
    return cookie.partition("=")[0].strip().lower().startswith(OUR_COOKIES)


def _value(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode(errors="replace")


def _body(event: Mapping[str, Any]) -> bytes | None:
    body = event.get("body")
    if not body:
        return None
    return base64.b64decode(body) if event.get("isBase64Encoded") else str(body).encode()


def _check_status(status: int) -> None:
    # A switch of protocols that nobody asked for, too many interim answers, or a number that API
    # Gateway takes from no function.
    if not 200 <= status <= 599:
        raise NotDelivered("101507", f"The back end's status is {status}")


def _answer_headers(response: urllib3.BaseHTTPResponse) -> tuple[dict[str, str], list[str]]:
    named = response.headers.get("connection", "")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(",")} | {"set-cookie"}
    headers = {
        name.lower(): ", ".join(response.headers.getlist(name))
        for name in response.headers
        if name.lower() not in dropped
    }
    cookies = [one for one in response.headers.getlist("set-cookie") if not _is_ours(one)]
    return headers, cookies


def _as_text(content: bytes, headers: Mapping[str, str]) -> tuple[str, bool]:
    """The body as JSON can hold it: text where it is text, else base64."""
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
        raise NotDelivered("101513", "The answer is too large")
    return base64.b64encode(content).decode(), True
