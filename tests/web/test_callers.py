"""Who makes a call, by access token."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from portico.domain.errors import MissingScope, PorticoError, Unauthenticated
from portico.domain.gateway import PublicKeys
from portico.domain.records import Put
from portico.domain.user import CREATOR, User
from portico.services.clients import Clients
from portico.services.issuing import Issuing
from portico.tokens.jwt import ExpiredToken, UnknownKey
from portico.tokens.keys import RS256, generate, public_jwk, signing_key
from portico.web.callers import Callers
from portico.web.errors import answer_error
from portico.web.session import Sessions
from tests.events import function_url_event
from tests.fakes import FakeClock, FakeRecords

TENANT = "carbon.super"
JANE = User(tenant=TENANT, name="jane", id="1", password="", roles=(CREATOR,))


@dataclass
class Event:
    raw_event: dict[str, Any]


def with_token(token: str) -> Event:
    return Event(function_url_event("GET", "/x", headers={"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize("of_user", [True, False], ids=["user", "application"])
def test_a_token_does_not_pass_to_a_later_user_of_the_name(of_user: bool) -> None:
    records, clock = FakeRecords(), FakeClock()
    key = signing_key(json.dumps({"keys": [generate(RS256, 0)]}))
    keys = PublicKeys(tenant="*", keys=[public_jwk(key)], access=(key.kid,))
    records.commit(Put(JANE), Put(keys))
    caller = Callers(records, clock, Sessions(records, clock))
    client, _ = Clients(records, clock).prepare(TENANT, "cli", "jane", ["password"])[:2]
    issuing = Issuing(records, clock, lambda: key, "https://gw.example/oauth2/token")
    issued = issuing.to_user(client, JANE, []) if of_user else issuing.to_application(client, [])
    event = with_token(issued.access_token)
    found = caller.of(event)
    assert found
    assert found.user == "jane"

    clock.pass_by(60)
    records.commit(Put(replace(JANE, id="2", created=int(clock.now()))))

    with pytest.raises(Unauthenticated, match="former"):
        caller.of(event)


@pytest.mark.parametrize(
    ("error", "code", "challenge"),
    [
        (Unauthenticated("Nothing was sent"), 900901, 'Bearer realm="portico"'),
        (UnknownKey("Not ours"), 900901, 'Bearer realm="portico", error="invalid_token"'),
        (ExpiredToken("Too late"), 900903, 'Bearer realm="portico", error="invalid_token"'),
        (MissingScope("Not this"), 900910, 'Bearer realm="portico", error="insufficient_scope"'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_says_what_is_wrong_with_the_token(
    error: PorticoError, code: int, challenge: str
) -> None:
    refused = answer_error(error)
    assert refused.status_code == 401
    assert json.loads(refused.body or "")["code"] == code
    assert refused.headers["WWW-Authenticate"] == challenge
