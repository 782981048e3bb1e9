"""`sam deploy` of the built template: what it reports to have made is really there, and runs."""

import json

import pytest
import urllib3

from tests.sam.stack import Stack
from tests.template.reading import functions, resources

TABLES = ["CatalogTable", "AccessTable", "GatewayTable", "TrafficTable", "OperationsTable"]


def test_every_function_is_there_with_its_alias(stack: Stack) -> None:
    client = stack.client("lambda")

    for name in functions():
        alias = client.get_alias(FunctionName=stack.physical_ids[name], Name="live")
        assert alias["FunctionVersion"].isdigit()


def test_every_route_is_there(stack: Stack) -> None:
    routes = stack.client("apigatewayv2").get_routes(ApiId=stack.outputs["HttpApiId"])["Items"]

    assert {route["RouteKey"] for route in routes} == {
        route["RouteKey"] for route in resources("AWS::ApiGatewayV2::Route").values()
    }


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_there(stack: Stack, name: str) -> None:
    table = stack.client("dynamodb").describe_table(TableName=stack.outputs[name])["Table"]

    assert table["TableStatus"] == "ACTIVE"


@pytest.mark.parametrize(
    ("function", "variable", "algorithms"),
    [
        # By the function that alone may know it.
        ("TokenFunction", "PORTICO_ACCESS_TOKEN_SECRET", ["RS256"]),
        ("BootstrapFunction", "PORTICO_BACKEND_JWT_SECRET", ["ES256", "RS256"]),
    ],
)
def test_the_deployment_made_its_keys(
    stack: Stack, function: str, variable: str, algorithms: list[str]
) -> None:
    secret = stack.variables()[function][variable]
    value = stack.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]

    assert sorted(key["alg"] for key in json.loads(value)["keys"]) == algorithms


def test_the_gateway_answers_with_the_built_code(stack: Stack) -> None:
    """Keys on their whole way: Secrets Manager, DynamoDB, layer, function, route."""
    api = stack.outputs["HttpApiId"]
    with urllib3.PoolManager(retries=False, timeout=30) as http:
        answer = http.request(
            "GET", f"{stack.url}/oauth2/jwks", headers={"Host": f"{api}.execute-api.localhost"}
        )

    assert answer.status == 200
    assert {key["kty"] for key in answer.json()["keys"]} == {"RSA", "EC"}
