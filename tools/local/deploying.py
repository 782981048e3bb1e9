"""Deploys `template.yaml` to the embedded AWS through CloudFormation, as `sam deploy` would."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tools.local import packaging
from tools.local.aws import client
from tools.local.site import HOST, LocalError, Site

BUCKET = "portico-local-artifacts"
SENDER = "portico@example.com"  # of all mails
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# States that only a deletion gets a stack out of.
_DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
_DIGEST_TAG = "portico-local-digest"


def read_template(path: Path) -> dict[str, Any]:
    """The template as plain data, short forms such as `!Sub` written out."""
    from samtranslator.yaml_helper import yaml_parse

    template: dict[str, Any] = yaml_parse(path.read_text())
    return template


def parameters(template: Mapping[str, Any], site: Site, admin_password: str) -> dict[str, str]:
    """What a local deployment says differently from the template; only what the template knows."""
    machine = platform.machine().lower()
    wanted = {
        "Stage": "dev",
        "Architecture": "arm64" if machine in ("arm64", "aarch64") else "x86_64",
        "AdminPassword": admin_password,
        "GatewayUrl": site.url("gateway"),
        "PublisherUrl": site.url("publisher"),
        "StoreUrl": site.url("store"),
        "AdminUrl": site.url("admin"),
        # The demo back end; a deployed stack allows no private address.
        "AllowedBackendHosts": f"{HOST},localhost",
        "SecureCookies": "false",
        "MailSender": SENDER,
    }
    return {name: value for name, value in wanted.items() if name in template.get("Parameters", {})}


class Deployment:
    """One stack of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.template = read_template(site.template)
        self._endpoint = site.url("aws")
        self._cloudformation = client("cloudformation", self._endpoint)
        self._packages: list[packaging.Package] = []

    def package(self) -> None:
        root = self._site.template.parent
        self._packages = packaging.build(self.template, root, self._site.cache)

    def deploy(self, admin_password: str) -> str:
        """Creates or updates the stack; says which of "created", "updated", "unchanged"."""
        # Mails stay in the embedded AWS: `make mails` shows them.
        client("ses", self._endpoint).verify_email_identity(EmailAddress=SENDER)
        template = self._ready_template(admin_password)
        body = json.dumps(template, sort_keys=True)
        digest = hashlib.sha256(body.encode()).hexdigest()
        status, tags = self._stack()
        if status in _DEAD:
            self._delete()
            status = None
        if tags.get(_DIGEST_TAG) == digest and status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return "unchanged"
        self._upload(body)
        given = [
            {"ParameterKey": name, "ParameterValue": str(entry["Default"])}
            for name, entry in template.get("Parameters", {}).items()
            if "Default" in entry
        ]
        operation = (
            self._cloudformation.update_stack if status else self._cloudformation.create_stack
        )
        try:
            operation(
                StackName=self._site.stack,
                TemplateURL=f"{self._endpoint}/{BUCKET}/template/{digest}.json",
                Parameters=given,
                Capabilities=_CAPABILITIES,
                Tags=[{"Key": _DIGEST_TAG, "Value": digest}],
            )
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return "unchanged"
            raise LocalError(f"CloudFormation refuses the template: {error}") from error
        self._wait()
        self._forget_old()
        return "updated" if status else "created"

    def resources(self) -> dict[str, str]:
        """Physical id by logical id."""
        pages = self._cloudformation.get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
            for page in pages.paginate(StackName=self._site.stack)
            for resource in page["StackResourceSummaries"]
        }

    def _ready_template(self, admin_password: str) -> dict[str, Any]:
        template = copy.deepcopy(self.template)
        for package in self._packages:
            where = {"Bucket": BUCKET, "Key": package.key}
            template["Resources"][package.name]["Properties"][package.field] = where
        # As defaults: a deployment tool that gives no parameters then gets the same stack.
        given = parameters(template, self._site, admin_password)
        if "SourceHash" in template.get("Parameters", {}):
            # New settings need a new version of each function too: an alias stays at the old one.
            made_of = [sorted(package.key for package in self._packages), sorted(given.items())]
            given["SourceHash"] = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
        for name, value in given.items():
            template["Parameters"][name]["Default"] = value
        return template

    def _upload(self, body: str) -> None:
        s3 = client("s3", self._endpoint)
        s3.create_bucket(Bucket=BUCKET)
        known = {
            item["Key"]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            for item in page.get("Contents", [])
        }
        for package in self._packages:
            if package.key not in known:
                s3.put_object(Bucket=BUCKET, Key=package.key, Body=package.content)
        digest = hashlib.sha256(body.encode()).hexdigest()
        s3.put_object(Bucket=BUCKET, Key=f"template/{digest}.json", Body=body.encode())

    def _forget_old(self) -> None:
        """Packages of earlier deployments: the functions have their own copies."""
        s3 = client("s3", self._endpoint)
        current = {package.key for package in self._packages}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for item in page.get("Contents", []):
                if item["Key"] not in current and not item["Key"].startswith("template/"):
                    s3.delete_object(Bucket=BUCKET, Key=item["Key"])

    def _stack(self) -> tuple[str | None, dict[str, str]]:
        try:
            stack = self._cloudformation.describe_stacks(StackName=self._site.stack)["Stacks"][0]
        except ClientError:
            return None, {}
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return None, {}
        return stack["StackStatus"], {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}

    def _delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self._site.stack)
        deadline = time.monotonic() + 60
        while self._stack()[0] not in (None, "DELETE_FAILED") and time.monotonic() < deadline:
            time.sleep(0.2)

    def _wait(self) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            status = self._stack()[0] or "gone"
            if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                return
            if not status.endswith("_IN_PROGRESS"):
                raise LocalError(f"The deployment ended as {status}:\n{self._failures()}")
            time.sleep(0.2)
        raise LocalError("The deployment did not end within five minutes")

    def _failures(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=self._site.stack)
        lines = [
            f"  {event['LogicalResourceId']} ({event['ResourceType']}): "
            f"{event.get('ResourceStatusReason', '')}"
            for event in events["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        return "\n".join(reversed(lines[:12]))
