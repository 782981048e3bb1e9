"""Each correction of the embedded AWS, pinned by the behaviour of AWS that it restores."""

import base64
import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Platform
from tools.local import corrections
from tools.local.site import LocalError


def invoke(platform: Platform, event: Any, **more: Any) -> Any:
    return platform.aws("lambda").invoke(
        FunctionName="small-echo", Qualifier="live", Payload=json.dumps(event), **more
    )


def payload(answer: Any) -> Any:
    return json.loads(answer["Payload"].read())


def test_another_release_of_the_emulator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MINISTACK", "9.9.9")
    with pytest.raises(LocalError, match=r"9\.9\.9"):
        corrections.check_version()


def test_an_exception_is_reported_by_its_own_class_name(platform: Platform) -> None:
    """Lambda: `errorType` is the exception's class; a Step Functions Retry matches it."""
    answer = invoke(platform, {"do": "fail"})
    assert answer["FunctionError"] == "Unhandled"
    body = payload(answer)
    assert body["errorType"] == "KeyError"
    assert body["errorMessage"] == "'a secret of the function'"
    assert any("handler.py" in frame for frame in body["stackTrace"])


def test_an_environment_survives_an_exception(platform: Platform) -> None:
    """Lambda keeps the environment when the handler raises; only its end starts another."""
    before = time.monotonic()
    for _ in range(5):
        invoke(platform, {"do": "fail"})
    assert time.monotonic() - before < 1.0


def test_a_process_that_ends_is_a_runtime_exit_and_the_next_call_works(platform: Platform) -> None:
    assert payload(invoke(platform, {"do": "exit"}))["errorType"] == "Runtime.ExitError"
    assert payload(invoke(platform, {}))["statusCode"] == 200


def test_a_function_out_of_time_is_stopped(platform: Platform) -> None:
    """Lambda: "Task timed out after N seconds"; the template gives five."""
    body = payload(invoke(platform, {"do": "sleep"}))
    assert body["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 5.00 seconds" in body["errorMessage"]


def test_the_log_of_a_call_is_complete(platform: Platform) -> None:
    answer = invoke(platform, {"do": "print"}, LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "printed shared" in log
    assert "without a newline" in log
    events = platform.aws("logs").filter_log_events(logGroupName="/aws/lambda/small-echo")["events"]
    assert "printed shared" in [event["message"] for event in events]
    assert "small-echo\tprinted shared" in (platform.state / "logs" / "functions.log").read_text()


def test_a_function_that_logs_nothing_takes_no_longer_than_one_that_logs(
    platform: Platform,
) -> None:
    """The emulator alone waits 50 ms for a log that never comes. The best of many, in one run."""
    invoke(platform, {"do": "plain"})
    best = {"plain": 60.0, "print": 60.0}
    for _ in range(10):
        for do in best:
            before = time.monotonic()
            invoke(platform, {"do": do})
            best[do] = min(best[do], time.monotonic() - before)
    assert best["plain"] < best["print"] + 0.04


def test_code_comes_before_layers_and_nothing_else_can_be_imported(platform: Platform) -> None:
    """/var/task precedes /opt/python; of the emulator's own packages Lambda knows nothing."""
    got = payload(invoke(platform, {"do": "path"}))
    unpacked = [path for path in got["path"] if "/unpacked/" in path]
    assert got["path"][: len(unpacked)] == unpacked
    assert [path.endswith("/python") for path in unpacked] == [False, True, True]
    assert not [path for path in got["path"] if "site-packages" in path]
    assert (
        payload(invoke(platform, {"do": "import-emulator"}))["errorType"] == "ModuleNotFoundError"
    )


def test_the_environment_is_that_of_lambda(platform: Platform) -> None:
    environment = payload(invoke(platform, {"do": "path"}))["environment"]
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "small-echo"
    assert environment["AWS_LAMBDA_FUNCTION_VERSION"].isdigit()
    assert environment["AWS_ENDPOINT_URL"] == platform.endpoints["aws"]
    assert environment["GATEWAY"] == platform.endpoints["gateway"]
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert not [name for name in environment if name.startswith("MINISTACK")]


def test_an_answer_over_6_mb_is_refused(platform: Platform) -> None:
    """Lambda quotas: 6 MB for a synchronous invocation's answer."""
    assert (
        payload(invoke(platform, {"do": "large"}))["errorType"] == "Function.ResponseSizeTooLarge"
    )


def test_a_function_may_do_only_what_its_role_allows(platform: Platform) -> None:
    """IAM is enforced from each function's role: least privilege is tested, not only read."""
    assert payload(invoke(platform, {"do": "put", "rawQueryString": "allowed"})) == {"done": "put"}
    body = payload(invoke(platform, {"do": "delete-table"}))
    assert body["errorType"] == "ClientError"
    assert "AccessDeniedException" in body["errorMessage"]
    answer = platform.aws("lambda").invoke(
        FunctionName="small-publisher", Qualifier="live", Payload=json.dumps({"do": "put"})
    )
    assert "AccessDeniedException" in payload(answer)["errorMessage"]


def test_a_schedule_is_permitted_by_its_group(platform: Platform) -> None:
    """IAM's resource of a schedule is `schedule/<group>/<name>`."""
    iam, own = platform.aws("iam"), platform.aws("scheduler")
    own.create_schedule_group(Name="mine")
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="plans", AssumeRolePolicyDocument=json.dumps({"Statement": [anybody]})
    )["Role"]["Arn"]
    allowed = {
        "Effect": "Allow",
        "Action": ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"],
        "Resource": "arn:aws:scheduler:us-east-1:000000000000:schedule/mine/*",
    }
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed, passing]})
    iam.put_role_policy(RoleName="plans", PolicyName="all", PolicyDocument=policy)
    given = platform.aws("sts").assume_role(RoleArn=role, RoleSessionName="plans")["Credentials"]
    scheduler = boto3.client(
        "scheduler",
        region_name="us-east-1",
        endpoint_url=platform.endpoints["aws"],
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    schedule: dict[str, Any] = {
        "Name": "one",
        "ScheduleExpression": "at(2090-01-01T00:00:00)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:x", "RoleArn": role},
    }
    scheduler.create_schedule(GroupName="mine", **schedule)
    with pytest.raises(ClientError, match="AccessDenied"):
        scheduler.create_schedule(GroupName="default", **schedule)
    with pytest.raises(ClientError, match="AccessDenied"):
        scheduler.delete_schedule(GroupName="default", Name="one")
    scheduler.delete_schedule(GroupName="mine", Name="one")
    scheduler.close()


def test_a_change_of_the_source_hash_publishes_a_new_version(platform: Platform) -> None:
    """SAM: `AutoPublishCodeSha256: !Ref SourceHash` counts with the value of the deployment."""
    cloudformation, functions = platform.aws("cloudformation"), platform.aws("lambda")
    before = functions.get_alias(FunctionName="small-echo", Name="live")["FunctionVersion"]
    body = cloudformation.get_template(StackName="small", TemplateStage="Original")["TemplateBody"]
    text = body if isinstance(body, str) else json.dumps(body)
    cloudformation.update_stack(
        StackName="small",
        TemplateBody=text,
        Parameters=[
            {"ParameterKey": "SourceHash", "ParameterValue": "abcdef0123456789"},
            {"ParameterKey": "GatewayUrl", "UsePreviousValue": True},
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    deadline = time.monotonic() + 20
    while cloudformation.describe_stacks(StackName="small")["Stacks"][0]["StackStatus"] != (
        "UPDATE_COMPLETE"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    after = functions.get_alias(FunctionName="small-echo", Name="live")["FunctionVersion"]
    assert int(after) > int(before)


def test_calls_count_as_made_over_tls(platform: Platform) -> None:
    """The bucket denies calls with `aws:SecureTransport: false`, of which AWS sees none here."""
    assert payload(invoke(platform, {"do": "put-object"})) == {"done": "put-object"}


def test_an_unknown_qualifier_is_not_invoked(platform: Platform) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        platform.aws("lambda").invoke(FunctionName="small-echo", Qualifier="none", Payload="{}")
