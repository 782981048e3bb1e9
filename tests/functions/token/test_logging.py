"""What the function's log tells of calls: those that fail; the access log tells of all."""

import logging
from collections.abc import Iterator

import pytest

from functions.token import handler as function
from tests.functions.token.conftest import Server


class Lines(logging.Handler):
    """Keeps the messages, with the path and status that belong to them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        path, status = getattr(record, "path", ""), getattr(record, "status", 0)
        self.told.append((record.getMessage(), path, status))


@pytest.fixture
def lines() -> Iterator[Lines]:
    kept = Lines()
    log = logging.getLogger(function.logger.name)
    log.addHandler(kept)
    before = log.level
    log.setLevel(logging.INFO)
    yield kept
    log.setLevel(before)
    log.removeHandler(kept)


def test_a_call_that_fails_is_logged_with_path_and_status(server: Server, lines: Lines) -> None:
    server.token({"grant_type": "client_credentials"}, basic=("nobody", "wrong"))
    assert ("answered", "/oauth2/token", 401) in lines.told


def test_a_call_that_succeeds_is_left_to_the_access_log(server: Server, lines: Lines) -> None:
    _, basic = server.client("logged", owner="jane")
    answered = server.token({"grant_type": "client_credentials"}, basic=basic)
    assert answered.status == 200
    assert lines.told == []
