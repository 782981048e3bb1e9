"""Whether a user who signed in some time ago is still the one: for what was given to them then and
is used now.
"""

from portico.domain.gateway import Revocation, subject_of_user
from portico.domain.records import Wanted
from portico.domain.user import User
from portico.ports import Clock, Records


def same_user(
    records: Records, clock: Clock, tenant: str, name: str, user_id: str, at: float
) -> User | None:
    """The active user of this name and id, whose sign-ins of that moment (epoch seconds) nobody has
    ended since, as a new password does; None otherwise.
    """
    user, ended = records.gather(
        Wanted(User, {"tenant": tenant, "name": name}),
        Wanted(Revocation, {"tenant": tenant, "subject": subject_of_user(name)}),
    )
    if not isinstance(user, User) or not user.active or user.id != user_id:
        return None
    if isinstance(ended, Revocation) and ended.ends(int(at), clock.now()):
        return None
    return user
