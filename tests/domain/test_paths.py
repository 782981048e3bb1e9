"""Paths with one reading, and templates that are matched in linear time."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.contexts import MAX_CONTEXT as LONGEST_CONTEXT
from portico.domain.errors import InvalidInput
from portico.domain.paths import (
    MAX_CONTEXT_SEGMENTS,
    Templates,
    canonical,
    contexts,
    template_problem,
)

SEGMENT = st.text("ab.-_~é ", min_size=1, max_size=4).filter(lambda text: text not in (".", ".."))
PATHS = st.lists(SEGMENT, min_size=1, max_size=10).map(lambda parts: "/" + "/".join(parts))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a",
        "/a/",
        "/a/b.c/...",
        "/a/..b/c..",
        "/a b/ü/日本",
        "/100%",
        "/a%2",
        "/a;v=1/b",
        "/a:b@c!$&'()*+,=~",
        "/\u1e69\u0323/\ufb01",
    ],
)
def test_a_path_with_one_reading_stays_as_it_is(path: str) -> None:
    assert canonical(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "*",
        "http://x/a",
        "//",
        "//a",
        "/a//b",
        "/a//",
        "/.",
        "/..",
        "/a/.",
        "/a/../b",
        "/a/./b",
        "/a/..;x=1/b",
        "/a/.;/b",
        "/a/;/b",
        "/a/..;",
        "/a%2fb",
        "/a%2Fb",
        "/%2e%2e/a",
        "/a%5cb",
        "/a%00",
        "/a%25",
        "/a%u002fb",
        "/a?b",
        "/a#b",
        "/a\uff0fb",  # full-width "/"
        "/\uff0e\uff0e/b",  # full-width "."
        "/\u2025/b",  # two dot leader
        "/a\uff05" + "2fb",  # full-width "%"
        "/\u2100",  # "a/c" in one character
        "/a\\b",
        "/a\tb",
        "/a\nb",
        "/a\x7f",
        "/a\x85b",
        "/a\ufffd",
        "/a" + chr(0xDC80),
    ],
)
def test_a_path_with_two_readings_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        canonical(path)
    assert refused.value.problems[0].field == "path"


@given(PATHS)
def test_contexts_are_prefixes_of_whole_segments_the_longest_first(path: str) -> None:
    found = contexts(path)
    segments = path[1:].split("/")
    expected = ["/" + "/".join(segments[: n + 1]) for n in range(len(segments))]
    assert list(reversed(found)) == expected[:MAX_CONTEXT_SEGMENTS]


def test_contexts_leave_out_what_no_key_could_hold() -> None:
    assert contexts("/") == ()
    assert contexts("/a/") == ("/a",)
    assert contexts("/a/" + "b" * 1000 + "/c") == ("/a",)


def test_every_context_that_may_be_published_is_looked_for() -> None:
    longest = "/" + "/".join("a" for _ in range(MAX_CONTEXT_SEGMENTS))
    assert contexts(longest + "/resource")[0] == longest
    # The version follows the context.
    wide = "/" + "a" * (LONGEST_CONTEXT - 1) + "/" + "1" * 30
    assert wide in contexts(wide + "/resource")


def first(templates: list[str], path: str) -> str | None:
    return next(Templates((each, each) for each in templates).match(path), None)


@pytest.mark.parametrize(
    ("templates", "path", "expected"),
    [
        (["/*"], "", "/*"),
        (["/*"], "/", "/*"),
        (["/*"], "/a/b", "/*"),
        (["/"], "", "/"),
        (["/"], "/a", None),
        (["/order/*"], "/order", "/order/*"),
        (["/order/*"], "/order/", "/order/*"),
        (["/order/*"], "/orders", None),
        (["/order/{id}"], "/order", None),
        (["/order/{id}"], "/order/", None),
        (["/order/{id}"], "/order/1", "/order/{id}"),
        (["/order/{id}"], "/order/1/", "/order/{id}"),
        (["/order/{id}"], "/order/1/2", None),
        (["/a/{x}", "/a/b"], "/a/b", "/a/b"),
        (["/{x}/b", "/a/{y}"], "/a/b", "/a/{y}"),
        (["/a/{x}/c", "/a/b/*"], "/a/b/c", "/a/b/*"),
        (["/a/{x}/c", "/a/b/d"], "/a/b/c", "/a/{x}/c"),
        (["/f/{n}.json", "/f/{n}"], "/f/a.json", "/f/{n}.json"),
        (["/f/{n}.json"], "/f/.json", None),
        (["/f/{a}-{b}"], "/f/x-y-z", "/f/{a}-{b}"),
        (["/f/{a}-{b}"], "/f/-y", None),
        (["/Menu"], "/menu", None),
        (["/a.c"], "/abc", None),
    ],
)
def test_the_most_specific_template_matches(
    templates: list[str], path: str, expected: str | None
) -> None:
    assert first(templates, path) == expected


def test_all_matching_templates_come_the_most_specific_first() -> None:
    order = ["/a/b", "/a/{n}.x", "/a/{n}", "/a/*", "/{p}/b", "/*"]
    found = list(Templates((each, each) for each in reversed(order)).match("/a/b"))
    assert found == ["/a/b", "/a/{n}", "/a/*", "/{p}/b", "/*"]


PIECE = st.sampled_from(["a", "b", "{x}", "{x}.a", "a{x}b", "ab"])
TEMPLATE = st.builds(
    lambda parts, rest: "/" + "/".join(parts) + ("/*" if rest else ""),
    st.lists(PIECE, min_size=1, max_size=4),
    st.booleans(),
)


def pattern(template: str) -> re.Pattern[str]:
    body = template.removesuffix("/*")
    text = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{[^}]*\})", body)
    )
    return re.compile(text + ("(/.*)?" if template.endswith("/*") else "/?"), re.DOTALL)


@given(
    st.lists(TEMPLATE, min_size=1, max_size=8, unique=True),
    st.lists(st.sampled_from(["a", "b", "ab", "aab", "c.a", "z"]), max_size=5),
)
def test_a_look_up_finds_exactly_what_the_patterns_do(
    templates: list[str], segments: list[str]
) -> None:
    path = "".join(f"/{segment}" for segment in segments)
    found = list(Templates((each, each) for each in templates).match(path))
    assert sorted(found) == sorted(each for each in templates if pattern(each).fullmatch(path))


def test_hostile_templates_and_paths_take_linear_time() -> None:
    crossing = [
        "/" + "/".join("{x}" if n >> bit & 1 else "a" for bit in range(12)) for n in range(4096)
    ]
    many = Templates((each, each) for each in crossing)
    stars = Templates([("/" + "-".join(f"{{p{n}}}" for n in range(40)), 1)])
    started = time.process_time()
    assert next(many.match("/a" * 11 + "/z"), None) is not None
    assert next(many.match("/a" * 12 + "/z"), None) is None
    assert next(stars.match("/" + "-" * 8000), None) == 1
    assert next(stars.match("/" + "a" * 8000), None) is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "template", ["/", "/*", "/a", "/a/{b}", "/a/{b}.json", "/{a}-{b}/*", "/a/", "/a:do"]
)
def test_sound_templates(template: str) -> None:
    assert template_problem(template) is None


@pytest.mark.parametrize(
    "template",
    [
        "",
        "a",
        "/a//b",
        "//",
        "/a*",
        "/*/a",
        "/a/**",
        "/{}",
        "/{a",
        "/a}",
        "/{a}{b}",
        "/{a}/{a}",
        "/{{a}}",
        "/a/../b",
        "/./*",
        "/a?b=c",
        "/a#b",
        "/a%2Fb",
        "/a\\b",
        "/a\x00",
        "/a\n",
    ],
)
def test_unsound_templates(template: str) -> None:
    assert template_problem(template)


class Counting(Templates[str]):
    """Templates that count the nodes that a look-up visits."""

    visits = 0

    def _walk(self, node: Any, segments: list[str], at: int) -> Iterator[str]:
        self.visits += 1
        return super()._walk(node, segments, at)


def test_a_look_up_does_not_depend_on_how_many_templates_there_are() -> None:
    templates = [
        template
        for number in range(2_000)
        for template in (
            f"/kind{number}",
            f"/kind{number}/{{id}}",
            f"/kind{number}/{{id}}/part",
            f"/kind{number}/{{id}}/*",
            f"/all/{{id}}.v{number}",
        )
    ]
    few, many = templates[:5], templates
    for path in ("/kind0/1/part", "/kind0/1/a/b", "/all/x.v0", "/all/x.v", "/nothing"):
        counts = []
        for which in (few, many):
            found = Counting((each, each) for each in which)
            next(found.match(path), None)
            counts.append(found.visits)
        assert counts[0] == counts[1] <= 2 * path.count("/") + 1


def test_ten_thousand_templates_are_compiled_quickly() -> None:
    started = time.process_time()
    Templates((f"/all/{{id}}.v{number}", number) for number in range(10_000))
    assert time.process_time() - started < 2
