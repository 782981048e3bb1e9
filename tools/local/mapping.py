"""Parameter mapping of HTTP API's HTTP_PROXY integrations.

"Transform API requests and responses for HTTP APIs", API Gateway Developer Guide. Only requests:
nothing here maps responses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_VALUE = re.compile(
    r"\$\{?((?:request|context|stageVariables)\.[A-Za-z0-9_.$-]*[A-Za-z0-9_-]|request\.path)\}?"
)
# Reserved headers, from the page above. A mapping of them is refused when it is made, so here too.
RESERVED = re.compile(
    r"^(access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|"
    r"content-location|forwarded|keep-alive|origin|proxy-authenticate|proxy-authorization|te|"
    r"trailers|transfer-encoding|upgrade|x-amz-.*|x-amzn-.*|x-forwarded-.*|via)$",
    re.IGNORECASE,
)


@dataclass
class Outgoing:
    """What goes to the back end; the mapping changes it."""

    path: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)


class MappingRefused(Exception):
    """API Gateway would not have accepted this mapping."""


def check(parameters: Mapping[str, str]) -> None:
    """Refuses what API Gateway refuses when an integration is made."""
    for key in parameters:
        action, _, target = key.partition(":")
        place, _, name = target.partition(".")
        if action not in ("overwrite", "append", "remove"):
            raise MappingRefused(f"{key}: unknown action")
        if place == "header" and RESERVED.match(name):
            raise MappingRefused(f"Operations on header {name} are restricted")


def apply(parameters: Mapping[str, str], out: Outgoing, lookup: Callable[[str], Any]) -> None:
    """Changes `out`; `lookup` gives the value of e.g. `context.authorizer.jwt`, None if unknown."""
    check(parameters)
    for key, template in parameters.items():
        action, _, target = key.partition(":")
        place, _, name = target.partition(".")
        value = "" if action == "remove" else _resolve(template, lookup)
        if place == "path":
            # An empty value maps nothing: what the client sent stays, as with headers.
            out.path = value or out.path
        elif place in ("header", "querystring"):
            pairs = out.headers if place == "header" else out.query
            # Header names are the same whatever their case, names in a query are not.
            fold: Callable[[str], str] = str.lower if place == "header" else str
            if action == "remove" or (action == "overwrite" and value):
                pairs[:] = [pair for pair in pairs if fold(pair[0]) != fold(name)]
            if action != "remove" and value:
                pairs.append((name, value))


def _resolve(template: str, lookup: Callable[[str], Any]) -> str:
    def replace(found: re.Match[str]) -> str:
        value = lookup(found[1])
        return "" if value is None else str(value)

    return _VALUE.sub(replace, template)
