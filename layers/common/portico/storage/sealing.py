"""The Sealer port on AWS KMS: texts of up to 4 KB are encrypted by the service itself, so that no
key ever lies with us.
"""

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

MAX_BYTES = 4096  # what KMS encrypts directly with a symmetric key
CONTEXT = "portico:context"  # name of the encryption context, told in CloudTrail
_WRONG = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsSealer:
    """Seals with one KMS key; `client` is called when first needed."""

    def __init__(self, client: "Callable[[], KMSClient]", key: str) -> None:
        self._client = client
        self._key = key

    def seal(self, text: str, context: str) -> str:
        content = text.encode()
        if not 0 < len(content) <= MAX_BYTES:
            raise InvalidInput(f"Only 1 to {MAX_BYTES} bytes can be sealed")
        try:
            answer = self._client().encrypt(
                KeyId=self._key, Plaintext=content, EncryptionContext={CONTEXT: context}
            )
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("The key service did not encrypt") from exc
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def open(self, sealed: str, context: str) -> str:
        try:
            content = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InvalidInput("This is not a sealed text") from exc
        try:
            answer = self._client().decrypt(
                KeyId=self._key, CiphertextBlob=content, EncryptionContext={CONTEXT: context}
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _WRONG:
                raise InvalidInput("The sealed text was not made by this key for this") from exc
            raise Unavailable("The key service did not decrypt") from exc
        except BotoCoreError as exc:
            raise Unavailable("The key service did not answer") from exc
        return answer["Plaintext"].decode()
