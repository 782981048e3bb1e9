"""Token families: what one sign-in began, ended all at once (RFC 9700 section 4.14.2), and marks
that end every family of a user, an application or a client.
"""

from collections.abc import Sequence
from dataclasses import replace

from portico.domain.application import Client
from portico.domain.errors import LostRace
from portico.domain.gateway import GatewayApplication, Revocation, subject_of_user
from portico.domain.records import Change, Put, Record, Replace, Wanted
from portico.domain.user import Caller, TokenFamily
from portico.ports import Clock, Records
from portico.services.auditing import audit

TRIES = 8  # a client may be rotating the family's refresh token meanwhile
LONGEST_REFRESH = 31_536_000  # seconds; no refresh token lives longer


def end(
    records: Records, clock: Clock, client: Client, family_id: str, also: Sequence[Change] = ()
) -> None:
    """Revoke every token of a family, and commit `also` with it; harmless when it has ended."""
    for attempt in range(TRIES):
        changes = [*also, *_ending(records, clock, client, family_id)]
        if not changes:
            return
        owner = Caller(client.tenant, client.application_owner or client.owner)
        entry = audit(clock, owner, "revoke-token", "client", client.client_id)
        try:
            records.commit(*changes, entry)
            return
        except LostRace:
            if attempt == TRIES - 1:
                raise


def user_ended(clock: Clock, tenant: str, name: str, *, sparing: bool = False) -> Put:
    """What to commit so that every token and refresh token that a user got until now is refused.

    With `sparing` those of this very second hold: they may be ones that a new password got.
    """
    now = int(clock.now())
    return Put(
        Revocation(
            tenant=tenant,
            subject=subject_of_user(name),
            expires=now + LONGEST_REFRESH,
            since=now - 1 if sparing else now,
        )
    )


def marks(client: Client, user_name: str) -> list[Wanted]:
    """What may have ended all families of a client or user (a name without tenant), to be read
    along with a refresh token.
    """
    subjects = [f"client:{client.client_id}", subject_of_user(user_name)]
    wanted = [Wanted(Revocation, {"tenant": client.tenant, "subject": one}) for one in subjects]
    if client.application_id:
        key = {"tenant": client.tenant, "application_id": client.application_id}
        wanted.append(Wanted(GatewayApplication, key))
    return wanted


def outlived(family: TokenFamily, found: Sequence[Record | None], now: float) -> bool:
    """Whether one of its `marks` ended the family; `now` in epoch seconds."""
    return any(
        (isinstance(mark, Revocation) and mark.ends(family.began, now))
        or (
            isinstance(mark, GatewayApplication) and bool(mark.since) and family.began <= mark.since
        )
        for mark in found
    )


def end_given(records: Records, clock: Clock, client: Client, family_id: str) -> None:
    """Revoke every token of a family that something used up, such as a code, gave.

    Without a refresh token nothing is stored of a family; its access tokens are revoked all the
    same. Harmless when it has ended.
    """
    end(records, clock, client, family_id)
    revoked = Revocation(
        tenant=client.tenant,
        subject=f"fam:{family_id}",
        expires=int(clock.now()) + _longest(client),
    )
    if records.get(Revocation, tenant=client.tenant, subject=revoked.subject) is None:
        owner = Caller(client.tenant, client.application_owner or client.owner)
        entry = audit(clock, owner, "revoke-token", "client", client.client_id)
        records.commit(Put(revoked), entry)


def _longest(client: Client) -> int:
    """How long an access token of the client may be valid, in seconds."""
    return max((client.token_validity, *client.validities.values()))


def _ending(records: Records, clock: Clock, client: Client, family_id: str) -> list[Change]:
    found = records.get(TokenFamily, tenant=client.tenant, id=family_id) if family_id else None
    if found is None or found.revoked:
        return []
    # The family's own end is that of its refresh tokens; access tokens may outlive it.
    until = max(found.expires, int(clock.now()) + _longest(client))
    return [
        Replace(replace(found, revoked=True, expires=until)),
        Put(Revocation(tenant=client.tenant, subject=f"fam:{family_id}", expires=until)),
    ]
