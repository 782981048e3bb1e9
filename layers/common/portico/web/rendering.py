"""Templates, page headers and static files, without a word of any HTTP framework: the consoles and
the authorization server's pages share them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portico.domain.errors import NotFound

HERE = Path(__file__).parent
POLICY = (
    # No script of any kind; Pico's icons are data: images.
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'{forms}; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY.format(forms=""),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}
STATIC_HEADERS = {
    # Addresses carry a mark of the content (`asset`), so a browser need never ask again.
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
HTML = "text/html; charset=utf-8"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Templates:
    """The templates of one folder and the shared ones; `known` is what all of them may use."""

    folder: Path
    known: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader([self.folder, HERE / "templates"]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(self.known, asset=asset)
        return environment

    def render(self, template: str, **context: Any) -> str:
        """The page as text."""
        return self._environment.get_template(template).render(**context)


@cache
def asset(name: str) -> str:
    """A static file's name with a mark of its content: a changed file has another address, for
    browsers keep each for ever.
    """
    content = (HERE / "static" / name).read_bytes()
    return f"{name}?v={hashlib.sha256(content).hexdigest()[:8]}"


def static_file(name: str) -> tuple[str, str]:
    """Content type and text of a static file; NotFound."""
    file = HERE / "static" / Path(name).name
    if not file.is_file() or file.suffix not in TYPES:
        raise NotFound("File", name)
    return TYPES[file.suffix], file.read_text()
