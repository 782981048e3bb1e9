"""What is wrong with a life-cycle document, and where. Collected, so that a person sees everything
at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portico.domain.errors import InvalidInput, Problem

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing wrong. `line` counts from 1 (0: the whole document); `subject` is the state, event,
    class or box that it is about.
    """

    line: int
    severity: str  # error | warning
    code: str
    message: str
    subject: str = ""


def error(line: int, code: str, message: str, subject: str = "") -> Finding:
    """A finding that keeps the document from being used."""
    return Finding(line, ERROR, code, message, subject)


def warning(line: int, code: str, message: str, subject: str = "") -> Finding:
    """A finding that a person should know about."""
    return Finding(line, WARNING, code, message, subject)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise InvalidInput with all errors among the findings, if there are any."""
    texts = [
        f"line {found.line}: {found.message}" if found.line else found.message
        for found in findings
        if found.severity == ERROR
    ]
    if texts:
        raise InvalidInput(
            f"lifecycle: {'; '.join(texts)}", [Problem("lifecycle", text) for text in texts]
        )
