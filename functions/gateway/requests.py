"""What a back end is sent: the client's request without what is not the client's to say, and with
what is ours.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

from functions.gateway.answers import HOP_BY_HOP, is_ours

ASSERTION = "x-jwt-assertion"
# Ours to say; what a client claims of itself is dropped.
FORWARDED = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"}
)
# WSO2's back ends take these from their gateway for granted, and ours nothing from a client.
INTERNAL = ("x-wso2-", "x-portico-")
_DROPPED = HOP_BY_HOP | FORWARDED | {ASSERTION, "internal-key"}
# What a server behind CGI or WSGI would read as one of ours: "_" and "-" are one to it.
_ALIKE = frozenset({ASSERTION, *FORWARDED})
BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})  # usually; RFC 9110 section 8.6
_UNSAFE = re.compile(r"[^\x21-\x7e]|#")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_BREAK = re.compile(r"[\r\n\x00]")


class Malformed(Exception):
    """The request cannot be sent as one request."""


@dataclass
class Outgoing:
    """A request on its way; rules, credentials and the choice of an endpoint change it."""

    method: str
    path: str  # decoded, what follows the API's context
    query: str  # as the client sent it
    headers: dict[str, str]  # names in lower case; neither Host nor Content-Length
    body: bytes = b""
    # Query parameters of our own, in the form in which they are sent.
    added: list[str] = field(default_factory=list)

    def head(self, endpoint: str) -> bytes:
        """Request line and headers for an endpoint. Raises Malformed."""
        if not _TOKEN.fullmatch(self.method):
            raise Malformed("The method is no token")
        query = "&".join(part for part in (self.query, *self.added) if part)
        lines = [
            f"{self.method} {target(endpoint, self.path, query)} HTTP/1.1",
            f"host: {urlsplit(endpoint).netloc}",
        ]
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name) or _BREAK.search(value):
                raise Malformed("A header would break the request's framing")
            lines.append(f"{name}: {value}")
        if self.body or self.method not in BODILESS:
            lines.append(f"content-length: {len(self.body)}")
        text = "\r\n".join(lines) + "\r\n\r\n"
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return b"\r\n".join(map(_bytes, lines)) + b"\r\n\r\n"


def outgoing(event: Mapping[str, Any], decision: Mapping[str, Any]) -> Outgoing:
    """The request of an event (payload format 2.0), as the authorizer decided on it."""
    return Outgoing(
        method=str(event["requestContext"]["http"]["method"]),
        path=str(decision["path"]),
        query=without(event.get("rawQueryString") or "", str(decision.get("key_name") or "")),
        headers=headers_of(event, decision),
        body=_body(event),
    )


def without(query: str, name: str) -> str:
    """A query without one parameter; the rest stays as it was sent."""
    if not query or not name:
        return query
    name = name.lower()  # as the authorizer compares it
    kept = [one for one in query.split("&") if unquote_plus(one.partition("=")[0]).lower() != name]
    return "&".join(kept)


def target(endpoint: str, path: str, query: str) -> str:
    """The request target: the endpoint's path, the rest of the call's path, both queries."""
    parts = urlsplit(endpoint)
    base = parts.path.rstrip("/") if path else parts.path
    # The path comes decoded; these are the characters that mean themselves in it (RFC 3986, 3.3).
    full = base + quote(path, safe="/:@!$&'()*+,;=~-._")
    if not full.startswith("/"):
        full = f"/{full}"  # never what a server could take for another host's address
    queries = "&".join(part for part in (parts.query, query) if part)
    whole = f"{full}?{queries}" if queries else full
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), whole)


def headers_of(event: Mapping[str, Any], decision: Mapping[str, Any]) -> dict[str, str]:
    """The client's headers without those that are not its to set, and ours."""
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    dropped = _DROPPED
    if "connection" in given:
        dropped |= {name.strip().lower() for name in given["connection"].split(",")}
    if key_name := str(decision.get("key_name") or ""):
        dropped |= {key_name.lower()}
    if decision.get("pass_authorization") != "true":
        dropped |= {str(decision.get("header") or "authorization").lower()}
    kept: dict[str, str] = {
        name: value
        for name, value in given.items()
        if name not in dropped
        and not name.startswith(INTERNAL)
        and ("_" not in name or not _like_ours(name))
    }
    # Payload 2.0 lists cookies apart; `sam local` leaves them in the header.
    cookies = event.get("cookies") or given.get("cookie", "").split(";")
    theirs = [cookie.strip() for cookie in cookies if cookie.strip() and not is_ours(cookie)]
    kept.pop("cookie", None)
    if theirs:
        kept["cookie"] = "; ".join(theirs)
    http = event["requestContext"]["http"]
    before = given.get("x-forwarded-for", "")
    address = str(http.get("sourceIp", ""))
    # API Gateway has appended the address already; `sam local` does not.
    kept["x-forwarded-for"] = (
        before
        if before.endswith(address) and before
        else ", ".join(filter(None, (before, address)))
    )
    kept["x-forwarded-host"] = given.get("host") or str(
        event["requestContext"].get("domainName", "")
    )
    kept["x-forwarded-proto"] = given.get("x-forwarded-proto") or "https"
    if given.get("x-forwarded-port"):
        kept["x-forwarded-port"] = given["x-forwarded-port"]
    kept[ASSERTION] = str(decision["jwt"])
    return kept


def _like_ours(name: str) -> bool:
    plain = name.replace("_", "-")
    return plain in _ALIKE or plain.startswith(INTERNAL)


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode(errors="replace")


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body")
    if not body:
        return b""
    return base64.b64decode(body) if event.get("isBase64Encoded") else str(body).encode()
