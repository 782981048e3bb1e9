"""The HTTP API of template.yaml: what a deployment must not undo and `sam local` must find."""

from tests.template.reading import resources, template

# What the authorization server answers, without the authorizer.
TOKEN_ROUTES = {
    "ANY /oauth2/{proxy+}",
    "ANY /t/{tenant}/oauth2/{proxy+}",
    "ANY /t/{tenant}/oidc/{proxy+}",
    "ANY /t/{tenant}/.well-known/{proxy+}",
    "ANY /t/{tenant}/client-registration/{proxy+}",
    "ANY /.well-known/{proxy+}",
    "ANY /client-registration/{proxy+}",
    "ANY /token",
    "ANY /authorize",
    "ANY /revoke",
    "ANY /userinfo",
    "ANY /login",
    "ANY /oidc/{proxy+}",
}


def test_the_api_comes_before_the_first_function() -> None:
    """`sam local start-api` sees no routes of an API that follows a function."""
    kinds = [resource["Type"] for resource in template()["Resources"].values()]
    last = max(at for at, kind in enumerate(kinds) if kind.startswith("AWS::ApiGatewayV2::"))

    assert last < kinds.index("AWS::Serverless::Function")


def test_a_deployment_leaves_routes_alone_that_were_made_at_run_time() -> None:
    """SAM's HttpApi and an OpenAPI Body re-import the API and delete what they do not list."""
    (api,) = resources("AWS::ApiGatewayV2::Api").values()

    assert not resources("AWS::Serverless::HttpApi")
    assert "Body" not in api
    assert "BodyS3Location" not in api
    assert "CorsConfiguration" not in api  # the gateway function answers preflights


def test_everything_but_the_authorization_server_is_judged() -> None:
    routes = {one["RouteKey"]: one for one in resources("AWS::ApiGatewayV2::Route").values()}

    default = routes.pop("$default")
    assert default["AuthorizationType"] == "CUSTOM"
    assert default["AuthorizerId"] == {"Ref": "HttpApiAuthorizer"}
    assert default["Target"] == {"Fn::Sub": "integrations/${GatewayIntegration}"}
    assert set(routes) == TOKEN_ROUTES
    for route in routes.values():
        assert route["AuthorizationType"] == "NONE"
        assert route["Target"] == {"Fn::Sub": "integrations/${TokenIntegration}"}


def test_a_missing_token_reaches_the_authorizer_and_no_answer_of_it_is_reused() -> None:
    (authorizer,) = resources("AWS::ApiGatewayV2::Authorizer").values()

    assert authorizer["IdentitySource"] == []
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0"


def test_the_api_calls_aliases_and_waits_for_them() -> None:
    for name, integration in resources("AWS::ApiGatewayV2::Integration").items():
        function = name.replace("Integration", "Function")
        # Spelt out: `sam local` cannot resolve `.Arn` of a function with a computed name.
        assert integration["IntegrationUri"]["Fn::Sub"].endswith(f":function:${{{function}}}:live")
        assert template()["Resources"][name]["DependsOn"] == f"{function}Aliaslive"


def test_each_function_of_the_api_may_be_called_by_this_api_only() -> None:
    permissions = resources("AWS::Lambda::Permission")

    assert {one["FunctionName"]["Fn::Sub"] for one in permissions.values()} == {
        "${AuthorizerFunction.Arn}:live",
        "${GatewayFunction.Arn}:live",
        "${TokenFunction.Arn}:live",
    }
    for permission in permissions.values():
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert "${HttpApi}/" in permission["SourceArn"]["Fn::Sub"]


def test_run_time_routes_are_removed_before_the_authorizer() -> None:
    """CloudFormation deletes in the reverse order of what refers to what."""
    resource = template()["Resources"]["Bootstrap"]
    variables = template()["Resources"]["BootstrapFunction"]["Properties"]["Environment"][
        "Variables"
    ]

    assert resource["Properties"]["ServiceToken"] == {"Fn::GetAtt": "BootstrapFunction.Arn"}
    assert resource["Properties"]["SourceHash"] == {"Ref": "SourceHash"}
    assert {"Ref": "HttpApiAuthorizer"} in variables.values()
    assert {"Ref": "HttpApi"} in variables.values()
