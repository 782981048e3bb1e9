"""What is missing before a code is given, and what goes into it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from portico.domain.application import NO_SECRET, Client, Secret
from portico.domain.authorization import BrowserSession, Code, Consent, Flow
from portico.domain.errors import NotFound
from portico.domain.records import Put
from portico.domain.token_rules import TokenRules
from portico.domain.user import User
from portico.services.asking import Asked, Place, Refused, Untrusted
from portico.services.authorizing import CONSENT, LOGIN, Authorizing
from portico.services.clients import digest
from portico.services.flows import Flows
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
CALLBACK = "https://app.example/cb"
JANE = User(tenant=TENANT, name="jane", id="u-1", password="hash")
CLIENT = Client(
    tenant=TENANT,
    client_id="app",
    name="App",
    owner="jane",
    secrets=(Secret("1", "digest"),),
    grant_types=("authorization_code",),
    redirect_uris=(CALLBACK,),
)
ASKED = Asked(Place(CALLBACK, state="s"), stated=True, scopes=("openid", "email"), nonce="n")


def grantable(client: Client, user: User, asked: Sequence[str]) -> tuple[str, ...]:
    return tuple(scope for scope in asked if not scope.startswith("secret"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def records() -> FakeRecords:
    records = FakeRecords()
    records.commit(Put(JANE), Put(CLIENT))
    return records


@pytest.fixture
def service(records: FakeRecords, clock: FakeClock) -> Authorizing:
    return Authorizing(records, clock, "https://issuer", grantable, lambda token: "")


@pytest.fixture
def session(clock: FakeClock) -> BrowserSession:
    now = int(clock.now())
    return BrowserSession(
        tenant=TENANT,
        digest="d",
        user="jane",
        user_id="u-1",
        at=now - 100,
        expires=now + 1000,
        methods=("pwd",),
        sid="sid",
    )


def consent(*scopes: str, **more: str) -> Put:
    kept = {"user": "jane", "client_id": "app", "user_id": "u-1", **more}
    return Put(Consent(tenant=TENANT, scopes=scopes, **kept))  # type: ignore[arg-type]


def code_of(records: FakeRecords, text: str) -> Code:
    code = records.get(Code, tenant=TENANT, digest=digest(text))
    assert code
    return code


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({}, ""),
        ({"prompts": frozenset({"login"})}, LOGIN),
        ({"prompts": frozenset({"select_account"})}, LOGIN),
        ({"prompts": frozenset({"consent"})}, CONSENT),
        ({"prompts": frozenset({"none"})}, ""),
        ({"max_age": 0}, LOGIN),
        ({"max_age": 99}, LOGIN),
        ({"max_age": 100}, ""),
        ({"subject": "jane@carbon.super"}, ""),
        ({"subject": "john@carbon.super"}, LOGIN),
        ({"scopes": ("openid",)}, ""),
        ({"scopes": ("openid", "email", "phone")}, CONSENT),
        # What would not be granted need not be asked for.
        ({"scopes": ("openid", "secret")}, ""),
    ],
)
def test_what_is_missing(
    service: Authorizing,
    records: FakeRecords,
    session: BrowserSession,
    more: dict[str, object],
    missing: str,
) -> None:
    """OpenID Connect Core section 3.1.2.1, for a user who signed in 100 seconds ago and once
    allowed openid and email.
    """
    records.commit(consent("openid", "email"))
    assert service.missing(replace(ASKED, **more), CLIENT, session) == missing  # type: ignore[arg-type]


def test_a_session_made_for_the_request_is_fresh_enough(
    service: Authorizing, records: FakeRecords, session: BrowserSession
) -> None:
    records.commit(consent("openid", "email"))
    for prompts in ({"login"}, {"select_account"}):
        asked = replace(ASKED, prompts=frozenset(prompts), max_age=0)
        assert service.missing(asked, CLIENT, session, fresh=True) == ""


def test_nobody_or_somebody_of_another_tenant_has_to_sign_in(
    service: Authorizing, session: BrowserSession
) -> None:
    assert service.missing(ASKED, CLIENT, None) == LOGIN
    other = replace(session, tenant="acme.com")
    assert service.missing(ASKED, CLIENT, other) == LOGIN
    assert service.missing(ASKED, CLIENT, other, fresh=True) == LOGIN


@pytest.mark.parametrize(
    "kept",
    [{"user_id": "u-0"}, {"user": "john"}, {"client_id": "other"}],
    ids=["a former user of the name", "another user", "another client"],
)
def test_the_consent_of_others_does_not_count(
    service: Authorizing, records: FakeRecords, session: BrowserSession, kept: dict[str, str]
) -> None:
    records.commit(consent("openid", "email", **kept))
    assert service.missing(ASKED, CLIENT, session) == CONSENT


def test_an_application_on_a_device_asks_each_time(
    service: Authorizing, records: FakeRecords, session: BrowserSession
) -> None:
    """RFC 8252 section 8.6: any application may claim its custom scheme or loopback port."""
    records.commit(consent("openid", "email"))
    native = replace(CLIENT, auth_method=NO_SECRET, secrets=())
    for uri in ("myapp:/cb", "http://127.0.0.1:5000/cb"):
        asked = replace(ASKED, place=Place(uri))
        assert service.missing(asked, native, session) == CONSENT
        assert service.missing(asked, CLIENT, session) == ""
    assert service.missing(ASKED, native, session) == ""


def test_prompt_none_asks_nothing(service: Authorizing) -> None:
    """OpenID Connect Core section 3.1.2.6."""
    asked = replace(ASKED, prompts=frozenset({"none"}))
    service.silent(asked, "")
    service.silent(ASKED, LOGIN)
    for missing, code in ((LOGIN, "login_required"), (CONSENT, "consent_required")):
        with pytest.raises(Refused) as refused:
            service.silent(asked, missing)
        assert refused.value.error == code


def test_a_code_tells_all_that_the_exchange_needs(
    service: Authorizing, records: FakeRecords, clock: FakeClock, session: BrowserSession
) -> None:
    asked = replace(
        ASKED,
        challenge="c" * 43,
        scopes=("openid", "secret"),
        claims={"userinfo": {"email": None}},
        stated=False,
    )
    answer = service.allow(asked, CLIENT, session)
    assert answer.redirect_uri == CALLBACK
    assert not answer.form_post
    text = answer.parameters["code"]
    assert answer.parameters == {"code": text, "state": "s", "iss": "https://issuer"}
    code = code_of(records, text)
    assert text not in str(records.items)
    assert (code.client_id, code.user, code.user_id) == ("app", "jane", "u-1")
    assert (code.redirect_uri, code.stated, code.challenge) == (CALLBACK, False, "c" * 43)
    # No more than what the user was shown.
    assert code.scopes == ("openid",)
    assert code.claims == {"userinfo": {"email": None}}
    assert code.expires == int(clock.now()) + 300
    assert (code.used, bool(code.family)) == (False, True)
    told = code.sign_in
    assert (told.at, told.nonce, told.methods, told.sid) == (session.at, "n", ("pwd",), "sid")


def test_the_tenants_rules_say_how_long_a_code_is_valid(
    service: Authorizing, records: FakeRecords, clock: FakeClock, session: BrowserSession
) -> None:
    records.commit(Put(TokenRules(tenant=TENANT, code_validity=60)))
    answer = service.allow(ASKED, CLIENT, session)
    assert code_of(records, answer.parameters["code"]).expires == int(clock.now()) + 60


def test_consent_is_remembered_and_grows(
    service: Authorizing, records: FakeRecords, session: BrowserSession
) -> None:
    service.allow(ASKED, CLIENT, session, remember=True)
    more = replace(ASKED, scopes=("phone",))
    assert service.missing(more, CLIENT, session) == CONSENT
    service.allow(more, CLIENT, session, remember=True)
    kept = records.get(Consent, tenant=TENANT, user="jane", client_id="app")
    assert kept
    assert kept.scopes == ("openid", "email", "phone")
    assert service.missing(ASKED, CLIENT, session) == ""


def test_a_flow_gives_one_code(
    service: Authorizing, records: FakeRecords, clock: FakeClock, session: BrowserSession
) -> None:
    flows = Flows(records, clock)
    flow = flows.get(flows.begin(TENANT, "authorize", "app", {}, "b"), "b")
    service.allow(ASKED, CLIENT, session, flow=flow)
    with pytest.raises(NotFound):
        service.allow(ASKED, CLIENT, session, flow=flow, remember=True)
    with pytest.raises(NotFound):
        service.deny(ASKED, flow)
    assert [type(one) for one in records.items.values()].count(Code) == 1
    assert not any(isinstance(one, (Flow, Consent)) for one in records.items.values())


def test_denying_ends_the_flow_without_a_code(
    service: Authorizing, records: FakeRecords, clock: FakeClock
) -> None:
    """RFC 6749 section 4.1.2.1: access_denied."""
    flows = Flows(records, clock)
    flow = flows.get(flows.begin(TENANT, "authorize", "app", {}, "b"), "b")
    told = service.deny(ASKED, flow).parameters
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "s", "https://issuer")
    assert not any(isinstance(one, (Flow, Code, Consent)) for one in records.items.values())


def test_another_user_than_the_hinted_gets_no_code(
    service: Authorizing, records: FakeRecords, session: BrowserSession
) -> None:
    """OpenID Connect Core section 3.1.2.1, `id_token_hint`."""
    with pytest.raises(Refused) as refused:
        service.allow(replace(ASKED, subject="john@carbon.super"), CLIENT, session)
    assert refused.value.error == "login_required"
    assert not any(isinstance(one, Code) for one in records.items.values())


@pytest.mark.parametrize("change", [{"active": False}, {"id": "u-2"}])
def test_a_user_who_is_no_longer_there_gets_no_code(
    service: Authorizing,
    records: FakeRecords,
    session: BrowserSession,
    change: dict[str, str | bool],
) -> None:
    records.commit(Put(replace(JANE, **change)))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        service.allow(ASKED, CLIENT, session)


def test_a_pushed_request_is_used_once_by_its_client_in_time(
    service: Authorizing, clock: FakeClock
) -> None:
    """RFC 9126 sections 2.2 and 7.3."""
    urn = service.push(CLIENT, {"scope": "a"})
    assert urn.startswith("urn:ietf:params:oauth:request_uri:")
    for other in (replace(CLIENT, client_id="x"), replace(CLIENT, tenant="acme.com")):
        with pytest.raises(Untrusted):
            service.pushed(other, urn)
    assert service.pushed(CLIENT, urn) == {"scope": "a"}
    with pytest.raises(Untrusted):
        service.pushed(CLIENT, urn)
    late = service.push(CLIENT, {})
    clock.pass_by(90)
    with pytest.raises(Untrusted):
        service.pushed(CLIENT, late)


def test_a_waiting_flow_is_no_pushed_request(
    service: Authorizing, records: FakeRecords, clock: FakeClock
) -> None:
    text = Flows(records, clock).begin(TENANT, "authorize", "app", {}, "")
    with pytest.raises(Untrusted):
        service.pushed(CLIENT, f"urn:ietf:params:oauth:request_uri:{text}")


def test_an_unknown_client_is_trusted_with_nothing(service: Authorizing) -> None:
    for client_id in ("", "nobody", "a b", "x" * 300):
        with pytest.raises(Untrusted):
            service.client(client_id)
    assert service.client("app").client_id == "app"


def test_errors_carry_state_and_issuer(service: Authorizing) -> None:
    """RFC 6749 section 4.1.2.1, RFC 9207 section 2."""
    place = Place(CALLBACK, "form_post", "s")
    answer = service.told(Refused("invalid_scope", "why", place))
    assert answer.form_post
    assert answer.parameters == {
        "error": "invalid_scope",
        "error_description": "why",
        "state": "s",
        "iss": "https://issuer",
    }
    assert "state" not in service.told(Refused("x", "y", Place(CALLBACK))).parameters
