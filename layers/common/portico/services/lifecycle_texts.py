"""The texts of a life cycle as somebody gives them: document and labels, judged and put into the
form in which they are kept.
"""

import codecs
import json
import re
from contextlib import suppress

from portico.domain.errors import InvalidInput, Problem
from portico.lifecycle import scxml
from portico.lifecycle.labels import LANGUAGE, Texts
from portico.lifecycle.labels import read as read_labels
from portico.lifecycle.model import LifeCycle
from portico.lifecycle.validation import Report

MAX_LANGUAGES = 20
_ENCODING = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"']")


def sound(report: Report) -> LifeCycle:
    """The life cycle of a document without errors; InvalidInput with all of them."""
    if report.errors or report.lifecycle is None:
        problems = [
            Problem(f"line {one.line}" if one.line else "document", one.message)
            for one in report.errors
        ]
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
        raise InvalidInput(f"The life cycle is not valid: {text}", problems)
    return report.lifecycle


def as_scxml(content: bytes, lifecycle: LifeCycle) -> str:
    """The document as it was given, comments and all, if it is SCXML in UTF-8; else rewritten."""
    plain = content.removeprefix(codecs.BOM_UTF8)
    declared = _ENCODING.match(plain)
    if plain.lstrip().startswith(b"<") and (not declared or declared[1].lower() == b"utf-8"):
        with suppress(UnicodeDecodeError):
            return plain.decode()
    return scxml.write(lifecycle).decode()


def check_labels(texts: Texts) -> None:
    """Raises InvalidInput naming everything that labels may not be, or TooLarge."""
    problems = []
    if len(texts) > MAX_LANGUAGES:
        problems.append(Problem("labels", f"at most {MAX_LANGUAGES} languages"))
    for language, keys in list(texts.items())[:MAX_LANGUAGES]:
        if not LANGUAGE.fullmatch(language):
            problems.append(Problem(f"labels.{language[:20]}", "not a language as 'en' or 'pt-BR'"))
        try:
            read_labels(json.dumps(keys).encode())
        except InvalidInput as exc:
            problems += [
                Problem(one.field.replace("labels", f"labels.{language[:20]}", 1), one.message)
                for one in exc.problems
            ]
    if problems:
        text = "; ".join(f"{one.field}: {one.message}" for one in problems[:5])
        raise InvalidInput(text, problems[:200])


def labels_text(texts: Texts) -> str:
    """Labels as the JSON that people edit."""
    return json.dumps(texts, ensure_ascii=False, indent=2, sort_keys=True)
