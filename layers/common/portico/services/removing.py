"""The removal of an application in steps, each a commit of its own, that can be taken up again
wherever it stopped.
"""

from dataclasses import dataclass

from portico.domain.application import ApiKey, Application, Client, KeyMapping, Subscription
from portico.domain.errors import LostRace
from portico.domain.records import Change, Discard, Remove
from portico.ports import Records
from portico.services.clients import Clients
from portico.services.ending_api_keys import ending
from portico.services.subscribing import removal

CHUNK = 12  # subscriptions in one commit: seven items each, of a transaction's hundred
ATTEMPTS = 30  # in a row without a step forward, for others count the same APIs' subscribers


@dataclass(frozen=True)
class Removing:
    """Takes apart an application that is marked DELETE_PENDING, so that nothing is added to it
    meanwhile.
    """

    records: Records
    clients: Clients

    def finish(self, application: Application) -> None:
        """Remove its subscriptions, its API keys, its keys, and at last itself; harmless when
        somebody else does the same.
        """
        failures = 0
        while failures < ATTEMPTS:
            try:
                if not self._step(application):
                    return
                failures = 0
            except LostRace:
                failures += 1
        raise LostRace(f"The application '{application.name}' is being changed by others")

    def keys(self, application: Application) -> list[Change]:
        """What to commit for its keys to be gone, and every token of them refused."""
        changes: list[Change] = []
        for mapping in self.records.list(
            KeyMapping, tenant=application.tenant, application_id=application.id
        ):
            changes.append(Remove(mapping))
            client = self.records.get(
                Client, tenant=application.tenant, client_id=mapping.client_id
            )
            changes += self.clients.removal(client) if client else []
        return changes

    def _step(self, application: Application) -> bool:
        """One commit; False after the last."""
        subscriptions = self.records.list(
            Subscription, tenant=application.tenant, application_id=application.id, limit=CHUNK
        )
        if subscriptions:
            changes = [change for one in subscriptions for change in removal(self.records, one)]
            self.records.commit(*changes)
            return True
        api_keys = self.records.list(
            ApiKey, tenant=application.tenant, application_id=application.id, limit=CHUNK
        )
        if api_keys:
            self.records.commit(*(change for one in api_keys for change in ending(one)))
            return True
        self.records.commit(*self.keys(application), Discard(application))
        return False
