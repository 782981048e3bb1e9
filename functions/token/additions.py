"""What code of others may add to a token response: further headers and fields, none of ours."""

import json
import re
from collections.abc import Mapping
from typing import Any

from portico.domain.errors import InvalidInput
from portico.domain.plugins import Extra

MAX_HEADERS, MAX_HEADER, MAX_ALL_HEADERS = 20, 4096, 6144  # number, and characters
MAX_FIELDS, MAX_FIELD_BYTES = 20, 16_384
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token, RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
# RFC 6749 section 5.1 and 5.2, OpenID Connect Core, RFC 8693 section 2.2.1.
OURS = frozenset(
    (
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "id_token",
        "scope",
        "issued_token_type",
        "error",
        "error_description",
        "error_uri",
    )
)
# About the connection, the message or the browser, and so not for a token response's author.
_FORBIDDEN = frozenset(
    (
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("cache-control", "pragma", "expires", "age", "vary", "date", "server", "via"),
        *("set-cookie", "set-cookie2", "clear-site-data", "location", "refresh", "link"),
        *("www-authenticate", "authorization", "alt-svc", "retry-after", "warning"),
        *("strict-transport-security", "allow", "status", "host", "deprecation", "sunset"),
    )
)
_FORBIDDEN_BEGINNINGS = ("content-", "access-control-", "proxy-", "sec-", "x-amz", "apigw-")


def checked(answer: Any) -> Extra:
    """What `{"headers": ..., "fields": ...}` adds; InvalidInput when any of it may not be."""
    if not isinstance(answer, Mapping) or set(answer) - {"headers", "fields"}:
        raise InvalidInput("The answer is no object of 'headers' and 'fields'")
    headers, fields = answer.get("headers"), answer.get("fields")
    return Extra(
        {} if fields is None else _fields(fields), {} if headers is None else _headers(headers)
    )


def _headers(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping) or len(given) > MAX_HEADERS:
        raise InvalidInput(f"'headers' is no object of at most {MAX_HEADERS}")
    found = dict(given)
    for name, value in found.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r:.100} is no header's name")
        if name.lower() in _FORBIDDEN or name.lower().startswith(_FORBIDDEN_BEGINNINGS):
            raise InvalidInput(f"The header {name} may not be added")
        if not isinstance(value, str) or len(value) > MAX_HEADER or not _VALUE.fullmatch(value):
            raise InvalidInput(f"The value of {name} is not up to {MAX_HEADER} ASCII characters")
    if len({name.lower() for name in found}) < len(found):
        raise InvalidInput("A header comes twice")
    if sum(len(name) + len(value) for name, value in found.items()) > MAX_ALL_HEADERS:
        raise InvalidInput(f"The headers have more than {MAX_ALL_HEADERS} characters")
    return found


def _fields(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or len(given) > MAX_FIELDS:
        raise InvalidInput(f"'fields' is no object of at most {MAX_FIELDS}")
    for name in given:
        if not isinstance(name, str) or not 0 < len(name) <= 100 or name in OURS:
            raise InvalidInput(f"The field {name!r:.100} may not be added")
    try:
        text = json.dumps(dict(given), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInput("'fields' is not JSON") from exc
    if len(text) > MAX_FIELD_BYTES:
        raise InvalidInput(f"'fields' has more than {MAX_FIELD_BYTES} bytes")
    found: dict[str, Any] = json.loads(text)
    return found
