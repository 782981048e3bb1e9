"""Passwords that are forgotten, by a mailed link, or changed by somebody who knows the old one.

Who has an account here is told to no one but its owner, by mail.
"""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from portico.domain.errors import InvalidInput, LostRace, NotFound, PorticoError
from portico.domain.records import Create, Remove
from portico.domain.self_service import PasswordReset
from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import Caller, User
from portico.ports import Clock, Mailer, Records
from portico.services import account_mails
from portico.services.accounts import NAME, NO_PASSWORD, Accounts, email_digest
from portico.services.attempts import Guard, network
from portico.services.clients import digest
from portico.services.flows import new_text, tenant_of
from portico.services.password_choice import choice_problems

LIFETIME = 3600  # seconds, of a mailed link
WINDOW = 3600  # seconds
PER_NAME = 5  # requests for one user name or address within the window
PER_ADDRESS = 20  # from one network address
MOST_USERS = 5  # of one e-mail address; each gets a mail of its own
MAX_NAME = 254  # characters of a user name or e-mail address


@dataclass(frozen=True)
class PasswordResets:
    """New passwords for the users of all tenants; `url` is where our pages are."""

    records: Records
    clock: Clock
    accounts: Accounts
    mailer: Mailer
    url: str

    def ask(self, tenant: str, named: str, address: str, flow: str = "") -> list[str]:
        """Mail a link to whoever has this user name or e-mail address, if anybody. `flow` is what
        the browser goes on with afterwards.

        What could not be sent is given back, as sentences for the log: an answer that told it
        would tell that there is such a user. Raises InvalidInput for what is neither,
        TooManyAttempts.
        """
        named = named.strip()
        if not 0 < len(named) <= MAX_NAME:
            raise InvalidInput.of("username", "must be a user name or an e-mail address")
        limits = {f"reset:{email_digest(named)}": PER_NAME}
        if address:
            limits[f"reset-address:{network(address)}"] = PER_ADDRESS
        Guard(self.records, self.clock).take(tenant, limits, WINDOW)
        failures = []
        for user in self._named(tenant, named)[:MOST_USERS]:
            try:
                self._mail_link(user, flow)
            except PorticoError as exc:
                failures.append(f"{type(exc).__name__}: {exc}")
        return failures

    def waiting(self, link: str) -> User:
        """The user whom a mailed link lets choose a password; NotFound when it is used, old, or
        overtaken by another change.
        """
        return self._waiting(link)[1]

    def choose(self, link: str, password: str) -> User:
        """The user with a new password; all sessions and tokens of before end, and so does every
        other link. InvalidInput when it may not be chosen, NotFound as above.
        """
        reset, user = self._waiting(link)
        self._check(user, password)
        try:
            changed = self.accounts.update(
                Caller(user.tenant, user.name), user, password=password, also=[Remove(reset)]
            )
        except LostRace as exc:
            raise NotFound("Link", link[:20]) from exc
        # Whoever reads the mails of the user need not wait until wrong guesses are forgotten.
        Guard(self.records, self.clock).forget(user.tenant, user.name)
        self._tell(changed)
        return changed

    def change(self, tenant: str, name: str, present: str, password: str, address: str) -> User:
        """The user with a new password, who knows the present one; the rest as above.

        Raises Unauthenticated when the present one is wrong, TooManyAttempts.
        """
        user = self.accounts.authenticate(tenant, name, present, address)
        self._check(user, password)
        changed = self.accounts.update(Caller(tenant, user.name), user, password=password)
        self._tell(changed)
        return changed

    def _named(self, tenant: str, named: str) -> list[User]:
        home, name = self.accounts.resolve(named, tenant)
        # What cannot be a name is nobody's, and no key of a table is made of it.
        name = name if NAME.fullmatch(name) else "?"
        found = self.records.get(User, tenant=home, name=name)
        users = [found] if found else self.accounts.with_email(tenant, named)
        return [user for user in users if user.active and user.email]

    def _mail_link(self, user: User, flow: str) -> None:
        if user.password == NO_PASSWORD.text:
            self.mailer.send(account_mails.has_no_password(user.email, user.name))
            return
        link = new_text(user.tenant)
        waiting = PasswordReset(
            tenant=user.tenant,
            digest=digest(link),
            user=user.name,
            user_id=user.id,
            era=user.era,
            expires=int(self.clock.now()) + LIFETIME,
        )
        self.records.commit(Create(waiting))
        page = f"{self.url}/oauth2/reset/new?link={quote(link, safe='')}"
        page += f"&flow={quote(flow, safe='')}" if flow else ""
        self.mailer.send(account_mails.new_password(user.email, user.name, page))

    def _waiting(self, link: str) -> tuple[PasswordReset, User]:
        tenant = tenant_of(link)
        key = digest(link)
        found = self.records.get(PasswordReset, tenant=tenant, digest=key) if tenant else None
        if found is None or found.expires <= self.clock.now():
            raise NotFound("Link", link[:20])
        user = self.records.get(User, tenant=found.tenant, name=found.user)
        if user is None or not user.active or (user.id, user.era) != (found.user_id, found.era):
            raise NotFound("Link", link[:20])
        return found, user

    def _check(self, user: User, password: str) -> None:
        problems = choice_problems(password, user.name, user.email)
        if problems:
            raise InvalidInput("The password cannot be taken", problems)

    def _tell(self, user: User) -> None:
        """Tell the owner; the change stands whether the mail leaves or not."""
        if not user.email:
            return
        base = self.url if user.tenant == SUPER_TENANT else f"{self.url}/t/{user.tenant}"
        mail = account_mails.password_changed(user.email, user.name, f"{base}/oauth2/reset")
        with suppress(PorticoError):
            self.mailer.send(mail)
