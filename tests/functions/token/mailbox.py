"""The mails that the embedded AWS was asked to send."""

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3

from tests.conftest import REGION

SENDER = "portico@example.com"
LINK = re.compile(r"^http\S+$", re.MULTILINE)


@dataclass(frozen=True)
class Mailbox:
    """Everybody's mails, by the address of the embedded AWS."""

    url: str

    @classmethod
    def at(cls, url: str) -> "Mailbox":
        client = boto3.client("ses", region_name=REGION)
        client.verify_email_identity(EmailAddress=SENDER)
        client.close()
        return cls(url)

    def to(self, address: str) -> list[tuple[str, str]]:
        """Subject and text of each mail to an address, in order."""
        return [
            (str(mail["Subject"]), str(mail["BodyText"]))
            for mail in self._all()
            if address in mail["To"]
        ]

    def link(self, address: str) -> str:
        """The link in the last mail to an address."""
        found = LINK.findall(self.to(address)[-1][1])
        assert len(found) == 1, found
        return str(found[0])

    def _all(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_ministack/ses/messages") as answer:
            accounts = json.load(answer)["messages"]
        return [mail for mails in accounts.values() for mail in mails]
