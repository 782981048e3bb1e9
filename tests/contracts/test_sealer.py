"""What every implementation of the Sealer port must do: run on the fake and on KMS."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest

from portico.domain.errors import InvalidInput, Unavailable
from portico.ports import Sealer
from portico.storage.sealing import KmsSealer
from tests.conftest import REGION
from tests.fakes import FakeSealer

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient


@cache
def kms() -> "KMSClient":
    return boto3.client("kms", region_name=REGION)


@pytest.fixture(params=["fake", "kms"])
def sealer(request: pytest.FixtureRequest) -> Sealer:
    if request.param == "fake":
        return FakeSealer()
    request.getfixturevalue("aws")
    return KmsSealer(kms, kms().create_key()["KeyMetadata"]["Arn"])


def test_what_was_sealed_is_opened_and_not_readable_before(sealer: Sealer) -> None:
    sealed = sealer.seal("grüner Tee", "acme.com:login-provider:okta")
    assert "Tee" not in sealed
    assert sealer.open(sealed, "acme.com:login-provider:okta") == "grüner Tee"


def test_another_context_opens_nothing(sealer: Sealer) -> None:
    sealed = sealer.seal("secret", "acme.com:login-provider:okta")
    with pytest.raises(InvalidInput):
        sealer.open(sealed, "other.com:login-provider:okta")


@pytest.mark.parametrize("sealed", ["", "no base64!", "AAAA"])
def test_what_is_no_sealed_text_is_refused(sealer: Sealer, sealed: str) -> None:
    with pytest.raises(InvalidInput):
        sealer.open(sealed, "acme.com")


@pytest.mark.parametrize("text", ["", "a" * 4097])
def test_a_text_without_length_or_too_long_is_refused(sealer: Sealer, text: str) -> None:
    with pytest.raises(InvalidInput):
        sealer.seal(text, "acme.com")


def test_without_its_key_the_adapter_says_unavailable(aws: object) -> None:
    with pytest.raises(Unavailable):
        KmsSealer(kms, "alias/none-of-this-name").seal("text", "acme.com")
