"""docs/lifecycles.md says what the code does: its codes, states and attributes are all there."""

import ast
import re
from pathlib import Path

from portico.domain.behaviour import STANDARD, Access
from portico.lifecycle import scxml
from portico.lifecycle.draft import FLAGS

PACKAGE = Path(scxml.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "lifecycles.md").read_text()
NOTED_BY = {"wrong", "odd", "note", "error", "warning", "_unique"}


def codes() -> set[str]:
    """The codes of all findings: the second argument of what notes one."""
    found = set()
    for path in PACKAGE.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or len(call.args) < 2:
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            code = call.args[1]
            if name in NOTED_BY and isinstance(code, ast.Constant):
                found.add(str(code.value))
    return found


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_code_is_explained_and_no_other() -> None:
    explained = {code for row in rows("What is checked") for code in re.findall("`(.+?)`", row[0])}

    assert len(codes()) > 20
    assert explained == codes()


def test_the_table_of_states_is_that_of_the_code() -> None:
    table = {row[0]: row for row in rows("What a state means")}
    gateway = {
        Access.NONE: "404",
        Access.OPEN: "without token",
        Access.TOKEN: "with token",
        Access.BLOCKED: "503 700700",
    }
    for state, means in STANDARD.items():
        _, listed, answer, existing, new = table[state]
        assert listed.startswith("yes") == means.listed
        assert ("subscribers find it" in listed) == means.kept_in_sight
        assert answer.startswith(gateway[Access(means.access)])
        assert ("`Deprecation`" in answer) == means.deprecated
        assert (existing == "stay") == means.keeps_subscriptions
        assert (new == "yes") == means.subscribable


def test_every_attribute_of_behaviour_is_explained() -> None:
    explained = {row[0].strip("`") for row in rows("What a state means")}

    assert {*FLAGS, "access"} <= explained
