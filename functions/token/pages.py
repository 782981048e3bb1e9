"""The authorization server's pages: rendered here, in the look of the consoles, without any script.

What a page asks and does is its endpoint's business.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from functions.token.answers import PRIVATE
from functions.token.requests import Request
from portico.domain.errors import Forbidden
from portico.web.rendering import HEADERS, HTML, POLICY, Templates

_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")


@cache
def _templates() -> Templates:
    return Templates(Path(__file__).parent / "templates")


def page(
    template: str,
    status: int = 200,
    *,
    cookies: Sequence[str] = (),
    forms_to: str = "",
    **context: Any,
) -> dict[str, Any]:
    """A page. `forms_to` is an address that a form of it may end up at besides ours: browsers check
    `form-action` for redirects too.
    """
    headers = {
        **HEADERS,
        "Content-Type": HTML,
        "Content-Security-Policy": POLICY.format(forms=_form_action(forms_to)),
    }
    body = _templates().render(template, **context)
    return {"statusCode": status, "headers": headers, "body": body, "cookies": list(cookies)}


def _form_action(address: str) -> str:
    """The source expression of CSP for an address: its origin, or its scheme where the origin has
    no place in one (custom schemes, IPv6 addresses: CSP 3 section 2.3.1).
    """
    target = urlsplit(address)
    if not target.scheme:
        return ""
    plain = _HOST.fullmatch(target.netloc)
    return f" {target.scheme}://{target.netloc}" if plain else f" {target.scheme}:"


def redirect(location: str, *, cookies: Sequence[str] = ()) -> dict[str, Any]:
    """See other (303): the browser gets the page by GET, whatever it sent here."""
    headers = {**PRIVATE, "Location": location, "Referrer-Policy": "no-referrer"}
    return {"statusCode": 303, "headers": headers, "body": "", "cookies": list(cookies)}


def check_own_form(request: Request) -> None:
    """Refuses a form that another site's page sent: Forbidden.

    Browsers send `Sec-Fetch-Site` or at least `Origin` with every such request.
    """
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    # `scheme://host:port` and no more (RFC 6454 section 6.1).
    ours = not origin or origin.partition("://")[2] == request.headers.get("host", "")
    if site not in ("same-origin", "none") if site else not ours:
        raise Forbidden("The form came from another site")
