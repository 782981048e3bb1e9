"""What the lifecycle function answers, as domain errors; a stubbed AWS client, no network."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from portico.domain import errors
from portico.domain.errors import InvalidInput, NotFound, PorticoError, Unavailable
from portico.gateway.lifecycle_function import LifecycleFunction, revived


class FakeClient:
    """Lambda's client as far as it is used."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {**self.answer, "Payload": io.BytesIO(self.answer["Payload"])}


def ask(answer: Any) -> tuple[LifecycleFunction, FakeClient]:
    client = FakeClient(answer)
    return LifecycleFunction(client, "portico-lifecycle:live"), client  # type: ignore[arg-type]


def denied(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def test_the_state_comes_back() -> None:
    function, client = ask({"Payload": b'{"ok": {"state": "Published"}}'})
    assert function.transition({"event": "Publish"}) == {"state": "Published"}
    assert client.asked[0]["FunctionName"] == "portico-lifecycle:live"
    assert json.loads(client.asked[0]["Payload"]) == {"request": "transition", "event": "Publish"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (denied("AccessDeniedException"), "nothing was changed"),
        (denied("TooManyRequestsException"), "did not answer"),
        (ReadTimeoutError(endpoint_url="https://lambda"), "did not answer"),
        ({"Payload": b"not json"}, "did not answer"),
        ({"Payload": b"null"}, "failed"),
        ({"Payload": b'{"errorMessage": "secret"}', "FunctionError": "Unhandled"}, "failed"),
    ],
)
def test_what_is_no_answer_is_unavailable(answer: Any, says: str) -> None:
    function, _ = ask(answer)
    with pytest.raises(Unavailable, match=says) as raised:
        function.transition({})
    assert "secret" not in str(raised.value)


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PorticoError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_error_comes_back_as_itself(kind: type[PorticoError]) -> None:
    error = revived({"type": kind.__name__, "message": "why", "problems": []})
    assert type(error) is kind
    assert str(error) == "why"


def test_problems_come_back_with_their_fields() -> None:
    error = revived({"type": "InvalidInput", "message": "m", "problems": [["policies", "none"]]})
    assert isinstance(error, InvalidInput)
    assert [(one.field, one.message) for one in error.problems] == [("policies", "none")]


@pytest.mark.parametrize("name", ["Nonsense", "Problem", "dataclass", ""])
def test_an_unknown_error_is_unavailable(name: str) -> None:
    assert isinstance(revived({"type": name, "message": "m"}), Unavailable)


def test_a_refusal_is_raised() -> None:
    body = {"error": {"type": "NotFound", "message": "API 'x' was not found", "problems": []}}
    function, _ = ask({"Payload": json.dumps(body).encode()})
    with pytest.raises(NotFound, match="'x'"):
        function.transition({})


@pytest.mark.parametrize("answer", [{"Payload": b""}, denied("AccessDeniedException")])
def test_asking_for_the_outbox_never_fails(answer: Any) -> None:
    function, client = ask(answer)
    function.work_outbox()
    assert client.asked[0]["InvocationType"] == "Event"
