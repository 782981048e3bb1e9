"""Tables, bucket, secrets and parameters of template.yaml."""

from typing import Any

import pytest

from tests.template.reading import resources, template

TABLES = ["CatalogTable", "AccessTable", "GatewayTable", "TrafficTable", "OperationsTable"]


def test_there_are_five_tables() -> None:
    assert sorted(resources("AWS::DynamoDB::Table")) == sorted(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_recoverable_and_protected_in_prod(name: str) -> None:
    table = resources("AWS::DynamoDB::Table")[name]

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert "GlobalSecondaryIndexes" not in table
    assert template()["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_is_private_encrypted_and_versioned() -> None:
    (bucket,) = resources("AWS::S3::Bucket").values()

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]


def test_no_secret_has_a_value_that_the_template_knows() -> None:
    for name, secret in resources("AWS::SecretsManager::Secret").items():
        given: Any = secret.get("SecretString")
        if name == "AdminPasswordSecret":
            assert given == {
                "Fn::If": ["HasAdminPassword", {"Ref": "AdminPassword"}, {"Ref": "AWS::NoValue"}]
            }
        else:
            assert given is None


def test_there_is_no_default_password() -> None:
    password = template()["Parameters"]["AdminPassword"]

    assert password["NoEcho"] is True
    assert password["Default"] == ""


@pytest.mark.parametrize("name", sorted(template()["Parameters"]))
def test_a_parameter_is_explained_and_can_be_left_out(name: str) -> None:
    parameter = template()["Parameters"][name]
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert parameter["Description"].endswith(".")
    assert "Default" in parameter
    assert [group for group in groups if name in group["Parameters"]]


def test_a_deployed_stack_reaches_no_private_address_by_default() -> None:
    assert template()["Parameters"]["AllowedBackendHosts"]["Default"] == ""


@pytest.mark.parametrize("name", sorted(template()["Outputs"]))
def test_an_output_is_explained(name: str) -> None:
    assert template()["Outputs"][name]["Description"]
