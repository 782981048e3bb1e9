"""Whether a document is a Swagger 2.0, OpenAPI 3.0 or 3.1 definition.

Checked against the meta-schemas that openapi-spec-validator carries, not by its own validator: that
one opens the files
and addresses that a `$ref` names, recurses without end on circular references and runs regular
expressions of the document.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from portico.domain.errors import InvalidInput, Problem

MAX_PROBLEMS = 20
VERBS = ("get", "put", "post", "delete", "patch", "head", "options")


def check(document: Any) -> str:
    """The definition's version family ("2.0", "3.0", "3.1"); InvalidInput with a problem for each
    fault found.
    """
    if not isinstance(document, dict):
        raise InvalidInput.of("definition", "is not an object")
    version = version_of(document)
    problems = list(islice(_references(document), MAX_PROBLEMS))
    if not problems:
        problems = list(_faults(document, version))
    if problems:
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
        raise InvalidInput(f"The definition is not valid: {text}", problems)
    return version


def version_of(document: dict[str, Any]) -> str:
    """`swagger: "2.0"` or `openapi: 3.0.x / 3.1.x`."""
    if document.get("swagger") in ("2.0", 2.0):
        return "2.0"
    if "swagger" in document:
        raise InvalidInput.of("swagger", 'must be "2.0"')
    text = document.get("openapi")
    if not isinstance(text, str):
        raise InvalidInput.of(
            "openapi", 'is missing: neither openapi: "3.x.y" nor swagger: "2.0" is there'
        )
    for family in ("3.0", "3.1"):
        if text == family or text.startswith(family + "."):
            return family
    raise InvalidInput.of("openapi", f"is '{text[:20]}'; 3.0 and 3.1 are supported")


def _references(document: dict[str, Any]) -> Iterator[Problem]:
    """References must lead into the document, and somewhere, not only round in a circle."""
    sound: set[str] = set()  # each link of a long chain is followed once
    for where, reference in _found(document, ""):
        if not reference.startswith("#"):
            yield Problem(
                where,
                f"$ref '{reference[:100]}' leads outside the document; only '#/...' is supported",
            )
            continue
        chain = {reference: None}
        following: Any = reference
        while following not in sound:
            target = pointed(document, following)
            if target is None:
                yield Problem(where, f"$ref '{following[:100]}' leads to nothing")
                break
            following = target.get("$ref") if isinstance(target, dict) else None
            if not isinstance(following, str) or not following.startswith("#"):
                sound.update(chain)
                break
            if following in chain:
                yield Problem(where, f"$ref is circular: {' -> '.join([*chain, following])[:200]}")
                break
            chain[following] = None
        else:
            sound.update(chain)


def _found(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every `$ref` with its place; examples and defaults are data, not references."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield where or "definition", reference
        for key, child in value.items():
            if key not in (
                "example",
                "examples",
                "default",
                "enum",
                "const",
                "value",
            ) and not key.startswith("x-"):
                yield from _found(child, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _found(child, f"{where}.{number}")


def pointed(document: Any, reference: str) -> Any:
    """What a local reference (RFC 6901 pointer) points at; None when nothing is there. Anchors are
    not followed.
    """
    if reference in ("#", "#/"):
        return document
    if not reference.startswith("#/"):
        return {}  # "#name": an anchor of OpenAPI 3.1, which nothing here follows
    value = document
    for part in _unquoted(reference[2:]).split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _unquoted(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


def _faults(document: dict[str, Any], version: str) -> Iterator[Problem]:
    for error in islice(_validator(version).iter_errors(document), MAX_PROBLEMS):
        # Of an anyOf or oneOf the deepest branch says what a person wants to know.
        while error.context:
            error = max(error.context, key=lambda part: len(part.absolute_path))
        where = ".".join(str(part) for part in error.absolute_path)
        yield Problem(where or "definition", error.message[:300])
    paths = document.get("paths")
    for path in paths if isinstance(paths, dict) else ():
        if not path.startswith(("/", "x-")):
            yield Problem("paths", f"'{path[:100]}' does not start with '/'")


@cache
def _validator(version: str) -> Any:
    # Lazily: jsonschema takes 150 ms to load, and the package that carries the schemas 600 more,
    # so only its files are read.
    from jsonschema.validators import extend, validator_for

    spec = find_spec("openapi_spec_validator")
    if spec is None or spec.origin is None:
        raise RuntimeError("openapi-spec-validator is not installed")
    path = Path(spec.origin).parent / "resources" / "schemas" / f"v{version}" / "schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    checks: Any = extend(  # type: ignore[no-untyped-call]  # jsonschema says nothing of it
        validator_for(schema), {"uniqueItems": _unique_items}
    )
    return checks(schema)


def _unique_items(_: Any, unique: Any, items: Any, __: Any) -> Iterator[Any]:
    """`uniqueItems` in one pass; jsonschema compares every item with every other."""
    from jsonschema.exceptions import ValidationError

    if unique and isinstance(items, list):
        texts = {json.dumps(item, sort_keys=True) for item in items}
        if len(texts) < len(items):
            yield ValidationError("has items that are the same")
