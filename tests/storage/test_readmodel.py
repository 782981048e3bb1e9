"""The read model against records that the real adapter has written."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from portico.domain.errors import Unavailable
from portico.domain.gateway import Deployment, Grant, PublicKeys, Revocation
from portico.domain.records import Create, Put, Remove
from portico.storage.readmodel import GatewayTable, ReadModel, key
from tests.conftest import REGION, Aws

TENANT = "carbon.super"


@pytest.fixture
def client(aws: Aws) -> Iterator[Any]:
    client = botocore.session.Session().create_client("dynamodb", region_name=REGION)
    yield client
    client.close()


@pytest.fixture
def model(aws: Aws, client: Any) -> ReadModel:
    return ReadModel(GatewayTable(client, aws.settings.gateway_table), 60)


def deployment(prefix: str, **changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "tenant": TENANT,
        "prefix": prefix,
        "api_id": f"api{prefix}",
        "name": "Shop",
        "version": "1",
        "context": prefix,
        "provider": "p",
        "state": "PUBLISHED",
        "revision_id": "r",
        "resources": [["/*", "GET", "None", ["a", "b"], "Unlimited"]],
    }
    return Deployment(**{**values, **changes})


def test_records_come_back_as_they_were_written(aws: Aws, model: ReadModel) -> None:
    small = deployment("/small/1", cors={"enabled": True, "allow_origins": ["*"]})
    rows = [[f"/r{n}/{{id}}", "GET", "None", [], "Unlimited"] for n in range(2000)]
    packed = deployment("/packed/1", resources=rows)
    grant = Grant(
        tenant=TENANT,
        application_id="a#1",
        prefix="/small/1",
        api_id="api",
        subscription_id="s",
        status="UNBLOCKED",
        policy="Gold",
    )
    keys = PublicKeys(tenant="*", keys=[{"kid": "k", "kty": "RSA"}], access=("k",))
    aws.records.commit(*map(Create, (small, packed, grant, keys)))
    view = model.view()
    assert view.get(key(Deployment, tenant=TENANT, prefix="/small/1")) == replace(small, stamp=1)
    assert view.get(key(Deployment, tenant=TENANT, prefix="/packed/1")) == replace(packed, stamp=1)
    found = view.get(key(Grant, tenant=TENANT, application_id="a#1", prefix="/small/1"))
    assert found == replace(grant, stamp=1)
    public = view.get(key(PublicKeys, tenant="*"))
    assert public is not None
    assert list(public.access) == ["k"]


def test_what_is_missing_is_seen_once_it_is_there(aws: Aws, model: ReadModel) -> None:
    wanted = key(Deployment, tenant=TENANT, prefix="/late/1")
    assert model.view().get(wanted) is None
    aws.records.commit(Create(deployment("/late/1")))
    assert model.view().get(wanted) is not None


def test_a_missing_revocation_is_believed_for_the_caches_time(aws: Aws, model: ReadModel) -> None:
    wanted = key(Revocation, tenant=TENANT, subject="jti-1")
    assert model.view().get(wanted) is None
    aws.records.commit(Put(Revocation(tenant=TENANT, subject="jti-1", expires=2_000_000_000)))
    assert model.view().get(wanted) is None


def test_contexts_below_a_context_are_found_and_gone_again(aws: Aws, client: Any) -> None:
    table = GatewayTable(client, aws.settings.gateway_table)
    aws.records.commit(Create(deployment("/nest")), Create(deployment("/nested/1")))
    assert not table.any_below(TENANT, "/nest")
    below = deployment("/nest/2")
    aws.records.commit(Create(below))
    assert table.any_below(TENANT, "/nest")
    assert not table.any_below("acme.com", "/nest")
    aws.records.commit(Remove(replace(below, stamp=1)))
    assert not table.any_below(TENANT, "/nest")


def test_a_missing_table_is_unavailable(client: Any) -> None:
    table = GatewayTable(client, "no-such-table")
    with pytest.raises(Unavailable):
        table.read([key(PublicKeys, tenant="*")])
    with pytest.raises(Unavailable):
        table.any_below(TENANT, "/a")
