"""Which addresses a client may have a browser sent back to.

Whether the address of a request is one of a client's is not decided here.
"""

import re
from urllib.parse import urlsplit

from portico.domain.redirects import acceptable

MAX_URI = 2000  # characters
MAX_URIS = 20
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# A domain name turned around: at least two labels.
_PRIVATE = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9][a-z0-9+-]*)+")
# A host as browsers and we read it alike: no wildcards, no percent-encoding.
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def redirect_problem(uri: str) -> str:
    """What is wrong with a redirect URI, or ''.

    It is absolute and without a fragment (RFC 6749 section 3.1.2), and one of: https; http to the
    user's own machine; a private-use scheme that is a domain name turned around (RFC 8252 sections
    7.1 and 8.4).
    """
    if not 0 < len(uri) <= MAX_URI:
        return f"must have 1 to {MAX_URI} characters"
    if any(not "!" <= letter <= "~" for letter in uri) or "\\" in uri or "*" in uri:
        return "must be an absolute URI of ASCII characters, without spaces, '\\' and '*'"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "must be a well-formed URI"
    if not _SCHEME.fullmatch(parts.scheme):
        return "must be absolute, with a scheme"
    if "#" in uri:
        return "must have no fragment (RFC 6749 section 3.1.2)"
    if "@" in parts.netloc:
        return "must not have a user or password"
    if parts.scheme in ("http", "https"):
        if not host or not _HOST.fullmatch(host):
            return "must name a host"
        if parts.scheme == "http" and host not in LOOPBACK:
            return "must be https; http is for the user's own machine only"
    elif not _PRIVATE.fullmatch(parts.scheme) or not (parts.path.strip("/") or host):
        return "must be https, or a private-use scheme such as com.example.app:/callback"
    return "" if acceptable(uri) else "must have percent-encoded what RFC 3986 does not allow"


def web_problem(uri: str) -> str:
    """What is wrong with the address of a page or file that people are shown, or ''."""
    if not 0 < len(uri) <= MAX_URI or any(not "!" <= letter <= "~" for letter in uri):
        return f"must be an address of 1 to {MAX_URI} ASCII characters"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "must be a well-formed address"
    if parts.scheme not in ("http", "https") or not host or not _HOST.fullmatch(host):
        return "must be an address that begins with https:// or http://"
    return "must not have a user or password" if "@" in parts.netloc else ""
