"""Claims as headers: safe values, whatever a user's claims hold."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.claims import CLAIMS, DIALECT
from portico.domain.user import User
from portico.services.claim_headers import MAX_VALUE, claim_headers

COUNTRY = f"{DIALECT}/country"


def header(value: str) -> str | None:
    user = User(tenant="t", name="jane", id="1", password="", claims={COUNTRY: value})
    return claim_headers(user, [COUNTRY]).get("Country")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("France", "France"),
        ("Côte d'Ivoire", "UTF-8''C%C3%B4te%20d%27Ivoire"),
        ("a\r\nSet-Cookie: x=1", "a Set-Cookie: x=1"),
        ("a\x00b\x7fc\x85d", "a b c d"),
        ("  spaces  ", "spaces"),
        ("UTF-8''%41", "UTF-8''UTF-8%27%27%2541"),
        ("utf-8''x", "UTF-8''utf-8%27%27x"),
        ("\r\n", None),
        ("", None),
        ("x" * (MAX_VALUE + 1), None),
        ("x" * MAX_VALUE, "x" * MAX_VALUE),
        ("half \ud800", "UTF-8''half%20%3F"),
    ],
)
def test_a_value_is_safe_and_what_is_not_ascii_is_as_rfc_8187_has_it(
    value: str, sent: str | None
) -> None:
    assert header(value) == sent


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_value_breaks_a_header_and_text_comes_back(value: str) -> None:
    sent = header(value) or ""

    assert all(" " <= letter <= "~" for letter in sent)
    if value.isprintable() and value.strip() == value:
        ours = sent.startswith("UTF-8''")
        assert (unquote(sent.removeprefix("UTF-8''")) if ours else sent) == value


def test_headers_are_named_by_the_claims_display_tag() -> None:
    user = User(
        tenant="t",
        name="jane",
        id="1",
        password="",
        email="jane@example.org",
        given_name="Jane",
        claims={f"{DIALECT}/addresses": "1 High Street"},
    )
    uris = [f"{DIALECT}/{name}" for name in ("emailaddress", "givenname", "addresses")]

    assert claim_headers(user, uris) == {
        "Email": "jane@example.org",
        "First-Name": "Jane",
        "Address": "1 High Street",
    }


def test_an_address_in_parts_is_a_whole_one() -> None:
    parts = {"streetaddress": "1 High Street", "locality": "York", "country": "UK"}
    whole = {"addresses.formatted": "Two\nlines"}

    def header_of(claims: dict[str, str]) -> str:
        given = {f"{DIALECT}/{name}": value for name, value in claims.items()}
        user = User(tenant="t", name="jane", id="1", password="", claims=given)
        return claim_headers(user, [f"{DIALECT}/addresses"]).get("Address", "")

    assert header_of(parts) == "1 High Street, York, UK"
    assert header_of({**parts, **whole}) == "Two lines"
    assert header_of({**parts, **whole, "addresses": "As given"}) == "As given"
    assert header_of({}) == ""


def test_no_claim_takes_the_place_of_a_header_that_means_something_else() -> None:
    meaning = {"content-type", "cache-control", "pragma", "location", "set-cookie", "link", "date"}

    names = [claim.header.lower() for claim in CLAIMS.values()]

    assert not meaning & set(names)
    assert all(name.replace("-", "").isalnum() and name.isascii() for name in names)
