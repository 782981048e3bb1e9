"""Token families: what one sign-in began, ended all at once (RFC 9700 section 4.14.2)."""

from collections.abc import Sequence
from dataclasses import replace

from portico.domain.application import Client
from portico.domain.errors import LostRace
from portico.domain.gateway import Revocation
from portico.domain.records import Change, Put, Replace
from portico.domain.user import Caller, TokenFamily
from portico.ports import Clock, Records
from portico.services.auditing import audit

TRIES = 8  # a client may be rotating the family's refresh token meanwhile


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


def _ending(records: Records, clock: Clock, client: Client, family_id: str) -> list[Change]:
    found = records.get(TokenFamily, tenant=client.tenant, id=family_id) if family_id else None
    if found is None or found.revoked:
        return []
    # The family's own end is that of its refresh tokens; access tokens may outlive it.
    until = max(found.expires, int(clock.now()) + client.token_validity)
    return [
        Replace(replace(found, revoked=True, expires=until)),
        Put(Revocation(tenant=client.tenant, subject=f"fam:{family_id}", expires=until)),
    ]
