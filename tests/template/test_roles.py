"""What each function may do: exact actions on exact resources."""

import json

import pytest

from tests.template.reading import actions_on, functions, resources, statements, target, variables

READ = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
CHECK = {"dynamodb:ConditionCheckItem"}
WRITE = READ | CHECK | {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
PUT = {"dynamodb:PutItem"}
COUNT = {"dynamodb:UpdateItem"}
LOOK = {"dynamodb:BatchGetItem"}
NONE: set[str] = set()

# Catalog, Access, Gateway, Traffic, Operations: who may do what.
TABLES = {
    "AuthorizerRole": (NONE, NONE, READ, COUNT | LOOK, NONE),
    "GatewayRole": (NONE, NONE, READ, COUNT, NONE),
    "TokenRole": (NONE, WRITE, WRITE, NONE, PUT),
    "PublisherRole": (WRITE, WRITE, WRITE, NONE, WRITE),
    "StoreRole": (READ | CHECK, WRITE, WRITE, NONE, PUT),
    "AdminRole": (READ, WRITE, WRITE, NONE, WRITE),
    "LifecycleRole": (WRITE, WRITE, WRITE, NONE, WRITE),
    "BootstrapRole": (NONE, WRITE, WRITE, NONE, WRITE),
}
# Everything else than tables, logs and traces.
OTHERS = {
    "AuthorizerRole": {"secretsmanager:GetSecretValue", "lambda:InvokeFunction"},
    "GatewayRole": {"kms:Decrypt"},
    "TokenRole": {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "ses:SendEmail",
        "lambda:InvokeFunction",
        "kms:Decrypt",
    },
    "PublisherRole": {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "lambda:InvokeFunction",
    },
    "StoreRole": {"s3:GetObject", "lambda:InvokeFunction"},
    "AdminRole": {"lambda:InvokeFunction", "kms:Encrypt"},
    "LifecycleRole": {
        "s3:GetObject",
        "s3:PutObject",
        "kms:Decrypt",
        "apigateway:GET",
        "apigateway:POST",
        "apigateway:PATCH",
        "apigateway:DELETE",
        "scheduler:CreateSchedule",
        "scheduler:DeleteSchedule",
        "iam:PassRole",
        "ses:SendEmail",
        "sns:Publish",
        "events:PutEvents",
        "lambda:InvokeFunction",
        "secretsmanager:GetSecretValue",
    },
    "BootstrapRole": {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "lambda:InvokeFunction",
        "apigateway:GET",
        "apigateway:DELETE",
    },
}
ROLES = sorted(TABLES)


def test_every_function_has_a_role_of_its_own() -> None:
    used = [properties["Role"]["Fn::GetAtt"] for properties in functions().values()]

    assert sorted(used) == sorted(f"{role}.Arn" for role in ROLES)
    # Services have theirs too.
    assert sorted(resources("AWS::IAM::Role")) == sorted([*ROLES, "ScheduleRole"])


def test_schedules_may_wake_the_lifecycle_function_and_do_nothing_else() -> None:
    (allowed,) = statements("ScheduleRole")
    assert allowed[0] == {"lambda:InvokeFunction"}
    assert [target(one).partition(":function:")[2] for one in allowed[1]] == [
        "${AWS::StackName}-lifecycle:live"
    ]
    given = variables("LifecycleFunction")["PORTICO_SCHEDULE_TARGET"]
    assert [given] == allowed[1]
    trust = resources("AWS::IAM::Role")["ScheduleRole"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}


def test_only_the_role_of_schedules_is_handed_on_and_to_the_scheduler_only() -> None:
    assert actions_on("LifecycleRole", "ScheduleRole.Arn") == {"iam:PassRole"}
    (policy,) = resources("AWS::IAM::Role")["LifecycleRole"]["Policies"]
    (passing,) = [
        one for one in policy["PolicyDocument"]["Statement"] if one["Action"] == "iam:PassRole"
    ]
    service = "scheduler.amazonaws.com"
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": service}}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("at", "table"), list(enumerate(["Catalog", "Access", "Gateway", "Traffic", "Operations"]))
)
def test_a_role_touches_only_the_tables_it_needs(role: str, at: int, table: str) -> None:
    assert actions_on(role, f"{table}Table.Arn") == TABLES[role][at]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_nothing_else(role: str) -> None:
    actions = {action for actions, _ in statements(role) for action in actions}
    always = ("dynamodb:", "logs:", "xray:")

    assert {action for action in actions if not action.startswith(always)} == OTHERS[role]


@pytest.mark.parametrize("role", ROLES)
def test_no_action_and_no_resource_is_a_wildcard(role: str) -> None:
    for actions, named in statements(role):
        assert not [action for action in actions if "*" in action]
        if "*" in named:
            # X-Ray's actions know no resources.
            assert actions == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_logs_to_its_functions_group_only(role: str) -> None:
    groups = {
        target(one)
        for actions, named in statements(role)
        if any(action.startswith("logs:") for action in actions)
        for one in named
    }

    assert groups == {f"{role.removesuffix('Role')}Logs.Arn"}


@pytest.mark.parametrize("role", ["PublisherRole", "AdminRole"])
def test_the_consoles_of_apis_may_ask_the_lifecycle_function_and_no_other(role: str) -> None:
    assert actions_on(role, "${LifecycleFunction.Arn}:live") == {"lambda:InvokeFunction"}


def test_who_may_invoke_the_token_function() -> None:
    # Keys are looked after, API keys and internal keys signed, and passwords checked there.
    asking = [role for role in ROLES if actions_on(role, "${TokenFunction.Arn}:live")]
    assert asking == ["AuthorizerRole", "BootstrapRole", "PublisherRole", "StoreRole"]
    for role in asking:
        assert actions_on(role, "${TokenFunction.Arn}:live") == {"lambda:InvokeFunction"}


def test_keys_are_looked_at_once_a_day() -> None:
    (schedule,) = functions()["BootstrapFunction"]["Events"].values()
    assert schedule["Type"] == "Schedule"
    assert schedule["Properties"]["Schedule"] == "rate(1 day)"
    assert json.loads(schedule["Properties"]["Input"]) == {"request": "keys"}
    for name in ("BootstrapFunction", "TokenFunction"):
        assert variables(name)["PORTICO_KEY_ROTATION_DAYS"] == {"Ref": "KeyRotationDays"}


def test_only_the_signer_of_a_kind_of_token_reads_its_keys() -> None:
    readers = {
        secret: {role for role in ROLES if actions_on(role, f"{secret}.Id")}
        for secret in resources("AWS::SecretsManager::Secret")
    }

    assert readers == {
        "AccessTokenKeysSecret": {"TokenRole"},
        "BackendJwtKeysSecret": {"AuthorizerRole", "BootstrapRole"},
        "AdminPasswordSecret": {"BootstrapRole"},
        "WebhookSecret": {"LifecycleRole"},
    }


@pytest.mark.parametrize("role", ["LifecycleRole", "BootstrapRole"])
def test_routes_and_integrations_of_this_api_only(role: str) -> None:
    named = [
        target(one)
        for actions, named in statements(role)
        if any(action.startswith("apigateway:") for action in actions)
        for one in named
    ]

    assert {one.partition("/apis/")[2] for one in named} == {
        "${HttpApi}/routes",
        "${HttpApi}/routes/*",
        "${HttpApi}/integrations",
        "${HttpApi}/integrations/*",
    }
