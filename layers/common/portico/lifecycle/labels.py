"""What people read in place of the names of events, states and checklist items, in their language.
The texts lie beside the life-cycle document; the engine knows nothing of them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from portico.domain.errors import InvalidInput, Problem, TooLarge
from portico.lifecycle.findings import Finding, warning
from portico.lifecycle.model import LifeCycle, same_event, same_item

MAX_BYTES = 128 * 1024
MAX_TEXT = 300  # characters of a label
MAX_RANGES = 20  # of an Accept-Language header; what follows is not looked at
DEFAULT_LANGUAGE = "en"
KINDS = ("event", "state", "item")
# A language as RFC 5646 writes most: letters and digits in parts of one to eight.
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")

Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Labels:
    """Texts by language and key. A key is a name in lower case, as in WSO2's locale files."""

    texts: Texts

    def label(self, kind: str, name: str, accept_language: str = "") -> str:
        """The text for the name of an event, a state or an item in the best of the languages that
        an Accept-Language header asks for. The name itself where there is none.
        """
        return self.text(self.language(accept_language), kind, name) or name

    def language(self, accept_language: str = "") -> str:
        """The language to answer in: the first wanted that there is, by RFC 4647's lookup; else
        English.
        """
        for wanted in _ranges(accept_language):
            parts = wanted.split("-")
            while parts:
                if "-".join(parts) in self._by_language:
                    return "-".join(parts)
                parts.pop()
        return DEFAULT_LANGUAGE

    def text(self, language: str, kind: str, name: str) -> str | None:
        """The text in this very language, or None."""
        found = self._by_language.get(language.lower(), {})
        return next((found[key] for key in _keys(kind, name) if key in found), None)

    def missing(self, lifecycle: LifeCycle) -> tuple[Finding, ...]:
        """A warning for each language and name of the life cycle that has no text."""
        names = [("state", node.id) for node in lifecycle.states]
        names += [("event", event) for event in lifecycle.events]
        names += [("item", item.name) for item in lifecycle.items]
        return tuple(
            warning(
                0,
                "label-missing",
                f"the {kind} '{name}' has no text in the language {language}; its name is shown",
                name,
            )
            for language in sorted(self._by_language)
            for kind, name in names
            if self.text(language, kind, name) is None
        )

    def over(self, texts: Texts) -> "Labels":
        """These labels with others on top, key by key."""
        merged = {language: dict(own) for language, own in self._by_language.items()}
        for language, own in texts.items():
            merged.setdefault(language.lower(), {}).update(own)
        return Labels(merged)

    @cached_property
    def _by_language(self) -> dict[str, Mapping[str, str]]:
        return {language.lower(): own for language, own in self.texts.items()}


@cache
def shipped() -> Labels:
    """The complete texts of the default life cycle: English and German."""
    folder = Path(__file__).with_name("locales")
    return Labels({path.stem: read(path.read_bytes()) for path in sorted(folder.glob("*.json"))})


def read(content: bytes) -> dict[str, str]:
    """The texts of one language: a JSON object of texts by name in lower case.

    Raises InvalidInput naming every wrong key, or TooLarge.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge(f"The texts of a language may have {MAX_BYTES} bytes, not {len(content)}")
    try:
        body = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise InvalidInput.of("labels", "not well-formed JSON in UTF-8") from exc
    if not isinstance(body, dict):
        raise InvalidInput.of("labels", "not an object of texts")
    problems = [
        Problem(f"labels.{key[:80]}", fault)
        for key, text in body.items()
        if (fault := _fault(key, text))
    ]
    if problems:
        text = "; ".join(f"{one.field}: {one.message}" for one in problems[:20])
        raise InvalidInput(text, problems[:200])
    return body


def _fault(key: str, text: object) -> str:
    if key != " ".join(key.lower().split()) or not key:
        return "the key is not in lower case, or has spaces too many"
    if not isinstance(text, str) or not text.strip():
        return "the text is missing"
    if len(text) > MAX_TEXT or not text.isprintable():
        return f"the text has more than {MAX_TEXT} characters, or one that cannot be printed"
    return ""


def _keys(kind: str, name: str) -> Iterator[str]:
    """The keys of a name, its own spelling first, then that of the name that means the same."""
    yield " ".join(name.split()).lower()
    if kind == "event":
        yield same_event(name)
    elif kind == "item":
        # same_item() folds case more strongly than lower case does; these names have plain letters.
        yield same_item(name)


def _ranges(accept_language: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110, section 12.5.4), best first."""
    found = []
    for part in accept_language[:1000].split(",")[:MAX_RANGES]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if match := re.fullmatch(r"[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?)", parameter):
                weight = float(match[1])
        if weight > 0 and LANGUAGE.fullmatch(name):
            found.append((-weight, name.lower()))
    return [name for _, name in sorted(found, key=lambda one: one[0])]
