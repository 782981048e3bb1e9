"""Redirect URIs: which may be used at all, which fit a registered one, and how an answer is put
into one (RFC 6749 section 3.1.2, RFC 8252, RFC 9700 section 2.1).
"""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit

MAX_URI = 2048  # characters
LOOPBACK = ("127.0.0.1", "::1")
# Schemes that a browser runs or opens itself instead of handing them to an application.
FORBIDDEN = frozenset(
    {"javascript", "data", "vbscript", "file", "filesystem", "blob", "about", "view-source", "ws",
     "wss", "ftp", "mailto", "tel"}
)  # fmt: skip
# What RFC 3986 allows, but for the "#" of a fragment.
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9%:/?@!$&'()*+,;=\[\]._~-]+", re.IGNORECASE)


def acceptable(uri: str) -> bool:
    """Whether a browser may be sent there at all: absolute, without a fragment or user info, and of
    a scheme that does not run in the browser.
    """
    if len(uri) > MAX_URI or not _URI.fullmatch(uri):
        return False
    parts = _split(uri)
    if parts is None or parts.scheme in FORBIDDEN:
        return False
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname) and "@" not in parts.netloc
    return True


def fits(registered: str, asked: str) -> bool:
    """Whether the URI of a request is the registered one: the same text.

    The one exception is the port of a loopback address, which a native application gets from its
    system at that moment (RFC 8252 section 7.3).
    """
    if registered == asked:
        return True
    ours, theirs = _loopback(registered), _loopback(asked)
    return ours is not None and ours == theirs


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """The URI with these in its query, after those that are in it already."""
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return f"{uri}{joint}{urlencode(parameters)}"


def _loopback(uri: str) -> tuple[str, str, str] | None:
    """What must be the same of an address of the machine itself; None for other addresses."""
    if not acceptable(uri):
        return None
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or parts.hostname not in LOOPBACK:
        return None
    return parts.hostname, parts.path, parts.query


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a ValueError when it is none
    except ValueError:
        return None
    return parts
