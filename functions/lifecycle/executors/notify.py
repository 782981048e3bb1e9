"""`Notify`: a mail to everyone who subscribed when the transition was taken.

A mail is noted after it has left. One whose function dies between the two leaves again: better
twice than never.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from functions.lifecycle.executors.execution import Job
from portico.domain.errors import InvalidInput
from portico.domain.executions import Mail, MailSent, Recipient
from portico.domain.records import Put
from portico.domain.user import User
from portico.ports import Clock, Documents, Mailer, Records

PAGE = 20  # mails of one run; the worker's lease is renewed between runs
KEPT = 30 * 86_400  # seconds that it is known which mail has left
SUBJECT = "$api $version: $event"
TEXT = """Hello $name,

"$event" has been carried out on the API $api $version, which you use with $applications.
Its state is $state now; it was $previous.
"""


@dataclass(frozen=True)
class Notify:
    """Parameters `subject` and `text` are templates with $api, $version, $event, $state, $previous,
    $name and $applications.
    """

    records: Records
    documents: Documents
    clock: Clock
    mailer: Mailer

    def __call__(self, job: Job) -> int | None:
        people = self._recipients(job.recipients)
        page = people[job.done : job.done + PAGE]
        keys = [{"tenant": job.tenant, "name": one.user.lower()} for one in page]
        users = {user.name: user for user in self.records.get_many(User, keys)}
        sent = [{"tenant": job.tenant, "execution": job.id, "digest": _digest(p)} for p in page]
        gone = {found.digest for found in self.records.get_many(MailSent, sent)}
        for one in page:
            user = users.get(one.user.lower())
            # Whoever has left, or never gave an address, cannot be told.
            if user and user.active and user.email and _digest(one) not in gone:
                self._send(job, one, user)
        done = job.done + len(page)
        return done if done < len(people) else None

    def _send(self, job: Job, one: Recipient, user: User) -> None:
        mail = written(job, one, user)
        try:
            self.mailer.send(mail)
        except InvalidInput:
            return  # the address is no address; the others are still to be told
        until = int(self.clock.now()) + KEPT
        self.records.commit(
            Put(MailSent(tenant=job.tenant, execution=job.id, digest=_digest(one), expires=until))
        )

    def _recipients(self, key: str) -> list[Recipient]:
        content = self.documents.read(key) if key else None
        if content is None:
            raise FileNotFoundError("the list of recipients is gone")
        return [
            Recipient(user=str(one["user"]), applications=tuple(one["applications"]))
            for one in json.loads(content)
        ]


def written(job: Job, one: Recipient, user: User) -> Mail:
    """The mail to one subscriber."""
    told: Mapping[str, str] = {
        "api": job.transition["api"]["name"],
        "version": job.transition["api"]["version"],
        "event": job.transition["event"],
        "state": job.transition["to"],
        "previous": job.transition["from"],
        "name": user.given_name or user.name,
        "applications": ", ".join(one.applications),
    }
    subject = Template(job.parameters.get("subject") or SUBJECT).safe_substitute(told)
    text = Template(job.parameters.get("text") or TEXT).safe_substitute(told)
    # A name with a line break would end the header.
    return Mail(f"{job.id}.{_digest(one)[:16]}", user.email, " ".join(subject.split()), text)


def _digest(one: Recipient) -> str:
    return hashlib.sha256(one.user.lower().encode()).hexdigest()
