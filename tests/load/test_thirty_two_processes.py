"""Thirty-two environments of the authorizer, each a process, against one counter in the embedded
DynamoDB: together they get the limit and not one call more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.authorizer.leases import UNSPENT
from portico.domain.windows import counter_key
from tests.conftest import REGION, Aws
from tests.load.drawing import WINDOW

PROCESSES = 32
LIMIT = 2000
START = 500_000 * WINDOW
ROOT = Path(__file__).parent.parent.parent

Round = Callable[[list[str]], list[dict[str, int]]]


@pytest.fixture(scope="module")
def fleet(aws: Aws) -> Iterator[Round]:
    """Lets all processes draw on counters at once; what each of them had."""
    command = [sys.executable, "-m", "tests.load.drawing", aws.settings.traffic_table]
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "common")])
    processes: list[subprocess.Popen[str]] = []
    with ExitStack() as stack:
        for _ in range(PROCESSES):
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            # Its standard input ends with the stack, and with that the process.
            processes.append(stack.enter_context(process))
        assert [_line(each) for each in processes] == ["ready\n"] * PROCESSES

        def run(names: list[str]) -> list[dict[str, int]]:
            for each in processes:
                assert each.stdin
                each.stdin.write(json.dumps([LIMIT, START, names]) + "\n")
                each.stdin.flush()
            return [json.loads(_line(each)) for each in processes]

        yield run
        for process in processes:
            assert process.stdin
            process.stdin.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def granted(table: str, name: str) -> int:
    client: Any = boto3.client("dynamodb", region_name=REGION)
    at = counter_key(name, WINDOW, START)
    key = {"pk": {"S": at.pk}, "sk": {"S": at.sk}}
    found = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    client.close()
    return int(found["granted"]["N"])


@pytest.mark.parametrize(
    "names",
    [["t#WINDOW#one"], ["t#WINDOW#two", "t#WINDOW#three"]],
    ids=["one counter", "two counters in one transaction"],
)
def test_together_they_get_the_limit_and_not_one_call_more(
    aws: Aws, fleet: Round, names: list[str]
) -> None:
    had = fleet(names)
    assert sum(each["passed"] for each in had) == LIMIT
    assert [granted(aws.settings.traffic_table, name) for name in names] == [LIMIT] * len(names)
    # Each was refused only when no more than a twentieth was left, all of it in others' hands.
    assert sum(each["before"] for each in had) >= LIMIT - LIMIT // UNSPENT
    assert sum(each["passed"] > 0 for each in had) > PROCESSES // 2
    assert sum(each["requests"] for each in had) < LIMIT
