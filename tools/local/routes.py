"""Which route of an HTTP API a call takes, and what its path variables are.

"Create routes for HTTP APIs", API Gateway Developer Guide: the most specific match wins - full
match of method and path, then a match with a greedy variable, then `$default`; ANY after a method.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Route:
    """A route as deployed; `data` as GetRoutes gives it."""

    key: str
    data: dict[str, Any]

    @cached_property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @cached_property
    def segments(self) -> list[str]:
        return self.key.partition(" ")[2].strip("/").split("/")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        parts = []
        for segment in self.key.partition(" ")[2].split("/"):
            if segment.startswith("{") and segment.endswith("+}"):
                parts.append("(.+)")
            elif segment.startswith("{") and segment.endswith("}"):
                parts.append("([^/]+)")
            else:
                parts.append(re.escape(segment))
        return re.compile("/".join(parts), re.DOTALL)

    @cached_property
    def variables(self) -> list[str]:
        names = [s for s in self.key.partition(" ")[2].split("/") if s.startswith("{")]
        return [name.strip("{}+") for name in names]

    @cached_property
    def rank(self) -> tuple[Any, ...]:
        """Smaller is more specific: literals before variables before a greedy one, then method."""
        kinds = tuple(
            2 if s.endswith("+}") else 1 if s.startswith("{") else 0 for s in self.segments
        )
        greedy = 2 in kinds
        return (greedy, -len(kinds) if greedy else 0, kinds, self.method == "ANY")


class Routes:
    """All routes of one API."""

    def __init__(self, items: Iterable[dict[str, Any]]) -> None:
        routes = [Route(item["RouteKey"], item) for item in items]
        self._default = next((route for route in routes if route.key == "$default"), None)
        self._routes = sorted((r for r in routes if r.key != "$default"), key=lambda r: r.rank)

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path variables; None when no route takes the call."""
        for route in self._routes:
            if route.method in (method, "ANY") and (found := route.pattern.fullmatch(path)):
                return route, dict(zip(route.variables, found.groups(), strict=True))
        return (self._default, {}) if self._default else None
