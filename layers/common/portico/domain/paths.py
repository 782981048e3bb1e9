"""Request paths and URI templates, read the same way by everything that judges or forwards a call.

API Gateway hands over a decoded path, so what could mean two things is refused before anything is
matched.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from portico.domain.errors import InvalidInput

MAX_PATH = 8_192  # characters; HTTP API takes 10 KB for the request line and all headers together
MAX_CONTEXT = 400  # characters of a full context, so that it fits into a table key
MAX_CONTEXT_SEGMENTS = (
    8  # segments of an API's full context, "/t/{tenant}" and the version included
)

# Control characters (C0, DEL, C1), the backslash that some servers read as "/", what an undecodable
# byte became, lone surrogates, and a "%" that could still be decoded once more ("%2F", "%252F" sent
# by the client).
_AMBIGUOUS = re.compile("[\x00-\x1f\x7f-\x9f\\\\\ufffd\ud800-\udfff]|%[0-9A-Fa-f]{2}")
# Empty and dot segments; ";" begins path parameters, which some servers cut off before they read
# the segment.
_DOTS = re.compile(r"//|/\.{0,2}(?:;[^/]*)(?:/|$)|/\.{1,2}(?:/|$)")

T = TypeVar("T")


def canonical(path: str) -> str:
    """The path itself when it has exactly one reading; otherwise `InvalidInput`.

    RFC 3986, section 3.3 (segments) and 6.2.2 (what may be normalised): nothing is normalised here.
    """
    if not path.startswith("/"):
        raise InvalidInput.of("path", "must start with '/'")
    if len(path) > MAX_PATH:
        raise InvalidInput.of("path", f"is longer than {MAX_PATH} characters")
    if _AMBIGUOUS.search(path):
        raise InvalidInput.of(
            "path", "has an encoded or control character that could be read in two ways"
        )
    if _DOTS.search(path):
        raise InvalidInput.of("path", "has an empty or dot segment")
    return path


def contexts(path: str, limit: int = MAX_CONTEXT_SEGMENTS) -> tuple[str, ...]:
    """The prefixes of a canonical path that could be an API's context, the longest first.

    `/a/b/c` -> (`/a/b/c`, `/a/b`, `/a`); at most `limit` of them.
    """
    found: list[str] = []
    end = 0
    while len(found) < limit and end < len(path) - 1:
        end = path.find("/", end + 1)
        if end < 0:
            end = len(path)
        if end > MAX_CONTEXT:
            break
        found.append(path[:end])
    return tuple(reversed(found))


def template_problem(template: str) -> str | None:
    """What is wrong with a URI template, or None.

    Segments may hold `{name}` parameters with text around them; `/*` may end the template and takes
    any rest.
    """
    if not template.startswith("/"):
        return "must start with '/'"
    body = template[:-2] if template.endswith("/*") else template
    if "*" in body:
        return "may have '*' only as its last segment"
    if any(not segment for segment in body.split("/")[1:-1]) or body.endswith("//"):
        return "has an empty segment"
    if _AMBIGUOUS.search(template) or _DOTS.search(body) or "?" in template or "#" in template:
        return "has a character or segment that no request's path can have"
    if any(_PIECE.fullmatch(segment) is None for segment in body.split("/")):
        return "has braces that do not enclose a name, or two parameters with nothing between them"
    names = _NAME.findall(body)
    if len(names) != len(set(names)):
        return "names a parameter twice"
    return None


_NAME = re.compile(r"\{([^{}/]+)\}")
_PIECE = re.compile(r"[^{}]*(?:\{[^{}]+\}(?:[^{}]+\{[^{}]+\})*[^{}]*)?")


@dataclass
class _Node(Generic[T]):
    """A segment of the tree of templates; what is tried first is more specific."""

    literal: "dict[str, _Node[T]]" = field(default_factory=dict)
    mixed: "dict[tuple[str, ...], _Node[T]]" = field(
        default_factory=dict
    )  # "{a}.json" -> ("", ".json")
    parameter: "_Node[T] | None" = None
    ends: list[T] = field(default_factory=list)
    rest: list[T] = field(default_factory=list)  # a template that ends here with "/*"


class Templates(Generic[T]):
    """URI templates compiled into a tree, each with a value.

    A look-up visits a node at most once, so it takes time in proportion to the path and the
    templates, never more.
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._root: _Node[T] = _Node()
        for template, value in entries:
            self._add(template, value)

    def _add(self, template: str, value: T) -> None:
        node = self._root
        for segment in _segments(template):
            if segment == "*":
                node.rest.append(value)
                return
            node = _child(node, segment)
        node.ends.append(value)

    def match(self, path: str) -> Iterator[T]:
        """The values of all templates that the path fits, the most specific first.

        Specific means: at the first segment where two templates differ, text goes before text with
        a parameter, that before a parameter alone, and that before `/*`. A slash at the end makes
        no difference.
        """
        return self._walk(self._root, _segments(path), 0)

    def _walk(self, node: _Node[T], segments: list[str], at: int) -> Iterator[T]:
        if at == len(segments):
            yield from node.ends
        else:
            segment = segments[at]
            if (child := node.literal.get(segment)) is not None:
                yield from self._walk(child, segments, at + 1)
            for pieces, child in node.mixed.items():
                if _fits(segment, pieces):
                    yield from self._walk(child, segments, at + 1)
            if node.parameter is not None:
                yield from self._walk(node.parameter, segments, at + 1)
        yield from node.rest


def _segments(path: str) -> list[str]:
    inner = path.strip("/")
    return inner.split("/") if inner else []


def _child(node: _Node[T], segment: str) -> _Node[T]:
    pieces = tuple(re.split(r"\{[^{}]*\}", segment))
    if len(pieces) == 1:
        return node.literal.setdefault(segment, _Node())
    if pieces == ("", ""):
        if node.parameter is None:
            node.parameter = _Node()
        return node.parameter
    child = node.mixed.setdefault(pieces, _Node())
    # More fixed text is more specific.
    node.mixed = dict(sorted(node.mixed.items(), key=lambda item: -sum(map(len, item[0]))))
    return child


def _fits(segment: str, pieces: tuple[str, ...]) -> bool:
    """Whether a segment is these pieces of text with at least one character between any two.

    Taking each piece where it first appears leaves the most room for the others, so no backtracking
    is needed.
    """
    first, *middle, last = pieces
    if not segment.startswith(first) or not segment.endswith(last):
        return False
    at = len(first)
    for piece in middle:
        found = segment.find(piece, at + 1)
        if found < 0:
            return False
        at = found + len(piece)
    return len(segment) - len(last) > at
