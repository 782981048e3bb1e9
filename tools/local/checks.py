"""After a deployment: is everything that the template names really there?

The embedded AWS can report success without it; AWS itself cannot, so nothing here runs against AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from tools.local.aws import ACCOUNT, REGION, client
from tools.local.site import LocalError

_ARN = re.compile(r"arn:aws:lambda:[^/]*?:function:[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)?")


class Checker:
    """Asks the embedded AWS for each resource of `template`; `physical` are ids by logical id."""

    def __init__(
        self, template: Mapping[str, Any], physical: Mapping[str, str], endpoint: str
    ) -> None:
        self._template = template
        self._physical = physical
        self._endpoint = endpoint
        self._policies: dict[str, list[dict[str, Any]]] = {}

    def check(self) -> int:
        """How many resources were found; raises LocalError naming all that are missing."""
        missing = []
        found = 0
        for name, resource in self._template["Resources"].items():
            kind = resource["Type"]
            lookup = self._lookups().get(kind)
            if lookup is None or "Condition" in resource:
                continue
            physical = self._physical.get(name, "")
            try:
                if not physical and kind != "AWS::Serverless::LayerVersion":
                    raise LocalError("CloudFormation does not list it")  # noqa: TRY301
                lookup(physical, resource)
                found += 1
            except (ClientError, LocalError) as error:
                missing.append(f"  {name} ({kind}): {error}")
        missing += self._uninvokable()
        if missing:
            raise LocalError("Deployed, but not all of it is there:\n" + "\n".join(missing))
        return found

    def _lookups(self) -> dict[str, Callable[[str, Mapping[str, Any]], Any]]:
        return {
            "AWS::Serverless::Function": self._function,
            "AWS::ApiGatewayV2::Route": self._route,
            "AWS::ApiGatewayV2::Integration": lambda i, _: self._api(
                "get_integration", IntegrationId=i
            ),
            "AWS::ApiGatewayV2::Authorizer": lambda i, _: self._api(
                "get_authorizer", AuthorizerId=i
            ),
            "AWS::ApiGatewayV2::Api": lambda i, _: self._client("apigatewayv2").get_api(ApiId=i),
            "AWS::DynamoDB::Table": self._table,
            "AWS::SecretsManager::Secret": lambda i, _: self._client(
                "secretsmanager"
            ).describe_secret(SecretId=i),
            "AWS::S3::Bucket": lambda i, _: self._client("s3").head_bucket(Bucket=i),
            "AWS::KMS::Key": lambda i, _: self._client("kms").describe_key(KeyId=i),
            "AWS::Logs::LogGroup": self._log_group,
        }

    def _client(self, service: str) -> Any:
        return client(service, self._endpoint)

    def _api_id(self) -> str:
        for name, resource in self._template["Resources"].items():
            if resource["Type"] == "AWS::ApiGatewayV2::Api":
                return self._physical.get(name, "")
        return ""

    def _api(self, operation: str, **given: str) -> Any:
        return getattr(self._client("apigatewayv2"), operation)(ApiId=self._api_id(), **given)

    def _function(self, physical: str, resource: Mapping[str, Any]) -> None:
        functions = self._client("lambda")
        functions.get_function(FunctionName=physical)
        properties = {**self._globals(), **resource["Properties"]}
        alias = properties.get("AutoPublishAlias")
        if alias:
            functions.get_alias(FunctionName=physical, Name=alias)
        if "FunctionUrlConfig" in properties:
            qualified = {"Qualifier": alias} if alias else {}
            functions.get_function_url_config(FunctionName=physical, **qualified)

    def _globals(self) -> Mapping[str, Any]:
        of_functions: Mapping[str, Any] = self._template.get("Globals", {}).get("Function", {})
        return of_functions

    def _route(self, _: str, resource: Mapping[str, Any]) -> None:
        # By its key: the emulator's CloudFormation gives the API's id as that of a route.
        wanted = resource["Properties"]["RouteKey"]
        routes = self._api("get_routes", MaxResults="500")["Items"]
        if wanted not in [route["RouteKey"] for route in routes]:
            raise LocalError(f"no route {wanted!r}")

    def _table(self, physical: str, _: Mapping[str, Any]) -> None:
        state = self._client("dynamodb").describe_table(TableName=physical)["Table"]["TableStatus"]
        if state != "ACTIVE":
            raise LocalError(f"is {state}")

    def _log_group(self, physical: str, _: Mapping[str, Any]) -> None:
        groups = self._client("logs").describe_log_groups(logGroupNamePrefix=physical)["logGroups"]
        if physical not in [group["logGroupName"] for group in groups]:
            raise LocalError("is not there")

    def _uninvokable(self) -> list[str]:
        """Functions that API Gateway may not invoke: AWS would answer 500 to every call."""
        api_id = self._api_id()
        if not api_id:
            return []
        complaints = []
        gateway = self._client("apigatewayv2")
        for route in gateway.get_routes(ApiId=api_id, MaxResults="500")["Items"]:
            integration = gateway.get_integration(
                ApiId=api_id, IntegrationId=route["Target"].rpartition("/")[2]
            )
            key = route["RouteKey"]
            where = key if key == "$default" else key.replace("ANY ", "*", 1).replace(" ", "")
            source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/$default/{where}"
            complaints += self._complaint(integration.get("IntegrationUri", ""), source)
        for authorizer in gateway.get_authorizers(ApiId=api_id)["Items"]:
            source = (
                f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}"
                f"/authorizers/{authorizer['AuthorizerId']}"
            )
            complaints += self._complaint(authorizer["AuthorizerUri"], source)
        return complaints

    def _complaint(self, uri: str, source: str) -> list[str]:
        function = _ARN.search(uri)
        if not function or any(
            fnmatchcase(source, pattern) for pattern in self._sources(function[0])
        ):
            return []
        return [f"  {function[0]}: no AWS::Lambda::Permission lets {source} invoke it"]

    def _sources(self, function: str) -> list[str]:
        """The SourceArn patterns from which API Gateway may invoke the function."""
        if function not in self._policies:
            arn, _, qualifier = function.partition(":function:")[2].partition(":")
            qualified = {"Qualifier": qualifier} if qualifier else {}
            try:
                text = self._client("lambda").get_policy(FunctionName=arn, **qualified)["Policy"]
                self._policies[function] = json.loads(text)["Statement"]
            except ClientError:
                self._policies[function] = []
        patterns = []
        for statement in self._policies[function]:
            if statement["Principal"] == {"Service": "apigateway.amazonaws.com"}:
                condition = statement.get("Condition", {}).get("ArnLike", {})
                # [ and ] mean nothing to IAM but would to fnmatch.
                patterns.append(condition.get("AWS:SourceArn", "*").replace("[", "[[]"))
        return patterns
