"""Definition text: limits first, then JSON and YAML as plain values."""

import time
from itertools import pairwise

import pytest

from portico.domain.errors import InvalidInput, TooLarge
from portico.services.definitions import texts

LETTERS = "abcdefghij"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in pairwise(LETTERS)
)
MERGED_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 10)}]}}\n" for old, new in pairwise(LETTERS)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" \n\t", "empty", id="white-space"),
        pytest.param('{"a": 1,\n "b": }', "line 2, column 7", id="json-syntax"),
        pytest.param('{"a": 1, "a": 2}', "'a' appears twice", id="json-duplicate-key"),
        pytest.param('{"a": NaN}', "NaN", id="json-nan"),
        pytest.param('{"a": ' * 200 + "1" + "}" * 200, "100 levels", id="json-deep"),
        pytest.param('{"a":' * 100_000, "100 levels", id="json-very-deep"),
        pytest.param('{"a": ' + "9" * 5000 + "}", "not JSON", id="json-long-number"),
        pytest.param('{"a": "\\ud800"}', "surrogate", id="json-surrogate"),
        pytest.param('a: "\\ud800"', "definition", id="yaml-surrogate"),
        pytest.param("a: 1\nb:\n  - c\n d: 2", "line 4", id="yaml-syntax"),
        pytest.param("a: 1\nb: 2\na: 3", "line 3, column 1", id="yaml-duplicate-key"),
        pytest.param("a:\n\t- b", "line 2", id="yaml-tab"),
        pytest.param("a: [" * 20_000, "100 levels", id="yaml-deep"),
        pytest.param("a: &a [*a]", "not a tree", id="yaml-recursive"),
        pytest.param("a: *b", "nothing", id="yaml-unknown-alias"),
        pytest.param("? [a, b]\n: c", "a key must be text", id="yaml-key"),
        pytest.param("a: 1\n---\nb: 2", "another document", id="yaml-two-documents"),
        pytest.param("a: !!python/object/apply:os.system [x]", "line 1", id="yaml-object"),
        pytest.param("a: !!python/name:os.system", "line 1", id="yaml-name"),
        pytest.param("a: !include /etc/passwd", "line 1", id="yaml-custom-tag"),
        pytest.param("a: \x00", "not YAML", id="yaml-control-character"),
        pytest.param('{"a": 1e999}', "1e999 is too large", id="json-infinite"),
        pytest.param("a: 1e999", "1e999 is too large", id="yaml-infinite"),
        pytest.param("a: !!float .inf", "could not convert", id="yaml-float-tag"),
        pytest.param("a: !!float inf", "too large", id="yaml-inf-tag"),
        pytest.param("a: !!bool maybe", "neither true nor false", id="yaml-bool-tag"),
        pytest.param("a: !!timestamp 2001-01-01", "timestamp", id="yaml-date-tag"),
        pytest.param("a: !!binary aGk=", "binary", id="yaml-bytes-tag"),
        pytest.param("a: !!set {b, c}", "set", id="yaml-set-tag"),
        pytest.param("a: !!pairs [b: c]", "pairs", id="yaml-pairs-tag"),
        pytest.param(
            "{" + ", ".join(f'"a{n}": 0' for n in [*range(40_000), 39_999]) + "}",
            "'a39999' appears twice",
            id="json-late-duplicate-key",
        ),
    ],
)
def test_bad_text_is_refused_with_its_place(text: str, says: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InvalidInput) as refused:
        texts.load(text.encode())
    assert says in str(refused.value)
    assert refused.value.problems[0].field == "definition"
    assert time.perf_counter() - start < 2


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        texts.load(b"a: \xff")


@pytest.mark.parametrize("bomb", [BOMB, MERGED_BOMB], ids=["lists", "merges"])
def test_aliases_that_expand_without_end_are_refused_at_once(bomb: str) -> None:
    start = time.perf_counter()
    with pytest.raises(TooLarge, match="aliases expanded"):
        texts.load(bomb.encode())
    assert time.perf_counter() - start < 1


def test_a_file_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(TooLarge, match="bytes"):
        texts.load(b" " * (texts.MAX_BYTES + 1))


def test_yaml_is_read_by_the_rules_of_json() -> None:
    text = """
    date: 2026-02-30
    answer: yes
    country: NO
    flag: true
    nothing: null
    number: 12
    part: 1.5
    small: .5
    power: -1.5e-3
    time: 22:30
    postcode: 010
    hex: 0x10
    digits: 1_000
    endless: .inf
    none: .nan
    200: ok
    on: key
    base: &base {x: 1}
    more: {<<: *base, y: 2}
    """
    assert texts.load(text.encode()) == {
        "date": "2026-02-30",
        "answer": "yes",
        "country": "NO",
        "flag": True,
        "nothing": None,
        "number": 12,
        "part": 1.5,
        "small": 0.5,
        "power": -0.0015,
        "time": "22:30",
        "postcode": "010",
        "hex": "0x10",
        "digits": "1_000",
        "endless": ".inf",
        "none": ".nan",
        "200": "ok",
        "on": "key",
        "base": {"x": 1},
        "more": {"x": 1, "y": 2},
    }


def test_what_is_written_is_read_again() -> None:
    document = {"b": ["ü", 1, None, True], "a": {}}
    assert texts.load(texts.dump(document)) == document
    assert texts.load(b"\xef\xbb\xbf" + texts.dump(document)) == document
