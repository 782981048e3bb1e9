"""Shows the mails that the embedded AWS took and kept, for `make mails`; none leaves here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.local.client import Http
from tools.local.site import LocalError, Site

RULE = "-" * 72


def show_mails(site: Site) -> None:
    """Prints all mails, the newest last. Raises LocalError when nothing runs that could know."""
    try:
        answer = Http(site.url("aws")).call("GET", "/_ministack/ses/messages")
        kept: dict[str, list[dict[str, Any]]] = answer.expect(200).json["messages"]
    except OSError as error:
        raise LocalError("Nothing is running. Start it with: make up") from error
    mails = sorted((mail for mails in kept.values() for mail in mails), key=_at)
    if not mails:
        print("There are no mails.")
    for mail in mails:
        print(f"{RULE}\n{text_of(mail)}")


def text_of(mail: dict[str, Any]) -> str:
    """A mail as people read it."""
    sent = datetime.fromtimestamp(_at(mail)).astimezone().isoformat(" ", "seconds")
    to = ", ".join(mail.get("To", []))
    head = f"From: {mail.get('Source', '')}\nTo: {to}\nDate: {sent}\n"
    text = mail.get("BodyText") or mail.get("BodyHtml") or ""
    return f"{head}Subject: {mail.get('Subject', '')}\n\n{text.rstrip()}\n"


def _at(mail: dict[str, Any]) -> float:
    return float(mail.get("Timestamp", 0))
