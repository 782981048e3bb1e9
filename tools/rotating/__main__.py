"""The command behind `make rotate-keys`: has a deployment rotate its signing keys now.

Tokens that were issued before stay valid to their end: the deployment publishes the new keys
first, signs with them a quarter of an hour later, and removes the old ones when nothing of theirs
can live.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Rotate and say what was made; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.rotating", description=__doc__)
    parser.add_argument("environment", help="dev or prod of samconfig.toml, or local")
    parser.add_argument("--stack", help="name of the stack, when it is another")
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="of the local platform")
    options = parser.parse_args()
    try:
        if options.environment == "local":
            client, stack = _local(options.state)
        else:
            client, stack = _remote(options.environment)
        made = rotate(client, options.stack or stack)
    except (BotoCoreError, ClientError, OSError, KeyError, RuntimeError) as exc:
        print(f"The keys of {options.environment} were not rotated: {exc}", file=sys.stderr)
        return 1
    if made:
        print(f"New keys, published now, signing in 15 minutes: {', '.join(made)}")
    else:
        print("Nothing to do: keys that were made a moment ago do not sign yet.")
    return 0


def rotate(client: Any, stack: str) -> list[str]:
    """The ids of the new keys; `client` is boto3's of Lambda."""
    answer = client.invoke(
        FunctionName=f"{stack}-bootstrap:live", Payload=json.dumps({"request": "rotate-keys"})
    )
    told = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise RuntimeError(f"{told.get('errorType')}: {told.get('errorMessage')}")
    return [kid for kid in told["ok"]["NewKeys"].split(",") if kid]


def _patient() -> Config:
    return Config(read_timeout=125, retries={"total_max_attempts": 1})


def _local(state: Path) -> tuple[Any, str]:
    endpoints = json.loads((state / "endpoints.json").read_text())
    session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
    client = session.client("lambda", endpoint_url=endpoints["aws"], config=_patient())
    return client, endpoints["stack"]


def _remote(environment: str) -> tuple[Any, str]:
    known = tomllib.loads((ROOT / "samconfig.toml").read_text())
    given = known[environment]["deploy"]["parameters"]
    client: Any = boto3.client("lambda", region_name=given.get("region"), config=_patient())
    return client, given["stack_name"]


if __name__ == "__main__":
    sys.exit(main())
