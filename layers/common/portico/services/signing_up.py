"""Making an account for oneself: asked for on a page, made when the mailed link is confirmed.

Whether user name or address are known is told by mail only, never by an answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from portico.domain.claims import DIALECT
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, NotFound, Problem
from portico.domain.executions import Mail
from portico.domain.records import Create, Remove
from portico.domain.self_service import SignUp
from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import Caller, User
from portico.ports import Clock, Mailer, Records
from portico.services import account_mails
from portico.services.accounts import Accounts, Hashed, email_digest, name_problems
from portico.services.attempts import Guard, network
from portico.services.clients import digest
from portico.services.flows import new_text, tenant_of
from portico.services.password_choice import choice_problems

LIFETIME = 86_400  # seconds, of a mailed link
WINDOW = 3600  # seconds
PER_EMAIL = 5  # sign-ups with one address within the window
PER_ADDRESS = 20  # from one network address
VERIFIED = f"{DIALECT}/identity/emailVerified"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5321's plain form: no quoted parts, no address literals, international domains as `xn--`.
EMAIL = re.compile(rf"(?=.{{3,254}}\Z)(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
MAX_PERSONAL = 100  # characters of a given or family name
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True)
class Wish:
    """What somebody fills in to get an account."""

    name: str
    email: str
    password: str
    given_name: str = ""
    family_name: str = ""


@dataclass(frozen=True)
class SigningUp:
    """Sign-ups of all tenants; `url` is where our pages are, without a slash at its end."""

    records: Records
    clock: Clock
    accounts: Accounts
    mailer: Mailer
    url: str

    def ask(self, tenant: str, wish: Wish, address: str, flow: str = "") -> None:
        """Mail the link that makes the account, or else what stands against it.

        `flow` is what the browser goes on with afterwards. Raises InvalidInput for what breaks a
        rule, TooManyAttempts, or Unavailable when the mail cannot be sent: whoever asks again gets
        another one.
        """
        name = wish.name.strip().lower().removesuffix(f"@{tenant}")
        email = wish.email.strip()
        problems = self._problems(tenant, name, email, wish)
        if problems:
            raise InvalidInput("The account cannot be made", problems)
        limits = {f"sign-up:{email_digest(email)}": PER_EMAIL}
        if address:
            limits[f"sign-up-address:{network(address)}"] = PER_ADDRESS
        Guard(self.records, self.clock).take(tenant, limits, WINDOW)
        taken = self.records.get(User, tenant=tenant, name=name)
        owners = self.accounts.with_email(tenant, email)
        link = new_text(tenant)
        # Written and hashed in every case, so that all take the same time; a link that is not
        # mailed leads nowhere.
        waiting = SignUp(
            tenant=tenant,
            digest=digest(link),
            name=name,
            email=email,
            password=self.accounts.hasher.hash(wish.password),
            given_name=wish.given_name.strip(),
            family_name=wish.family_name.strip(),
            expires=int(self.clock.now()) + LIFETIME,
        )
        self.records.commit(Create(waiting))
        self.mailer.send(self._mail(waiting, link, flow, taken, owners))

    def waiting(self, link: str) -> SignUp:
        """The sign-up that a mailed link confirms; NotFound when it is used, old or wrong."""
        tenant = tenant_of(link)
        found = self.records.get(SignUp, tenant=tenant, digest=digest(link)) if tenant else None
        if found is None or found.expires <= self.clock.now():
            raise NotFound("Sign-up", link[:20])
        return found

    def confirm(self, link: str, roles: Sequence[str]) -> User:
        """The account, with these roles; AlreadyExists when name or address have been taken since,
        NotFound as above.
        """
        asked = self.waiting(link)
        if self.accounts.with_email(asked.tenant, asked.email):
            raise AlreadyExists("There is an account with this e-mail address already")
        try:
            return self.accounts.create(
                Caller(asked.tenant, asked.name),
                asked.name,
                Hashed(asked.password),
                roles,
                email=asked.email,
                given_name=asked.given_name,
                family_name=asked.family_name,
                claims={VERIFIED: "true"},
                also=[Remove(asked)],
            )
        except LostRace as exc:
            raise NotFound("Sign-up", link[:20]) from exc

    def _mail(
        self, waiting: SignUp, link: str, flow: str, taken: User | None, owners: Sequence[User]
    ) -> Mail:
        base = self.url if waiting.tenant == SUPER_TENANT else f"{self.url}/t/{waiting.tenant}"
        more = f"&flow={quote(flow, safe='')}" if flow else ""
        to, name = waiting.email, waiting.name
        if owners:
            return account_mails.have_an_account(to, owners[0].name, f"{base}/oauth2/reset")
        if taken:
            again = f"{base}/oauth2/sign-up" + (f"?{more[1:]}" if more else "")
            return account_mails.name_is_taken(to, name, again)
        page = f"{self.url}/oauth2/sign-up/confirm?link={quote(link, safe='')}{more}"
        return account_mails.confirm_sign_up(to, name, page)

    def _problems(self, tenant: str, name: str, email: str, wish: Wish) -> list[Problem]:
        problems = name_problems(name)
        if not problems and self.accounts.resolve(name, tenant) != (tenant, name):
            problems = [Problem("userName", "must not end with the name of an organisation here")]
        if not EMAIL.fullmatch(email):
            problems.append(Problem("email", "must be an e-mail address"))
        for field, text in (("givenName", wish.given_name), ("familyName", wish.family_name)):
            if len(text) > MAX_PERSONAL or _CONTROL.search(text):
                problems.append(Problem(field, f"must have at most {MAX_PERSONAL} characters"))
        return [*problems, *choice_problems(wish.password, name, email)]
