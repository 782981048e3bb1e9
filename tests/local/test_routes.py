"""Which route a call takes, as API Gateway documents it."""

import pytest

from tools.local.routes import Routes

KEYS = [
    "$default",
    "ANY /{proxy+}",
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /pets/dog/{id}",
    "ANY /oauth2/{proxy+}",
    "ANY /t/{tenant}/oauth2/{proxy+}",
    "ANY /token",
]


@pytest.mark.parametrize(
    ("method", "path", "key", "variables"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("POST", "/pets/dog/2", "ANY /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/pets/5", "ANY /{proxy+}", {"proxy": "pets/5"}),
        ("POST", "/token", "ANY /token", {}),
        ("POST", "/token/", "ANY /{proxy+}", {"proxy": "token/"}),
        ("POST", "/oauth2/token", "ANY /oauth2/{proxy+}", {"proxy": "token"}),
        (
            "POST",
            "/t/acme.com/oauth2/token",
            "ANY /t/{tenant}/oauth2/{proxy+}",
            {"tenant": "acme.com", "proxy": "token"},
        ),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_takes_the_call(
    method: str, path: str, key: str, variables: dict[str, str]
) -> None:
    matched = Routes({"RouteKey": known} for known in KEYS).match(method, path)
    assert matched is not None
    assert (matched[0].key, matched[1]) == (key, variables)


def test_without_a_default_route_an_unknown_path_matches_nothing() -> None:
    assert Routes([{"RouteKey": "GET /a"}]).match("GET", "/b") is None
    assert Routes([{"RouteKey": "GET /a"}]).match("POST", "/a") is None
