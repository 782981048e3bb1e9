"""Server-rendered pages: one Jinja2 environment a console, strict headers, static files that are
cached for ever.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.shared.cookies import Cookie

from portico.domain.errors import (
    Forbidden,
    PorticoError,
    TooManyAttempts,
    Unauthenticated,
)
from portico.domain.user import Caller
from portico.web.callers import Authenticate, address_of
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.rendering import HEADERS, HTML, STATIC_HEADERS, Templates, static_file
from portico.web.session import Sessions, check_same_site


@dataclass(frozen=True)
class Pages:
    """The pages of one console; `navigation` is label -> path."""

    title: str
    templates: Path
    navigation: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)  # the other consoles: label -> URL

    @cached_property
    def _templates(self) -> Templates:
        known = {"console": self.title, "navigation": self.navigation, "links": self.links}
        return Templates(self.templates, known)

    def show(
        self, template: str, caller: Caller | None = None, status: int = 200, **context: Any
    ) -> Response[str]:
        """A page; `caller` is who is signed in."""
        text = self._templates.render(template, caller=caller, **context)
        return Response(status, content_type=HTML, body=text, headers=dict(HEADERS))

    def error(self, error: PorticoError, path: str, caller: Caller | None = None) -> Response[str]:
        """A page for what went wrong; someone who is not signed in is asked to sign in."""
        if isinstance(error, Unauthenticated):
            return redirect(f"/login?next={quote(path, safe='')}")
        status, message = status_of(error)
        return self.show("error.html", caller, status, message=message, description=str(error))


def redirect(path: str, cookie: Cookie | None = None) -> Response[str]:
    """See other (303): the browser gets the page by GET."""
    return Response(
        303,
        content_type="text/plain",
        body="",
        headers={"Location": path, "Cache-Control": "no-store"},
        cookies=[cookie] if cookie else [],
    )


def local_path(path: str) -> str:
    """The path if it stays on this site, else `/`: never an open redirect."""
    # Browsers take "\\" for "/", and leave line breaks and tabs out.
    safe = path.startswith("/") and path.isprintable() and "\\" not in path
    return path if safe and not path.startswith("//") else "/"


def visitor(router: Router, *scopes: str) -> Caller:
    """Who is signed in on this page, with one of the scopes by role; Unauthenticated or Forbidden
    otherwise. Forms from other sites are refused.
    """
    found: Caller | None = router.context["callers"].of(router.current_event)
    if found is None:
        raise Unauthenticated("Sign in first")
    if scopes and not found.scopes & set(scopes):
        raise Forbidden(f"The roles of {found.user} do not allow this")
    return found


def own_account(gateway: str) -> dict[str, str]:
    """The authorization server's pages about one's own password: label -> URL."""
    return {
        "Forgot your password?": f"{gateway}/oauth2/reset",
        "Change your password": f"{gateway}/oauth2/password",
    }


def sign_in_routes(
    pages: Pages,
    sessions: Sessions,
    authenticate: Authenticate,
    ways: Callable[[], Mapping[str, str]] = dict,
) -> Router:
    """`/login`, `/logout` and `/static/<name>` of a console; `ways` are links (label -> URL) for
    those who cannot sign in yet.
    """
    router = Router()

    def asked(name: str, target: str, problem: str, status: int = 200) -> Response[str]:
        return pages.show(
            "login.html", status=status, next=target, name=name, problem=problem, ways=ways()
        )

    @router.get("/static/<name>")
    def static(name: str) -> Response[Any]:
        kind, text = static_file(name)
        return Response(200, content_type=kind, body=text, headers=dict(STATIC_HEADERS))

    @router.get("/login")
    def ask() -> Response[str]:
        query = router.current_event.query_string_parameters or {}
        return asked("", local_path(query.get("next", "/")), "")

    @router.post("/login")
    def sign_in() -> Response[str]:
        raw = router.current_event.raw_event
        if not check_same_site(
            {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
        ):
            raise Forbidden("The form came from another site")
        fields = form(router)
        name, target = fields.get("username", ""), local_path(fields.get("next", "/"))
        try:
            known = authenticate(name, fields.get("password", ""), address_of(raw))
        except (Unauthenticated, TooManyAttempts) as exc:
            status = 429 if isinstance(exc, TooManyAttempts) else 401
            return asked(name, target, str(exc), status)
        return redirect(target, sessions.begin(known))

    @router.post("/logout")
    def sign_out() -> Response[str]:
        raw = router.current_event.raw_event
        if not check_same_site(
            {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
        ):
            raise Forbidden("The form came from another site")
        return redirect("/login", sessions.end(raw))

    return router
