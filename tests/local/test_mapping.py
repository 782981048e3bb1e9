"""Parameter mapping of pass-through integrations."""

import pytest

from tools.local.mapping import MappingRefused, Outgoing, apply

VALUES = {
    "context.authorizer.jwt": "signed",
    "context.authorizer.empty": "",
    "request.path.proxy": "a/b",
    "request.header.x-a": "1",
}


def mapped(parameters: dict[str, str], **out: list[tuple[str, str]]) -> Outgoing:
    outgoing = Outgoing(**out)  # type: ignore[arg-type]
    apply(parameters, outgoing, VALUES.get)
    return outgoing


def test_overwrite_replaces_what_the_client_sent_whatever_its_case() -> None:
    out = mapped(
        {"overwrite:header.X-JWT-Assertion": "$context.authorizer.jwt"},
        headers=[("x-jwt-assertion", "forged"), ("A", "1"), ("X-Jwt-Assertion", "again")],
    )
    assert out.headers == [("A", "1"), ("X-JWT-Assertion", "signed")]


def test_overwriting_with_nothing_leaves_the_clients_value() -> None:
    out = mapped({"overwrite:header.X": "$context.authorizer.empty"}, headers=[("X", "client's")])
    assert out.headers == [("X", "client's")]


def test_append_and_remove() -> None:
    out = mapped(
        {
            "append:header.X": "2",
            "remove:header.Y": "''",
            "append:querystring.q": "$request.header.x-a",
        },
        headers=[("X", "1"), ("y", "1")],
        query=[("q", "0")],
    )
    assert out.headers == [("X", "1"), ("X", "2")]
    assert out.query == [("q", "0"), ("q", "1")]


def test_a_value_may_mix_text_and_variables() -> None:
    assert mapped({"overwrite:path": "/v1/${request.path.proxy}/x"}).path == "/v1/a/b/x"
    assert mapped({"overwrite:path": "/v1/$request.path.proxy"}).path == "/v1/a/b"


@pytest.mark.parametrize("name", ["Authorization", "x-amzn-trace-id", "Via", "Transfer-Encoding"])
def test_reserved_headers_cannot_be_mapped(name: str) -> None:
    with pytest.raises(MappingRefused):
        mapped({f"overwrite:header.{name}": "x"})
    with pytest.raises(MappingRefused):
        mapped({f"remove:header.{name}": "''"})
