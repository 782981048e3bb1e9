"""What a definition says that answers look like: for prototypes that have no back end yet.

An example that is given wins over one made from the schema; nothing is looked up elsewhere.
"""

import json
from collections.abc import Mapping
from typing import Any

from portico.services.definitions import rules

MAX_ANSWER = 64 * 1024  # bytes of one answer
MAX_ALL = 256 * 1024  # bytes of all answers of an API: they are one item
MAX_NODES = 2_000  # values made from one schema
MAX_DEPTH = 8
_WORDS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "user@example.com",
    "uri": "https://example.com",
}

Answer = list[Any]  # status, content type, body


def answers(document: Mapping[str, Any]) -> dict[str, Answer]:
    """By `VERB path`, the status, content type and body of an operation's first good answer.

    An operation that describes no answer is left out.
    """
    found: dict[str, Answer] = {}
    room = MAX_ALL
    for path, item in _mapping(document.get("paths")).items():
        for verb in rules.VERBS:
            operation = _mapping(_mapping(item).get(verb))
            answer = _Reader(document).answer(operation) if operation else None
            size = len(answer[2].encode()) if answer else 0
            if answer and size <= min(MAX_ANSWER, room):
                found[f"{verb.upper()} {path}"] = answer
                room -= size
    return found


class _Reader:
    """Reads one operation; counts what it makes, for schemas may refer to themselves."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._made = 0

    def answer(self, operation: Mapping[str, Any]) -> Answer | None:
        responses = _mapping(operation.get("responses"))
        code = min((str(code) for code in responses), key=_rank, default="")
        if not code or _rank(code)[0] > 2:
            return None
        response = self._resolved(responses.get(code, responses.get(_number(code))))
        status = int(code) if code.isdigit() else 200
        kind, body = self._content(response)
        return [status, kind, body]

    def _content(self, response: Mapping[str, Any]) -> tuple[str, str]:
        if "content" not in response:  # Swagger 2.0
            examples = _mapping(response.get("examples"))
            kind = _preferred(examples) or "application/json"
            if kind in examples:
                return kind, _text(examples[kind], kind)
            if "schema" not in response:
                return "", ""
            return kind, _text(self._made_from(response["schema"], 0), kind)
        content = _mapping(response["content"])
        kind = _preferred(content)
        media = _mapping(content.get(kind))
        if "example" in media:
            return kind, _text(media["example"], kind)
        for one in _mapping(media.get("examples")).values():
            example = self._resolved(one)
            if "value" in example:
                return kind, _text(example["value"], kind)
        if "schema" in media:
            return kind, _text(self._made_from(media["schema"], 0), kind)
        return kind, ""

    def _made_from(self, schema: Any, depth: int) -> Any:
        self._made += 1
        if depth > MAX_DEPTH or self._made > MAX_NODES:
            return None
        schema = self._resolved(schema)
        for name in ("example", "default", "const"):
            if name in schema:
                return schema[name]
        for name in ("examples", "enum"):
            if isinstance(schema.get(name), list) and schema[name]:
                return schema[name][0]
        for name in ("oneOf", "anyOf"):
            if isinstance(schema.get(name), list) and schema[name]:
                return self._made_from(schema[name][0], depth + 1)
        parts = schema.get("allOf")
        if isinstance(parts, list) and parts:
            made = [self._made_from(part, depth + 1) for part in parts]
            objects = [one for one in made if isinstance(one, dict)]
            own = self._object(schema, depth)
            return {name: value for one in [*objects, own] for name, value in one.items()}
        return self._plain(schema, depth)

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            item = self._made_from(schema.get("items"), depth + 1)
            return [] if item is None else [item]
        if kind == "string":
            return _WORDS.get(str(schema.get("format")), "string")
        plain = {"integer": 0, "number": 0, "boolean": True}
        return schema.get("minimum", plain[kind]) if kind in plain else None

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = _mapping(schema.get("properties"))
        return {name: self._made_from(one, depth + 1) for name, one in properties.items()}

    def _resolved(self, value: Any) -> Mapping[str, Any]:
        """What a local reference leads to; nothing for another one."""
        for _ in range(MAX_DEPTH):
            found = _mapping(value)
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            if not reference.startswith("#/"):
                return {}
            value = self._document
            for part in reference[2:].split("/"):
                value = _mapping(value).get(part.replace("~1", "/").replace("~0", "~"))
        return {}


def _rank(code: str) -> tuple[int, str]:
    """The plainest success first."""
    if code == "200":
        return 0, code
    if len(code) == 3 and code.startswith("2"):
        return 1, code
    return (2 if code == "default" else 3), code


def _number(code: str) -> Any:
    # YAML reads 200 as a number.
    return int(code) if code.isdigit() else code


def _preferred(content: Mapping[str, Any]) -> str:
    kinds = [str(kind) for kind in content]
    return next((kind for kind in kinds if "json" in kind), kinds[0] if kinds else "")


def _text(value: Any, kind: str) -> str:
    if isinstance(value, str) and "json" not in kind:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
