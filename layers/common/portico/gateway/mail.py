"""The Mailer port on Amazon SES."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import InvalidInput, Unavailable
from portico.domain.executions import Mail

if TYPE_CHECKING:
    from types_boto3_ses import SESClient

# The address is none; everything else (a limit, an unverified sender) may end.
REFUSED = ("InvalidParameterValue",)


class SesMailer:
    """Sends from one verified address."""

    def __init__(self, client: "Callable[[], SESClient]", sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Raises InvalidInput when the recipient's address is none, else Unavailable."""
        if not self._sender:
            raise Unavailable("No address to send from is configured (parameter MailSender)")
        try:
            self._client().send_email(
                Source=self._sender,
                Destination={"ToAddresses": [mail.to]},
                Message={
                    "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": mail.text, "Charset": "UTF-8"}},
                },
                Tags=[{"Name": "portico-mail", "Value": mail.id.replace(".", "_")}],
            )
        except ClientError as exc:
            code = exc.response["Error"].get("Code", "")
            if code in REFUSED:
                raise InvalidInput(f"The address was refused: {code}") from exc
            raise Unavailable(f"SES did not send the mail: {code}") from exc
        except BotoCoreError as exc:
            raise Unavailable("SES did not answer") from exc
