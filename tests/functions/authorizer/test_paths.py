"""Spellings of paths: each has one answer, and none leads to a resource that another reading of it
would not. What a back end gets is compared in tests/journeys.
"""

from dataclasses import replace

import pytest

from functions.authorizer.calls import Refused
from functions.gateway.requests import target
from tests.functions.authorizer.world import PIZZA, World

ANY = "Application & Application User"
# `/open/{name}` is for everybody; `/open/secret` is not.
ROWS = [
    ["/open/{name}", "GET", "None", [], "Unlimited"],
    ["/open/secret", "GET", ANY, [], "Unlimited"],
    ["/open/{name}.json", "GET", "None", [], "Unlimited"],
    ["/menu", "GET", "None", [], "Unlimited"],
    ["/caf\u00e9/{name}", "GET", "None", [], "Unlimited"],
    ["/files/*", "GET", "None", [], "Unlimited"],
    ["/files/private/*", "GET", ANY, [], "Unlimited"],
]
OPEN = "passes"


@pytest.fixture
def world() -> World:
    found = World()
    found.source.put(replace(PIZZA, resources=ROWS))
    return found


def outcome(world: World, path: str) -> str:
    """What a call without a credential gets: a code, or that it passes."""
    try:
        world.judge(path=f"/pizza/1.0.0{path}")
    except Refused as refused:
        return refused.fault.code
    return OPEN


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # As it is; a slash at the end makes no difference to what is asked for.
        ("/menu", OPEN),
        ("/menu/", OPEN),
        ("/open/secret", "900902"),
        ("/open/secret/", "900902"),
        ("/open/Secret", OPEN),  # letters' case counts (RFC 3986 section 6.2.2.1)
        ("/files", OPEN),
        ("/files/", OPEN),
        ("/files/a/b", OPEN),
        ("/files/private", "900902"),
        ("/files/private/", "900902"),
        ("/files/private/a", "900902"),
        ("/open/a b", OPEN),
        ("/open/a+b", OPEN),
        ("/open/100%", OPEN),
        # Two readings.
        ("/open/%73ecret", "400"),
        ("/open/a%2Fb", "400"),
        ("/open/a%2fb", "400"),
        ("/open/a%3Fb", "400"),
        ("/open/a%252Fb", "400"),
        ("/open/a%u002fb", "400"),
        ("/open/a?b", "400"),
        ("/open/a#b", "400"),
        ("/open/./secret", "400"),
        ("/open/../open/secret", "400"),
        ("/files/a/..", "400"),
        ("/files/..;/private", "400"),
        ("/files/;/private", "400"),
        ("/open//secret", "400"),
        ("//open/secret", "400"),
        ("/open/secret//", "400"),
        ("/open\\secret", "400"),
        ("/open/a\x00", "400"),
        ("/open/a\r\nX: y", "400"),
        ("/open/a\ufffd", "400"),
        # Path parameters: only where it is the same resource without them.
        ("/open/a;v=1", OPEN),
        ("/open/secret;v=1", "400"),
        ("/open/a.json;v=1", "400"),
        ("/open;v=1/secret", "400"),
        ("/menu;v=1", "400"),
        ("/files/private;v=1/a", "400"),
        ("/files;v=1/private/a", "400"),
        ("/files/a;v=1/b;w=2", OPEN),
        # Unicode: code points count; what is compatible with something else must lead there too.
        ("/caf\u00e9/a", OPEN),
        ("/cafe\u0301/a", "400"),
        ("/open/cafe\u0301", OPEN),
        ("/open/\uff53ecret", "400"),
        ("/open/\u017fecret", "400"),  # a long s
        ("/files/\uff50rivate/a", "400"),
        ("/open/\u65e5\u672c\uff1f", OPEN),
        ("/files/\uff0e\uff0e/private", "400"),
        ("/files\uff0fprivate", "400"),
        ("/open/\u202esecret", OPEN),  # another text, to everybody
        # Length.
        ("/open/" + "a" * 8_000, OPEN),
        ("/open/" + "a" * 8_192, "400"),
        ("/files" + "/a" * 4_000, OPEN),
    ],
)
def test_each_spelling_has_its_answer(world: World, path: str, expected: str) -> None:
    assert outcome(world, path) == expected


@pytest.mark.parametrize(
    "path",
    ["/menu", "/menu/", "/open/a b", "/open/100%", "/open/a;v=1", "/caf\u00e9/a", "/files/a/b"],
)
def test_what_passes_goes_on_as_it_was_judged(world: World, path: str) -> None:
    """One encoding, which decodes to what the authorizer saw and to nothing else."""
    from urllib.parse import unquote, urlsplit

    decision = world.judge(path=f"/pizza/1.0.0{path}")
    assert decision["path"] == path
    sent = urlsplit("http://x" + target("http://pizza.example/v1", decision["path"], ""))
    assert unquote(sent.path) == f"/v1{path}"
    assert not sent.query


@pytest.mark.parametrize(
    "path",
    ["/pizza;x/1.0.0/menu", "/pizza/1.0.0;x/menu", "/piz\uff5aa/1.0.0/menu", "/PIZZA/1.0.0/menu"],
)
def test_a_context_has_one_spelling(world: World, path: str) -> None:
    with pytest.raises(Refused) as refused:
        world.judge(path=path)
    assert refused.value.fault.code == "404"
