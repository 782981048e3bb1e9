"""Secrets in AWS Secrets Manager."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import Unavailable


@dataclass(frozen=True)
class SecretsVault:
    """The Vault of `portico.services.rotating`; `client` is botocore's or boto3's."""

    client: Any

    def read(self, name: str) -> str | None:
        try:
            value: str | None = self.client.get_secret_value(SecretId=name).get("SecretString")
        except self.client.exceptions.ResourceNotFoundException:
            # Also what a secret without any version answers; one that is not there at all
            # refuses the write.
            return None
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable(f"The secret could not be read ({_code(exc)})") from exc
        return value

    def write(self, name: str, value: str) -> None:
        try:
            self.client.put_secret_value(SecretId=name, SecretString=value)
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable(f"The secret could not be written ({_code(exc)})") from exc


def _code(exc: ClientError | BotoCoreError) -> str:
    return exc.response["Error"]["Code"] if isinstance(exc, ClientError) else type(exc).__name__
