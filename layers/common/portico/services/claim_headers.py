"""User claims as headers of a token response, for clients that want them beside the token."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from portico.domain.claims import CLAIMS, value_of
from portico.domain.user import User

MAX_VALUE = 1_000  # characters of a header; a longer value is left out, half of it would be wrong
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ENCODED = "UTF-8''"
_ATTRIBUTE = "!#$&+-.^_`|~"  # besides letters and digits: RFC 8187's `attr-char`


def claim_headers(user: User, uris: Iterable[str]) -> dict[str, str]:
    """The user's claims by header name: a claim's display tag, with `-` for spaces.

    Printable ASCII stands as it is. Everything else is `UTF-8''` and the percent-encoded text, the
    value form of RFC 8187 section 3.2. Control characters, line breaks above all, become a space.
    Claims that are unknown, empty or too long are left out.
    """
    found: dict[str, str] = {}
    for uri in uris:
        claim = CLAIMS.get(uri)
        value = _safe(value_of(user, uri)) if claim else ""
        if claim and value and len(value) <= MAX_VALUE:
            found[claim.header] = value
    return found


def _safe(text: str) -> str:
    text = _CONTROL.sub(" ", text).strip()
    if text.isascii() and not text.upper().startswith(_ENCODED):
        return text
    return _ENCODED + quote(text, safe=_ATTRIBUTE, encoding="utf-8", errors="replace")
