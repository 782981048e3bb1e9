"""Definition text, JSON or YAML, to plain values: bounded in size, depth and what aliases expand
to.

Knows nothing of OpenAPI. YAML is read by the rules that OpenAPI recommends (the JSON schema of YAML
1.2): no dates, no
`yes` and `no`, keys are text.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from math import isfinite
from typing import Any

from portico.domain.errors import InvalidInput, TooLarge

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 1_000_000  # with every alias expanded
FIELD = "definition"
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
# What a plain scalar means: kind, pattern, first characters (YAML 1.2.2 section 10.2.2; `.5`, which
# only a number can be meant by, too).
_SCALARS = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    (
        "float",
        r"^-?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        "-.0123456789",
    ),
)


def load(content: bytes) -> Any:
    """The values of a JSON or YAML text; InvalidInput names line and column of a syntax error."""
    if len(content) > MAX_BYTES:
        raise TooLarge(f"The definition has {len(content)} bytes; {MAX_BYTES} are allowed")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput.of(FIELD, f"is not UTF-8 text: byte {exc.start} is wrong") from exc
    start = text.lstrip()[:1]
    if not start:
        raise InvalidInput.of(FIELD, "is empty")
    value = _json(text) if start in "{[" else _yaml(text)
    _check_depth(value)
    if "\\ud" in text.lower():
        _check_characters(value)
    return value


def dump(document: Any) -> bytes:
    """The one form in which definitions are stored: JSON, readable, in the order given."""
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _json(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except json.JSONDecodeError as exc:
        raise InvalidInput.of(
            FIELD, f"is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}"
        ) from exc
    except RecursionError as exc:
        raise _too_deep() from exc
    except ValueError as exc:
        raise InvalidInput.of(FIELD, f"is not JSON: {exc}") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key '{key[:100]}' appears twice in one object")
            seen.add(key)
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    """A number; what is too large for one would be written as `Infinity`, which is no JSON."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _yaml(text: str) -> Any:
    import yaml  # not every call of a function needs it

    try:
        _check_events(text)
        return yaml.load(text, Loader=_loader())  # noqa: S506 - the loader is a safe one
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidInput.of(FIELD, f"is not YAML: {exc.problem or exc.context}{where}") from exc
    except yaml.YAMLError as exc:
        raise InvalidInput.of(FIELD, f"is not YAML: {exc}") from exc
    except (RecursionError, ValueError) as exc:
        raise InvalidInput.of(FIELD, f"is not YAML that can be read: {exc}") from exc


def _check_events(text: str) -> None:
    """Before anything is built: depth, recursion, and the size that the document has with its
    aliases expanded.
    """
    import yaml

    sizes: dict[str, int] = {}
    open_anchors: list[tuple[str | None, int]] = []  # anchor and node count at its start
    nodes = 0
    for event in yaml.parse(text, Loader=_base_loader()):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise InvalidInput.of(
                    FIELD,
                    f"is not a tree: alias '{event.anchor}' refers to what holds it or to nothing",
                )
            nodes += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            nodes += 1
            open_anchors.append((event.anchor, nodes))
            # An anchor's name may be used again: until this one closes it means nothing.
            if event.anchor:
                sizes.pop(event.anchor, None)
            if len(open_anchors) > MAX_DEPTH:
                raise _too_deep()
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_anchors.pop()
            if anchor:
                sizes[anchor] = nodes - before + 1
        if nodes > MAX_NODES:
            raise TooLarge(
                f"The definition has more than {MAX_NODES} values with its aliases expanded"
            )


def _base_loader() -> Any:
    import yaml

    return getattr(
        yaml, "CSafeLoader", yaml.SafeLoader
    )  # libyaml is six times faster, where it is built in


@cache
def _loader() -> Any:
    """A safe loader with text keys, no duplicate keys and the scalars of JSON only."""
    import yaml

    class Loader(_base_loader()):  # type: ignore[misc]  # the base is chosen at run time
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            if not isinstance(node, yaml.MappingNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a mapping is expected", node.start_mark
                )
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(
                        None, None, "a key must be text", key.start_mark
                    )
                if key.tag == _MERGE:
                    continue
                if key.value in seen:
                    problem = f"the key '{key.value}' appears twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
                key.tag = _TAG + "str"  # `200:` and `on:` are the texts "200" and "on"
            return super().construct_mapping(node, deep)

    # Of YAML 1.1's kinds only those that JSON has: no dates, sets or bytes, whatever tag asks for
    # them, and `22:30`, `010` and `0x10` are text.
    kept = {tag: Loader.yaml_constructors[_TAG + tag] for tag in ("null", "str", "seq", "map")}
    made: dict[str, Callable[[str], Any]] = {"bool": _boolean, "int": int, "float": _finite}
    Loader.yaml_constructors = {None: Loader.yaml_constructors[None]} | {
        _TAG + tag: constructor for tag, constructor in kept.items()
    }
    for tag, make in made.items():
        Loader.add_constructor(_TAG + tag, _scalar(make))
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in (_TAG + "null", _MERGE)]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    for tag, pattern, firsts in _SCALARS:
        Loader.add_implicit_resolver(_TAG + tag, re.compile(pattern), list(firsts))
    return Loader


def _scalar(make: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    return lambda loader, node: make(loader.construct_scalar(node))


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"'{text[:40]}' is neither true nor false")
    return text.lower() == "true"


def _check_characters(value: Any) -> None:
    """Half of a surrogate pair can be escaped, but no text can be written with it."""
    try:
        dump(value)
    except UnicodeEncodeError as exc:
        raise InvalidInput.of(FIELD, "has half of a surrogate pair, which is no character") from exc


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for item in level
            for child in (
                item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
            )
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> InvalidInput:
    return InvalidInput.of(FIELD, f"is nested more than {MAX_DEPTH} levels deep")
