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
# by the client, "%u002F" as IIS reads it).
_AMBIGUOUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\\\\\ufffd\ud800-\udfff]|%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})"
)
# Where a path ends: API Gateway cuts it off at an encoded "?", others would read a query there.
_END = re.compile("[?#]")
# Empty and dot segments; ";" begins path parameters, which some servers cut off before they read
# the segment.
_DOTS = re.compile(r"//|/\.{0,2}(?:;[^/]*)(?:/|$)|/\.{1,2}(?:/|$)")

_PARAMETERS = re.compile(r";[^/]*")

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
    if _END.search(path):
        raise InvalidInput.of("path", "has a '?' or '#' that could be read as its end")
    if _DOTS.search(path):
        raise InvalidInput.of("path", "has an empty or dot segment")
    if not path.isascii():
        _check_compatible(path)
    return path


def _check_compatible(path: str) -> None:
    # Some servers turn full-width and other compatible characters into plain ones (Unicode NFKC)
    # after they have looked for dots and slashes.
    plain = _compatible(path)
    if plain.count("/") != path.count("/") or _AMBIGUOUS.search(plain) or _DOTS.search(plain):
        raise InvalidInput.of("path", "has characters that could be read as '/', '.' or '%'")


def _compatible(path: str) -> str:
    # Loaded by those few calls that need it.
    from unicodedata import normalize

    return normalize("NFKC", path)


def other_readings(path: str) -> tuple[str, ...]:
    """How a back end might read a canonical path otherwise: without path parameters (`;`, RFC 3986
    section 3.3), or with characters in their compatibility form (Unicode NFKC).

    A call passes only when all readings lead to the same resource.
    """
    plain = path.isascii()
    if plain and ";" not in path:
        return ()
    found = [_PARAMETERS.sub("", path)]
    if not plain:
        found += [_compatible(one) for one in (path, found[0])]
    return tuple(dict.fromkeys(one for one in found if one != path))


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
    # "{a}.json" is the pieces ("", ".json"); by first and last piece, with their lengths.
    mixed: "dict[tuple[str, str], list[tuple[tuple[str, ...], _Node[T]]]]" = field(
        default_factory=dict
    )
    lengths: set[tuple[int, int]] = field(default_factory=set)
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
            for child in _mixed(node, segment):
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
    ends = (pieces[0], pieces[-1])
    node.lengths.add((len(ends[0]), len(ends[1])))
    alike = node.mixed.setdefault(ends, [])
    for known, child in alike:
        if known == pieces:
            return child
    alike.append((pieces, _Node()))
    return alike[-1][1]


def _mixed(node: "_Node[T]", segment: str) -> "list[_Node[T]]":
    """The nodes of templates with text around parameters that a segment fits, more text first.

    Found by their beginning and end, so that it does not matter how many others there are.
    """
    if not node.lengths:
        return []
    size = len(segment)
    fitting = [
        (sum(map(len, pieces)), child)
        for first, last in node.lengths
        if first + last < size
        for pieces, child in node.mixed.get((segment[:first], segment[size - last :]), ())
        if _fits(segment, pieces)
    ]
    # More fixed text is more specific.
    fitting.sort(key=lambda found: -found[0])
    return [child for _, child in fitting]


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
