"""The comparison of token servers works: each side issues a token that its key signed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from tools.bench.stand import Stand, running
from tools.bench.tokens.measuring import database_calls, over_http
from tools.bench.tokens.sides import check

MODULES = Path(__file__).resolve().parents[1] / "clients" / "node_modules"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    before = dict(os.environ)
    with running(tmp_path_factory.mktemp("bench"), "http://127.0.0.1:9") as made:
        yield made
    os.environ.clear()
    os.environ.update(before)


def test_every_side_is_measured_by_tokens_that_were_checked(stand: Stand) -> None:
    taken = over_http(stand, MODULES, rounds=1, warm_up=4, requests=8)
    assert list(taken) == ["portico", "authlib", "oidc_provider", "portico_dynamodb"]
    assert all(seconds > 0 for seconds in taken.values())


def test_a_token_with_the_signature_of_another_is_none(stand: Stand) -> None:
    one, other = stand.token().rpartition("."), stand.token(jti="other").rpartition(".")
    with pytest.raises(jwt.InvalidSignatureError):
        check(stand, json.dumps({"access_token": f"{one[0]}.{other[2]}"}))


def test_a_warm_function_reads_once_for_client_credentials_and_twice_for_a_refresh(
    stand: Stand,
) -> None:
    calls = database_calls(stand)
    for name in ("client_credentials", "client_credentials_scope"):
        assert calls[name]["reads"] <= 1
        assert calls[name]["writes"] <= 1
    assert calls["refresh_token"]["reads"] <= 2
    assert calls["refresh_token"]["writes"] <= 2
