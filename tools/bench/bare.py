"""The yardstick: a handler that makes one DynamoDB call through boto3 and does nothing else."""

import os
from typing import Any

import boto3

client = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One GetItem."""
    key = {"pk": {"S": "bare"}, "sk": {"S": "bare"}}
    client.get_item(TableName=os.environ["PORTICO_GATEWAY_TABLE"], Key=key)
    return {"statusCode": 200}
