"""Sends a request to one endpoint and brings the answer back: one exchange, repeated only where
that is safe.
"""

import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any

from functions.gateway.answers import Answer, Reading, TooMuch, Unusable, answer_of
from functions.gateway.backends import Backends, Connection
from functions.gateway.deadline import Deadline
from functions.gateway.requests import Malformed, Outgoing, outgoing
from portico.domain.addresses import AddressRefused

SECONDS = 28.0  # for the whole exchange; API Gateway waits 30
LOST = "101503"
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})  # RFC 9110 9.2.2


class NotDelivered(Exception):
    """The back end gave no usable answer; `code` is the fault.

    `sent`: the back end may have seen the request. `told`: what the caller learns in place of the
    fault's own description.
    """

    def __init__(self, code: str, reason: str, sent: bool = True, told: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.sent = sent
        self.told = told


class Forwarder:
    """Forwards calls over connections that it keeps."""

    def __init__(
        self,
        backends: Backends,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = SECONDS,
    ) -> None:
        self._backends = backends
        self._clock = clock
        self._seconds = seconds

    def deadline(self) -> Deadline:
        """The time that one call has."""
        return Deadline(self._seconds, self._clock)

    def forward(self, event: Mapping[str, Any], decision: Mapping[str, Any]) -> Answer:
        """The answer of the endpoint that the decision names. Raises NotDelivered."""
        return self.exchange(outgoing(event, decision), str(decision["endpoint"]), self.deadline())

    def exchange(
        self, request: Outgoing, endpoint: str, deadline: Deadline, authorities: str = ""
    ) -> Answer:
        """An endpoint's answer. Raises NotDelivered."""
        try:
            head = request.head(endpoint)
        except Malformed as exc:
            raise NotDelivered("400", str(exc), sent=False) from exc
        connection = self._take(endpoint, authorities, deadline)
        try:
            return self._over(connection, head, request, deadline)
        except NotDelivered as failure:
            # An idle connection that the back end had closed: if nothing left, or if it may be
            # repeated (RFC 9110 section 9.2.2), the call is, on a fresh one and once.
            again = connection.kept and failure.code == LOST and not deadline.over
            if not again or (failure.sent and request.method not in IDEMPOTENT):
                raise
        return self._over(
            self._take(endpoint, authorities, deadline, fresh=True), head, request, deadline
        )

    def _take(
        self, endpoint: str, authorities: str, deadline: Deadline, fresh: bool = False
    ) -> Connection:
        try:
            return self._backends.take(endpoint, authorities, deadline, fresh)
        except AddressRefused as exc:
            raise NotDelivered("101503", f"The endpoint {exc}", sent=False) from exc
        except (OSError, ValueError) as exc:
            raise NotDelivered("101503", f"No connection: {exc}", sent=False) from exc

    def _over(
        self, connection: Connection, head: bytes, request: Outgoing, deadline: Deadline
    ) -> Answer:
        """One exchange over a connection, which is kept or closed by its end."""
        reading = Reading(connection.wire, request.method, deadline)
        usable = False
        try:
            self._ask(connection, reading, head, request, deadline)
            answer = answer_of(reading, reading.content())
            usable = reading.reusable
        except TimeoutError as exc:
            raise NotDelivered("101504", "The answer did not end in time") from exc
        except TooMuch as exc:
            raise NotDelivered("101513", str(exc)) from exc
        except (Unusable, HTTPException, OSError) as exc:
            raise NotDelivered("101507", f"{type(exc).__name__}: {exc}"[:300]) from exc
        finally:
            if usable:
                self._backends.give(connection)
            else:
                connection.close()
        return answer

    def _ask(
        self,
        connection: Connection,
        reading: Reading,
        head: bytes,
        request: Outgoing,
        deadline: Deadline,
    ) -> None:
        """Send the request and read the answer's head; a connection that ends meanwhile is lost."""
        try:
            try:
                connection.send(head, request.body, deadline)
            except (BrokenPipeError, ConnectionResetError):
                # Who refuses a long request may have answered before its end.
                if not connection.sent:
                    raise
            reading.start()
        except TimeoutError:
            raise
        except OSError as exc:
            raise NotDelivered(LOST, f"The connection ended: {exc}", connection.sent) from exc
