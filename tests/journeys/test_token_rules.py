"""An administrator's rules about tokens on the deployed stack: a secret of a login provider is
sealed, and a function of the operator's own adds a header to token responses.
"""

import io
import json
import zipfile

from tests.deployed import Person, Stack

FUNCTION = "portico-hook-cost-centre"
CODE = """
def handler(event, context):
    return {"headers": {"X-Cost-Centre": event["user"]["name"]}, "fields": {"cost": 42}}
"""
PROVIDER = {
    "id": "corp",
    "name": "Corporate sign-in",
    "issuer": "https://login.example.com",
    "clientId": "portico",
    "clientSecret": "top-s3cret",
}


def make_function(stack: Stack) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("hook.py", CODE)
    roles = stack.aws("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    policy = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = roles.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=json.dumps(policy))
    roles.close()
    functions = stack.aws("lambda")
    functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Handler="hook.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": packed.getvalue()},
    )
    functions.close()


def test_rules_about_tokens_are_followed_at_once(stack: Stack, admin: Person) -> None:
    make_function(stack)
    before = admin.send("GET", "/tenant-config")
    extension = {"name": FUNCTION, "seconds": 10, "failOpen": False}
    wish = {
        "Tokens": {**before.json()["Tokens"], "extension": extension, "loginProviders": [PROVIDER]}
    }
    headers = {"If-Match": before.headers["etag"]}
    changed = admin.send("PUT", "/tenant-config", json=wish, headers=headers)
    try:
        assert changed.json()["Tokens"]["loginProviders"][0]["hasClientSecret"] is True
        assert "top-s3cret" not in changed.text
        answer = stack.http.post(
            f"{stack.endpoints['token']}/oauth2/token",
            auth=(admin.client["clientId"], admin.client["clientSecret"]),
            data={"grant_type": "password", "username": admin.name, "password": admin.password},
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Cost-Centre"] == "admin"
        assert answer.json()["cost"] == 42
    finally:
        admin.send("PUT", "/tenant-config", json={"Tokens": before.json()["Tokens"]})
