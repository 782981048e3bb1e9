"""The Documents port on S3."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class BucketDocuments:
    """Documents in one private bucket, encrypted at rest by the bucket's default."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str) -> bytes | None:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        except ClientError as exc:
            raise Unavailable("The document store did not answer") from exc

    def write(self, key: str, content: bytes, content_type: str) -> None:
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type
            )
        except ClientError as exc:
            raise Unavailable("The document store did not take the document") from exc

    def delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            raise Unavailable("The document store did not answer") from exc

    def upload_form(self, key: str, max_bytes: int, seconds: int) -> dict[str, Any]:
        return self._client.generate_presigned_post(
            self._bucket,
            key,
            Conditions=[["content-length-range", 1, max_bytes]],
            ExpiresIn=seconds,
        )
