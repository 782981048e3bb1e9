"""Answers of prototypes without a back end: the examples of their definition, as deployed."""

from collections.abc import Callable, Mapping
from typing import Any

from portico.domain.gateway import MockAnswers
from portico.storage.readmodel import ReadModel, key


class Mocks:
    """Reads the answers of a revision from the Gateway table, each for a while."""

    def __init__(self, model: Callable[[], ReadModel]) -> None:
        self._model = model

    def answer(self, decision: Mapping[str, Any]) -> tuple[int, dict[str, str], str] | None:
        """Status, headers and body; None without an example. Raises Unavailable.

        The decision's `mock` is the operation as the definition names it: `GET /menu/{item}`.
        """
        wanted = key(
            MockAnswers, tenant=str(decision["tenant"]), revision_id=str(decision["revision"])
        )
        found = self._model().view().get(wanted)
        answer = found.answers.get(str(decision["mock"])) if found else None
        if answer is None:
            return None
        status, kind, body = answer
        return int(status), {"content-type": kind} if kind else {}, str(body)
