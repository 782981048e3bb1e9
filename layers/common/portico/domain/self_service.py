"""What people do for their own accounts: sign-ups and forgotten passwords that wait for a mailed
link, and who is who at another company's provider.

Links are stored by their SHA-256 digest and have an end (epoch seconds).
"""

from dataclasses import dataclass

from portico.domain.records import Record


@dataclass(frozen=True, kw_only=True)
class SignUp(Record):
    """An account that is made when the link that was mailed comes back."""

    digest: str
    name: str
    email: str
    password: str  # hashed
    expires: int
    given_name: str = ""
    family_name: str = ""


@dataclass(frozen=True, kw_only=True)
class PasswordReset(Record):
    """A mailed link that may set one new password for a user who has not got one since."""

    digest: str
    user: str
    user_id: str
    era: int  # the user's when the link was made
    expires: int


@dataclass(frozen=True, kw_only=True)
class UserEmail(Record):
    """Finds the users who have an e-mail address; there may be several."""

    email: str  # SHA-256 (hex) of the address in lower case
    user: str


@dataclass(frozen=True, kw_only=True)
class ExternalUser(Record):
    """Ties a person at a login provider to a user of ours."""

    provider: str
    subject: str  # SHA-256 (hex) of the provider's `iss` and the person's `sub`
    user: str
    user_id: str
