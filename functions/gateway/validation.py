"""Whether a request is what the API's definition says; for APIs whose publisher switched that on.

Parameters of path, query and header, and JSON bodies; what other media types hold is the back end's
to judge.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

from functions.gateway.requests import Outgoing
from portico.domain.gateway import RequestSchemas

MAX_BODY = 20 * 1024 * 1024  # bytes without content coding
MAX_TOLD = 5  # problems named in an answer
MAX_TEXT = 300  # characters of one of them
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json$")
_NAME = re.compile(r"\{([^{}/]+)\}")
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_OLD_SEPARATORS = {"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|"}  # Swagger 2.0
# Said by the connection or the authorizer, not by whoever wrote the request (OpenAPI 3.0.3,
# "Parameter Object").
_NOT_CHECKED = frozenset({"accept", "content-type", "authorization"})

Problems = Callable[[Any], Iterator[str]]


class Validator:
    """The operations of one revision; each is compiled when it is first called."""

    def __init__(self, schemas: RequestSchemas) -> None:
        self._schemas = schemas
        self._operations: dict[str, _Operation] = {}

    def problems(self, operation: str, request: Outgoing) -> list[str]:
        """What is wrong with a request of an operation (`GET /menu`); [] when it fits."""
        described = self._schemas.operations.get(operation)
        if described is None:
            return []
        known = self._operations.get(operation)
        if known is None:
            known = _Operation(operation.partition(" ")[2], described, self._compiled)
            self._operations[operation] = known
        found = []
        for problem in known.problems(request):
            found.append(problem[:MAX_TEXT])
            if len(found) == MAX_TOLD:
                break
        return found

    def _compiled(self, schema: Any) -> Problems:
        # Loaded with the first API that wants it; most environments see none.
        from jsonschema.exceptions import best_match
        from openapi_schema_validator import OAS30Validator, OAS31Validator
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        kind: Any = OAS31Validator if self._schemas.dialect == "3.1" else OAS30Validator
        # References lead to the root of what is validated with; none leads anywhere else.
        root = {**self._schemas.components, "allOf": [schema]}
        validator = kind(root, registry=Registry(), format_checker=kind.FORMAT_CHECKER)

        def problems(value: Any) -> Iterator[str]:
            try:
                for error in validator.iter_errors(value):
                    deepest = best_match([error]) or error
                    where = ".".join(str(part) for part in deepest.absolute_path)
                    yield f"{where}: {deepest.message}" if where else str(deepest.message)
            except (Unresolvable, RecursionError) as exc:
                yield f"cannot be checked: {exc}"

        return problems


class _Operation:
    """One operation's checks."""

    def __init__(
        self, template: str, described: Mapping[str, Any], compiled: Callable[[Any], Problems]
    ) -> None:
        self._parameters = [
            (place, name, required, schema, style, compiled(schema))
            for place, name, required, schema, style in described.get("parameters") or ()
            if not (place == "header" and name.lower() in _NOT_CHECKED)
        ]
        self._bodies = {
            kind.lower(): compiled(schema) if _JSON.search(kind.lower()) else None
            for kind, schema in (described.get("body") or {}).items()
        }
        self._needs_body = bool(described.get("body_required"))
        pieces = re.split(r"\{[^{}/]+\}", template)
        self._names = _NAME.findall(template)
        self._path = re.compile("([^/]+)".join(map(re.escape, pieces)) + "/?$")

    def problems(self, request: Outgoing) -> Iterator[str]:
        values = self._values(request)
        for place, name, required, schema, style, check in self._parameters:
            given = values[place].get(name.lower() if place == "header" else name)
            if not given:
                if required:
                    yield f"{place} parameter '{name}' is missing"
                continue
            value = _value(given, schema, place, style)
            for problem in check(value):
                yield f"{place} parameter '{name}': {problem}"
        yield from self._body(request)

    def _values(self, request: Outgoing) -> dict[str, dict[str, list[str]]]:
        match = self._path.match(request.path or "/")
        path = dict(zip(self._names, match.groups(), strict=True)) if match else {}
        query: dict[str, list[str]] = {}
        for part in request.query.split("&") if request.query else ():
            name, _, text = part.partition("=")
            query.setdefault(unquote_plus(name), []).append(unquote_plus(text))
        return {
            "path": {name: [text] for name, text in path.items()},
            "query": query,
            "header": {name: [text] for name, text in request.headers.items()},
        }

    def _body(self, request: Outgoing) -> Iterator[str]:
        if not request.body:
            if self._needs_body:
                yield "body: is missing"
            return
        if not self._bodies:
            return
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        check = _for_kind(self._bodies, kind)
        if check is _UNKNOWN:
            yield f"body: the media type must be {' or '.join(self._bodies)}"
        elif check is not None:
            try:
                content = _decoded(request)
            except ValueError as exc:
                yield f"body: {exc}"
                return
            try:
                value = json.loads(content, parse_constant=_refuse)
            except (ValueError, RecursionError):
                yield "body: is not JSON"
                return
            for problem in check(value):
                yield f"body: {problem}"


def _decoded(request: Outgoing) -> bytes:
    """The body without its content coding; ValueError for what cannot be looked into."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return request.body
    if coding not in ("gzip", "x-gzip"):
        raise ValueError(f"the content coding '{coding}' cannot be checked")
    reader = zlib.decompressobj(wbits=31)
    try:
        content = reader.decompress(request.body, MAX_BODY)
    except zlib.error as exc:
        raise ValueError("is not gzip") from exc
    if not reader.eof or reader.unused_data:
        raise ValueError("is not one whole gzip member, or is too large")
    return content


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _nothing(_: Any) -> Iterator[str]:
    yield from ()


_UNKNOWN: Problems = _nothing


def _for_kind(bodies: Mapping[str, Problems | None], kind: str) -> Problems | None:
    """The check for a media type; its own, else that of a range (`application/*`, `*/*`)."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in bodies:
            return bodies[name]
    return _UNKNOWN


def _value(given: Sequence[str], schema: Any, place: str, style: Mapping[str, Any]) -> Any:
    """What the texts of a parameter mean to its schema; a text that does not fit stays one."""
    schema = schema if isinstance(schema, Mapping) else {}
    if _type(schema) != "array":
        return _plain(given[-1], schema)
    usual = "form" if place == "query" else "simple"
    named = style.get("style") or usual
    repeated = style.get("explode", place == "query" and named == "form")
    if "collectionFormat" in style:
        repeated = style["collectionFormat"] == "multi"
        separator = _OLD_SEPARATORS.get(style["collectionFormat"], ",")
    else:
        separator = _SEPARATORS.get(named, ",")
    texts = list(given) if repeated and place == "query" else given[-1].split(separator)
    items = schema.get("items")
    return [_plain(text, items if isinstance(items, Mapping) else {}) for text in texts]


def _plain(text: str, schema: Mapping[str, Any]) -> Any:
    match _type(schema):
        case "integer" if re.fullmatch(r"-?[0-9]{1,30}", text):
            return int(text)
        case "number" if re.fullmatch(
            r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?", text
        ):
            return float(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
        case "object":
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return text
    return text


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):  # OpenAPI 3.1
        kind = next((one for one in kind if one != "null"), None)
    return str(kind or "")
