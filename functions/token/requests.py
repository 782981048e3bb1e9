"""An HTTP API event (payload 2.0) as a request, and the parameters in its body, strictly read."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from functions.token.errors import OAuthError, TooLargeBody
from portico.domain.tenant import SUPER_TENANT

MAX_BODY = 32_768  # bytes
MAX_PARAMETERS = 50
TENANT = re.compile(r"[A-Za-z0-9.-]{1,100}")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """What an endpoint may know of a call: `path` without `/t/{tenant}`, lower-case headers."""

    method: str
    path: str
    tenant: str
    headers: Mapping[str, str]
    body: bytes
    address: str
    raw_query: str = ""
    cookies: tuple[str, ...] = ()  # `name=value`
    raw_path: str = ""  # as it was called: cookies belong to this one

    def query(self) -> dict[str, str]:
        """The parameters in the address, as strictly read as those of a body."""
        if len(self.raw_query) > MAX_BODY:
            raise TooLargeBody(f"The query has more than {MAX_BODY} characters")
        return _unique(_form(self.raw_query.encode("utf-8", "surrogatepass")))

    def cookie(self, name: str) -> str:
        """The cookie of this name, or ''; also where there are two: a neighbouring host may have
        put one beside ours, and nothing tells which is which (RFC 6265 section 8.6).
        """
        pairs = (cookie.strip().partition("=") for cookie in self.cookies)
        found = {value for known, _, value in pairs if known == name}
        return found.pop() if len(found) == 1 else ""

    def parameters(self) -> dict[str, str]:
        """The body's parameters, from a form or a JSON object; those without a value are left out.

        A parameter that comes twice is refused (RFC 6749 section 3.2).
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if len(self.body) > MAX_BODY:
            raise TooLargeBody(f"The body has more than {MAX_BODY} bytes")
        if kind == FORM:
            pairs = _form(self.body)
        elif kind == JSON:
            pairs = _json(self.body)
        else:
            raise OAuthError("invalid_request", f"The content type must be {FORM} or {JSON}")
        return _unique(pairs)


def request_of(event: Mapping[str, Any]) -> Request:
    """The request in an event."""
    http = event["requestContext"]["http"]
    path, tenant = _split(event.get("rawPath") or http["path"])
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(
        method=http["method"].upper(),
        path=path,
        tenant=tenant,
        headers=headers,
        body=_body(event),
        address=http.get("sourceIp", ""),
        raw_query=event.get("rawQueryString") or "",
        # Payload 2.0 lists cookies apart from headers; `sam local` leaves them in the header.
        cookies=tuple(event.get("cookies") or headers.get("cookie", "").split(";")),
        raw_path=event.get("rawPath") or http["path"],
    )


def _unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OAuthError("invalid_request", f"The parameter '{twice[:100]}' comes twice")
    return {name: value for name, value in pairs if value}


def _split(path: str) -> tuple[str, str]:
    """`/t/acme.com/oauth2/token/` -> `/oauth2/token`, `acme.com`."""
    tenant = SUPER_TENANT
    parts = path.split("/", 3)
    if len(parts) == 4 and parts[1] == "t" and TENANT.fullmatch(parts[2]):
        tenant, path = parts[2].lower(), f"/{parts[3]}"
    return path.rstrip("/") or "/", tenant


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise OAuthError("invalid_request", "The body is not valid base64") from exc


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as exc:
        raise OAuthError("invalid_request", "The body is not a well-formed form") from exc


def _json(body: bytes) -> list[tuple[str, str]]:
    try:
        pairs = json.loads(body.decode(), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as exc:
        raise OAuthError("invalid_request", "The body is not well-formed JSON") from exc
    if not isinstance(pairs, _Pairs) or len(pairs) > MAX_PARAMETERS:
        raise OAuthError("invalid_request", "The body must be a JSON object of parameters")
    for name, value in pairs:
        if not isinstance(value, str) or not is_text(name + value):
            raise OAuthError("invalid_request", f"The parameter '{name}' must be a string")
    return list(pairs)


def is_text(value: str) -> bool:
    """Whether a string is Unicode text: JSON may smuggle in halves of surrogate pairs."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that names that come twice are seen."""
