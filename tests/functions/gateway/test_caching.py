"""Kept answers: never stale, never somebody else's, never more than there is room for."""

import base64
import json
import socket
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from functions.gateway.answers import Answer
from functions.gateway.caching import Asked, Cache
from tests.functions.gateway.backend import Backend, running
from tests.functions.gateway.planned import Shop, one


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


@pytest.fixture
def shop(backend: Backend) -> Iterator[Shop]:
    shop = Shop()
    shop.create(
        endpointConfig=one(backend.url, sandbox_endpoints={"url": backend.url}),
        responseCachingEnabled=True,
        cacheTimeout=60,
        operations=[
            {"target": "/*", "verb": verb}
            for verb in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
        ],
    )
    shop.deploy()
    says(backend)
    yield shop
    shop.close()


def says(backend: Backend, *headers: str, status: str = "200 OK") -> None:
    """Each answer has the number of the request in it."""

    def behave(connection: socket.socket, _request: bytes) -> None:
        body = b"%d" % len(backend.requests)
        lines = ["", *headers, "Content-Type: text/plain", f"Content-Length: {len(body)}"]
        connection.sendall(f"HTTP/1.1 {status}".encode() + "\r\n".join(lines).encode())
        connection.sendall(b"\r\n\r\n" + body)

    backend.behave = behave


def assertion(**claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'ES256'})}.{part(claims)}.{part(claims)}"


def test_an_answer_is_kept_for_its_time(shop: Shop, backend: Backend) -> None:
    assert [shop.call().body for _ in range(3)] == ["1"] * 3
    shop.clock.pass_by(59)
    kept = shop.call()
    assert (kept.body, kept.headers["age"]) == ("1", "59")
    shop.clock.pass_by(1)
    assert shop.call().body == "2"
    assert len(backend.requests) == 2


def test_without_the_switch_nothing_is_kept(shop: Shop, backend: Backend) -> None:
    shop.update(responseCachingEnabled=False)
    shop.deploy()
    shop.world.clock.pass_by(10)
    assert [shop.call().body for _ in range(2)] == ["1", "2"]


@pytest.mark.parametrize(
    "call",
    [
        {"path": "/other"},
        {"query": "a=2"},
        {"method": "HEAD"},
        {"headers": {"accept": "text/csv"}},
        {"headers": {"accept-language": "de"}},
        {"headers": {"accept-encoding": "gzip"}},
        {"headers": {"cookie": "session=2"}},
        {"jwt": assertion(sub="joe")},
        {"sandbox": "true"},
        {"revision": "another"},
    ],
    ids=lambda call: next(iter(call.items()))[0] + str(next(iter(call.items()))[1])[:20],
)
def test_another_question_has_another_answer(
    shop: Shop, backend: Backend, call: dict[str, Any]
) -> None:
    if "revision" in call:
        plan = shop.plans.of(shop.decide("GET", "/menu"))
        assert plan
        shop.plans._ready.put(("carbon.super", "another"), plan, float("inf"))
    shop.call(jwt=assertion(sub="jane"))
    shop.call(**{"jwt": assertion(sub="jane"), **call})
    assert len(backend.requests) == 2


def test_the_same_caller_is_known_by_a_later_assertion(shop: Shop, backend: Backend) -> None:
    for exp in (1, 2):
        shop.call(jwt=assertion(sub="jane", exp=exp, iat=exp, jti=f"{exp}"))
    assert len(backend.requests) == 1


def test_a_passed_on_token_is_part_of_the_question(shop: Shop, backend: Backend) -> None:
    for token in "ab":
        shop.call(headers={"authorization": token}, pass_authorization="true")
    assert len(backend.requests) == 2


@pytest.mark.parametrize("directive", ["public", "s-maxage=30", "public, max-age=30"])
def test_what_is_everybodys_is_given_to_everybody(
    shop: Shop, backend: Backend, directive: str
) -> None:
    says(backend, f"Cache-Control: {directive}")
    assert {shop.call(jwt=assertion(sub=name)).body for name in ("jane", "joe")} == {"1"}


@pytest.mark.parametrize(
    "headers",
    [
        ["Cache-Control: no-store"],
        ["Cache-Control: private, max-age=60"],
        ["Cache-Control: No-Cache"],
        ["Cache-Control: max-age=0"],
        ["Cache-Control: s-maxage=0, max-age=60"],
        ["Cache-Control: max-age=60", "Age: 60"],
        ["Cache-Control: max-age=nonsense"],
        ["Expires: 0"],
        [f"Expires: {formatdate(0, usegmt=True)}"],
        ["Vary: *"],
        ["Vary: accept, *"],
        ["Set-Cookie: a=1"],
    ],
    ids=str,
)
def test_what_may_not_be_kept_is_not(shop: Shop, backend: Backend, headers: list[str]) -> None:
    says(backend, *headers)
    assert [shop.call().body for _ in range(2)] == ["1", "2"]


@pytest.mark.parametrize("status", ["404 No", "500 Oops", "301 Moved", "203 Other", "206 Part"])
def test_only_200_is_kept(shop: Shop, backend: Backend, status: str) -> None:
    says(backend, status=status)
    assert [shop.call().body for _ in range(2)] == ["1", "2"]


def test_a_shorter_life_of_the_back_ends_own_counts(shop: Shop, backend: Backend) -> None:
    says(backend, "Cache-Control: max-age=10", "Age: 4")
    shop.call()
    shop.clock.pass_by(5)
    assert shop.call().headers["age"] == "9"
    shop.clock.pass_by(1)
    assert shop.call().body == "2"


def test_a_longer_one_does_not(shop: Shop, backend: Backend) -> None:
    says(backend, "Cache-Control: max-age=9999")
    shop.call()
    shop.clock.pass_by(60)
    assert shop.call().body == "2"


def test_vary_tells_answers_apart(shop: Shop, backend: Backend) -> None:
    says(backend, "Vary: X-Colour", "Cache-Control: public")
    colours = ["red", "blue", "red", "blue", ""]
    assert [shop.call(headers={"x-colour": one}).body for one in colours] == list("12123")


@pytest.mark.parametrize("named", ["Authorization", "Cookie", "X-JWT-Assertion"])
def test_what_varies_by_the_caller_is_the_callers_even_if_public(
    shop: Shop, backend: Backend, named: str
) -> None:
    says(backend, f"Vary: {named}", "Cache-Control: public")
    names = ["jane", "joe", "jane"]
    assert [shop.call(jwt=assertion(sub=one)).body for one in names] == list("121")


@pytest.mark.parametrize(
    ("headers", "bodies"),
    [
        ({"cache-control": "no-cache"}, "122"),  # a new one, which is kept
        ({"cache-control": "no-store"}, "121"),
        ({"range": "bytes=0-1"}, "121"),
    ],
)
def test_a_caller_may_ask_for_a_fresh_one(
    shop: Shop, backend: Backend, headers: dict[str, str], bodies: str
) -> None:
    calls: list[dict[str, str]] = [{}, headers, {}]
    assert [shop.call(headers=one).body for one in calls] == list(bodies)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_change_makes_what_was_kept_of_the_path_stale(
    shop: Shop, backend: Backend, method: str
) -> None:
    assert [shop.call(query=query).body for query in ("", "a=1", "a=1")] == list("122")
    shop.call(path="/other")
    shop.call(method)
    assert [shop.call(query=query).body for query in ("", "a=1")] == list("56")
    assert shop.call(path="/other").body == "3"


def test_a_refused_change_changes_nothing(shop: Shop, backend: Backend) -> None:
    shop.call()
    says(backend, status="409 No")
    shop.call("POST")
    assert shop.call().body == "1"


# --- bounded ---


def question(name: str) -> Asked:
    return Asked(("t", "r", "", name), "GET", "", (), "jane", {}, fresh=False, kept=True)


def test_memory_is_bounded() -> None:
    cache = Cache(lambda: 0.0, max_bytes=100_000)
    for number in range(1000):
        cache.keep(question(f"/{number}"), Answer(200, {}, [], "x" * 4000, False), 60)
        assert cache.bytes <= 100_000
    assert 15 < len(cache) < 25
    assert cache.find(question("/999"))
    assert cache.find(question("/0")) is None


def test_one_large_answer_is_not_kept() -> None:
    cache = Cache(lambda: 0.0)
    cache.keep(question("/"), Answer(200, {}, [], "x" * 2_000_000, False), 60)
    assert (cache.bytes, len(cache)) == (0, 0)


def test_variants_are_bounded() -> None:
    cache = Cache(lambda: 0.0)
    answer = Answer(200, {"vary": "x-a"}, [], "x", False)
    for number in range(100):
        asked = Asked(("t", "r", "", "/"), "GET", "", (), "", {"x-a": f"{number}"}, False, True)
        cache.keep(asked, answer, 60)
    assert cache.bytes < 10_000
    assert len(cache) == 1
