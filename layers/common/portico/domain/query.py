"""The search language of WSO2's REST APIs: words with optional prefixes; all must match."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from portico.domain.api import ApiCard
from portico.domain.errors import InvalidInput

MAX_QUERY = 1000  # characters
_TERM = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))')

# What each prefix looks at.
FIELDS: Mapping[str, Callable[[ApiCard], Iterable[str]]] = {
    "name": lambda card: (card.name,),
    "version": lambda card: (card.version,),
    "context": lambda card: (card.context,),
    "provider": lambda card: (card.provider,),
    "description": lambda card: (card.description,),
    "status": lambda card: (card.state,),
    "lcState": lambda card: (card.state,),
    "tag": lambda card: card.tags,
    "tags": lambda card: card.tags,
    "type": lambda card: ("HTTP",),
    "": lambda card: (card.name, card.description, card.context, *card.tags),
}
WHOLE = (
    "tag",
    "tags",
    "status",
    "lcState",
    "type",
)  # fields of fixed words: a part of one is no match


@dataclass(frozen=True)
class Term:
    """One word to look for, in lower case: a part of the field, or all of it when `exact`."""

    prefix: str
    word: str
    exact: bool = False

    def matches(self, card: ApiCard) -> bool:
        """Whether one of the values of the field has the word; `*` stands for any text."""
        return any(self._fits(value.lower()) for value in FIELDS[self.prefix](card))

    def _fits(self, value: str) -> bool:
        if self.exact:
            return value == self.word
        # "[" and "?" mean themselves: only "*" is a wildcard of this language.
        pattern = re.sub(r"([\[?])", r"[\1]", self.word)
        return fnmatchcase(value, pattern if self.prefix in WHOLE else f"*{pattern}*")


@dataclass(frozen=True)
class Query:
    """A whole search; no terms match everything."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Query":
        """`name:pizza tag:food "exact words"`; InvalidInput for an unknown prefix or a text without
        end.
        """
        if len(text) > MAX_QUERY:
            raise InvalidInput.of("query", f"is longer than {MAX_QUERY} characters")
        terms = []
        for prefix, quoted, plain in _TERM.findall(text):
            if prefix not in FIELDS:
                known = ", ".join(sorted(name for name in FIELDS if name))
                raise InvalidInput.of("query", f"unknown prefix '{prefix}'; known are {known}")
            terms.append(Term(prefix, (quoted or plain).lower(), bool(quoted)))
        return cls(tuple(terms))

    def matches(self, card: ApiCard) -> bool:
        """Whether all terms match."""
        return all(term.matches(card) for term in self.terms)
