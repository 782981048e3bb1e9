"""Ending all tokens of a user, by an administrator's REST call; opaque tokens at the REST APIs."""

import hashlib
import time
from typing import Any

import pytest

from portico.domain.gateway import OpaqueToken, Revocation
from portico.domain.records import Discard, Put
from portico.domain.user import User
from tests.conftest import Aws
from tests.functions.admin.conftest import TENANT, Client

PATH = "/users/{}/revoke-tokens"


def test_all_tokens_and_sign_ins_of_a_user_end(aws: Aws, client: Client) -> None:
    before = aws.records.get(User, tenant=TENANT, name="jane")
    answer = client.rest("POST", PATH.format("Jane"))
    after = aws.records.get(User, tenant=TENANT, name="jane")
    mark = aws.records.get(Revocation, tenant=TENANT, subject="user:jane")
    assert answer.status == 200
    assert before
    assert after
    assert mark
    assert after.era == before.era + 1
    assert mark.since <= time.time() < mark.expires


def test_the_revoked_users_own_rest_calls_end_at_once(aws: Aws, client: Client) -> None:
    token = client.token("admin", "apim:admin openid")
    assert client.rest("GET", "/workflows", authorization=token).status == 200
    assert client.rest("POST", PATH.format("admin"), authorization=token).status == 200
    assert client.rest("GET", "/workflows", authorization=token).status == 401
    aws.records.commit(Discard(Revocation(tenant=TENANT, subject="user:admin", expires=0)))


def test_a_user_who_is_not_there_is_not_found(client: Client) -> None:
    assert client.rest("POST", PATH.format("nobody")).status == 404


def test_others_than_administrators_may_not(aws: Aws, client: Client) -> None:
    aws.records.commit(Discard(Revocation(tenant=TENANT, subject="user:jane", expires=0)))
    token = client.token("jane", "apim:api_view")
    refused = client.rest("POST", PATH.format("admin"), authorization=token)
    assert "insufficient_scope" in refused.headers["www-authenticate"]
    assert client.rest("POST", PATH.format("admin"), authorization="").status == 401


@pytest.fixture
def opaque(aws: Aws) -> OpaqueToken:
    now = int(time.time())
    claims: dict[str, Any] = {
        "sub": f"admin@{TENANT}",
        "client_id": "client",
        "scope": "apim:admin openid",
        "iat": now,
        "exp": now + 60,
        "jti": "opaque-1",
        "aut": "APPLICATION_USER",
        "tenant": TENANT,
    }
    digest = hashlib.sha256(b"o" * 43).hexdigest()
    record = OpaqueToken(tenant=TENANT, digest=digest, expires=now + 60, claims=claims)
    aws.records.commit(Put(record))
    return record


def test_the_rest_apis_take_opaque_tokens(aws: Aws, client: Client, opaque: OpaqueToken) -> None:
    bearer = f"Bearer {'o' * 43}"
    assert client.rest("GET", "/workflows", authorization=bearer).status == 200
    aws.records.commit(Discard(opaque))
    assert client.rest("GET", "/workflows", authorization=bearer).status == 401


def test_an_expired_opaque_token_is_refused_though_it_is_still_there(
    aws: Aws, client: Client, opaque: OpaqueToken
) -> None:
    old = OpaqueToken(
        tenant=TENANT, digest=opaque.digest, expires=int(time.time()), claims=opaque.claims
    )
    aws.records.commit(Put(old))
    bearer = f"Bearer {'o' * 43}"
    assert client.rest("GET", "/workflows", authorization=bearer).status == 401
