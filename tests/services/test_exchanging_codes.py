"""Exchanging authorization codes: RFC 6749 section 4.1.3, RFC 7636 and RFC 9700 as a table."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from portico.domain.application import Client
from portico.domain.authorization import Code, SignIn
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.gateway import Revocation
from portico.domain.records import Create, Discard, Put, Replace
from portico.domain.user import RefreshToken, TokenFamily
from portico.services.clients import digest
from portico.services.exchanging_codes import ExchangingCodes, challenge_of
from portico.services.families import user_ended
from portico.services.issuing import InvalidGrant, Issued
from portico.tokens.jwt import verify
from tests.services.test_issuing import TENANT, Site, public

HOME = "https://app.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


class Exchange(Site):
    """A site with a client that may use codes, and codes of Jane's."""

    def __init__(self, *grants: str) -> None:
        super().__init__()
        self.exchanging = ExchangingCodes(self.records, self.clock, self.issuing)
        self.app = self.app_of("app", *(grants or ("authorization_code", "refresh_token")))

    def app_of(self, name: str, *grants: str) -> Client:
        made = self.make_client(name, redirect_uris=[HOME])
        client = replace(made, grant_types=grants)
        self.records.commit(Put(client))
        return client

    def code(self, text: str = "code-1", **more: Any) -> str:
        fields: dict[str, Any] = {
            "client_id": self.app.client_id,
            "user": "jane",
            "user_id": "1",
            "scopes": ("openid", "email"),
            "redirect_uri": HOME,
            "stated": True,
            "family": "family-1",
            "sign_in": SignIn(at=int(self.clock.now()) - 9, nonce="n-1", methods=("pwd",), sid="s"),
            "expires": int(self.clock.now()) + 300,
            "challenge": challenge_of(VERIFIER),
        }
        self.records.commit(
            Put(Code(tenant=TENANT, digest=digest(text), **{**fields, **more})),
        )
        return text

    def give(self, client: Client | None = None, **sent: str) -> Issued:
        """An exchange with all that it needs, but for what is `sent` otherwise."""
        sent = {"text": "code-1", "redirect_uri": HOME, "verifier": VERIFIER, **sent}
        return self.exchanging.exchange(
            client or self.app,
            sent["text"],
            redirect_uri=sent["redirect_uri"],
            verifier=sent["verifier"],
        )

    def stored(self, text: str = "code-1") -> Code:
        found = self.records.get(Code, tenant=TENANT, digest=digest(text))
        assert found is not None
        return found

    def holds(self, token: str) -> bool:
        return bool(self.revoking.inspect(token)["active"])


@pytest.fixture
def site() -> Exchange:
    return Exchange()


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    assert challenge_of(VERIFIER) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_gives_tokens_of_its_user_client_scopes_and_family(site: Exchange) -> None:
    site.code()

    issued = site.give()

    claims = site.claims(issued.access_token)
    assert (claims["sub"], claims["fam"], claims["scope"]) == (
        "jane@carbon.super",
        "family-1",
        "openid email",
    )
    assert issued.refresh_token
    assert site.stored().used


def test_an_id_token_tells_sign_in_nonce_and_the_hash_of_the_access_token(site: Exchange) -> None:
    """OpenID Connect Core sections 2, 3.1.3.6 and 3.1.3.7."""
    site.records.commit(Replace(replace(site.jane, stamp=1, email="jane@mail.example")))
    site.code()

    issued = site.give()

    token = verify(issued.id_token, public(), now=site.clock.now(), typ="JWT")
    half = hashlib.sha256(issued.access_token.encode()).digest()[:16]
    now = int(site.clock.now())
    assert token == {
        "iss": "https://gw.example/oauth2/token",
        "sub": "jane@carbon.super",
        "aud": site.app.client_id,
        "azp": site.app.client_id,
        "iat": now,
        "exp": now + 3600,
        "auth_time": now - 9,
        "nonce": "n-1",
        "amr": ["pwd"],
        "sid": "s",
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        "email": "jane@mail.example",
    }


def test_without_openid_there_is_no_id_token(site: Exchange) -> None:
    site.code(scopes=("email",))

    assert site.give().id_token == ""


def test_the_claims_parameter_asks_for_claims_one_by_one(site: Exchange) -> None:
    """OpenID Connect Core section 5.5: for the id_token, and for the userinfo endpoint."""
    site.records.commit(
        Replace(replace(site.jane, stamp=1, given_name="Jane", email="j@x.example"))
    )
    asked = {
        "id_token": {"given_name": {"essential": True}, "sub": {"value": "admin"}, "iss": None},
        "userinfo": {"email": None, "unheard_of": None},
    }
    site.code(scopes=("openid",), claims=asked)

    issued = site.give()

    token = verify(issued.id_token, public(), now=site.clock.now(), typ="JWT")
    assert (token["given_name"], token["sub"]) == ("Jane", "jane@carbon.super")
    assert token["iss"] == "https://gw.example/oauth2/token"
    assert "email" not in token
    assert site.claims(issued.access_token)["userinfo"] == ["email"]
    again = site.issuing.refreshed(site.app, issued.refresh_token, [])
    assert site.claims(again.access_token)["userinfo"] == ["email"]


def test_a_code_is_used_up_by_its_first_use(site: Exchange) -> None:
    site.code()
    site.give()

    with pytest.raises(InvalidGrant, match="used before"):
        site.give()


@pytest.mark.parametrize(
    "grants", [("authorization_code", "refresh_token"), ("authorization_code",)]
)
def test_a_replayed_code_revokes_what_it_gave(grants: tuple[str, ...]) -> None:
    """RFC 6749 section 4.1.2, RFC 9700 section 2.1.1; also without a refresh token."""
    site = Exchange(*grants)
    site.code()
    issued = site.give()
    assert site.holds(issued.access_token)

    for _ in range(3):
        with pytest.raises(InvalidGrant):
            site.give()

    assert not site.holds(issued.access_token)
    if issued.refresh_token:
        with pytest.raises(InvalidGrant, match="revoked"):
            site.issuing.refreshed(site.app, issued.refresh_token, [])


@pytest.mark.parametrize(
    "sent", [{"verifier": ""}, {"redirect_uri": ""}, {"verifier": "x" * 43}], ids=str
)
def test_a_replay_need_not_be_a_good_one_to_revoke(site: Exchange, sent: dict[str, str]) -> None:
    site.code()
    issued = site.give()

    with pytest.raises(InvalidGrant):
        site.give(None, **sent)

    assert not site.holds(issued.access_token)


def test_a_replay_after_the_codes_end_still_revokes(site: Exchange) -> None:
    site.code()
    issued = site.give()
    site.clock.pass_by(301)

    with pytest.raises(InvalidGrant, match="used before"):
        site.give()

    assert not site.holds(issued.access_token)


OTHER = "https://app.example/other"
REFUSED: dict[str, tuple[dict[str, Any], dict[str, str], type[PorticoError]]] = {
    "unknown": ({}, {"text": "code-2"}, InvalidGrant),
    "not its digest": ({}, {"text": digest("code-1")}, InvalidGrant),
    "of another client": ({"client_id": "another"}, {}, InvalidGrant),
    "expired": ({"expires": 1_800_000_000}, {}, InvalidGrant),
    "of a former user": ({"user_id": "0"}, {}, InvalidGrant),
    "of nobody": ({"user": "joe"}, {}, InvalidGrant),
    "redirect_uri missing": ({}, {"redirect_uri": ""}, InvalidGrant),
    "redirect_uri another": ({}, {"redirect_uri": OTHER}, InvalidGrant),
    "redirect_uri longer": ({}, {"redirect_uri": HOME + "/"}, InvalidGrant),
    "redirect_uri upper case": ({}, {"redirect_uri": HOME.upper()}, InvalidGrant),
    "redirect_uri unstated, another": ({"stated": False}, {"redirect_uri": OTHER}, InvalidGrant),
    "verifier missing": ({}, {"verifier": ""}, InvalidGrant),
    "verifier another": ({}, {"verifier": VERIFIER[::-1]}, InvalidGrant),
    "verifier is the challenge": ({}, {"verifier": challenge_of(VERIFIER)}, InvalidGrant),
    "verifier too short": ({}, {"verifier": "x" * 42}, InvalidInput),
    "verifier too long": ({}, {"verifier": "x" * 129}, InvalidInput),
    "verifier of other letters": ({}, {"verifier": "ä" * 43}, InvalidInput),
    "verifier with a line end": ({}, {"verifier": VERIFIER + "\n"}, InvalidInput),
    # RFC 9700 section 4.8.2
    "verifier without challenge": ({"challenge": ""}, {}, InvalidGrant),
}


@pytest.mark.parametrize(("made", "sent", "error"), REFUSED.values(), ids=REFUSED)
def test_a_refused_exchange_changes_nothing(
    site: Exchange, made: dict[str, Any], sent: dict[str, str], error: type[PorticoError]
) -> None:
    site.code(**made)
    before = dict(site.records.items)

    with pytest.raises(error):
        site.give(None, **sent)

    assert site.records.items == before
    assert not site.stored().used


def test_a_code_that_another_client_tried_still_serves_its_own(site: Exchange) -> None:
    other = site.app_of("other", "authorization_code")
    site.code()

    with pytest.raises(InvalidGrant, match="not known"):
        site.give(client=other)

    assert site.give().access_token


@pytest.mark.parametrize("length", [43, 128])
def test_verifiers_of_every_allowed_length_serve(site: Exchange, length: int) -> None:
    site.code(challenge=challenge_of("v" * length))

    assert site.give(verifier="v" * length).access_token


@pytest.mark.parametrize("sent", ["", HOME])
def test_a_redirect_uri_that_was_not_stated_may_be_left_out(site: Exchange, sent: str) -> None:
    site.code(stated=False)

    assert site.give(redirect_uri=sent).access_token


def test_a_confidential_clients_code_without_pkce_serves(site: Exchange) -> None:
    site.code(challenge="")

    assert site.give(verifier="").access_token


@pytest.mark.parametrize("fate", ["deleted", "locked", "made anew", "renamed", "revoked"])
def test_a_user_who_is_no_longer_the_one_gets_nothing(site: Exchange, fate: str) -> None:
    site.code()
    jane = replace(site.jane, stamp=1)
    match fate:
        case "deleted":
            site.records.commit(Discard(jane))
        case "locked":
            site.records.commit(Replace(replace(jane, active=False)))
        case "made anew":
            site.records.commit(Discard(jane))
            site.records.commit(Create(replace(site.jane, id="2")))
        case "revoked":  # as a new password does
            site.records.commit(user_ended(site.clock, TENANT, "jane", sparing=True))
        case _:
            site.records.commit(Discard(jane), Put(replace(site.jane, name="joan")))

    with pytest.raises(InvalidGrant, match="no longer active"):
        site.give()

    assert not site.stored().used


def test_of_two_exchanges_at_once_one_wins_and_the_other_is_a_replay(site: Exchange) -> None:
    site.code()
    won: list[Issued] = []
    site.records.before_commit = lambda: won.append(site.give())

    with pytest.raises(InvalidGrant, match="used before"):
        site.give()

    assert len(won) == 1
    assert not site.holds(won[0].access_token)
    assert site.records.get(RefreshToken, tenant=TENANT, digest=digest(won[0].refresh_token))


def test_a_race_that_was_none_of_the_codes_is_tried_again(site: Exchange) -> None:
    site.code()
    stored = site.stored()
    site.records.before_commit = lambda: site.records.commit(Replace(stored))

    assert site.give().access_token


class Killed(BaseException):
    """The process ends here."""


def test_a_death_before_the_commit_leaves_the_code_and_nothing_else(site: Exchange) -> None:
    site.code()
    before = dict(site.records.items)

    def die() -> None:
        raise Killed

    site.records.before_commit = die
    with pytest.raises(Killed):
        site.give()

    assert site.records.items == before
    assert site.give().access_token


def test_code_tokens_and_family_are_written_in_one_commit(site: Exchange) -> None:
    """So that no death of the process leaves a used code without tokens, or the reverse."""
    site.code()
    before = len(site.records.commits)

    site.give()

    assert len(site.records.commits) == before + 1
    kinds = {type(change.record) for change in site.records.commits[-1]}
    assert {Code, RefreshToken, TokenFamily} <= kinds


def test_a_revocation_by_replay_lasts_as_long_as_the_longest_token(site: Exchange) -> None:
    site.app = replace(site.app, grant_types=("authorization_code",), validities={"password": 9000})
    site.code()
    site.give()

    with pytest.raises(InvalidGrant):
        site.give()

    found = site.records.get(Revocation, tenant=TENANT, subject="fam:family-1")
    assert found is not None
    assert found.expires == int(site.clock.now()) + 9000
