"""Connections to back ends: guarded addresses, pinned, kept alive, and bounded in number."""

import select
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from functions.gateway.deadline import Deadline
from portico.domain.addresses import Target, pin, target_of
from portico.domain.bounded import Bounded

MAX_IDLE = 64  # connections that wait for their next call
MAX_AUTHORITIES = 64  # private certificate authorities with a TLS context of their own
IDLE_SECONDS = 30.0  # an older idle socket is not trusted: the function may have been frozen
NAME_SECONDS = 30.0  # how long a resolved address is used
CONNECT_SECONDS = 5.0

Resolve = Callable[[str, int], Sequence[str]]
Place = tuple[Target, str, str]  # where to, at which address, trusting whom


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(eq=False)
class Connection:
    """A socket to a back end. `kept`: it has carried a call before, so its other end may have
    closed it by now; `sent`: something of the present call has left.
    """

    place: Place
    wire: socket.socket
    kept: bool = False
    sent: bool = False
    idle_since: float = field(default=0.0)

    def send(self, head: bytes, body: bytes, deadline: Deadline) -> None:
        """Send a request. Raises OSError; `sent` then tells whether the back end may know of it."""
        self.sent = False
        data = head + body
        self.wire.settimeout(deadline.left())
        count = self.wire.send(data)
        self.sent = True
        if count < len(data):
            self.wire.settimeout(deadline.left())
            self.wire.sendall(memoryview(data)[count:])

    @property
    def quiet(self) -> bool:
        """Whether nothing has come on the idle connection: neither its end nor what nobody asked
        for.
        """
        poll = select.poll()
        poll.register(self.wire, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.wire.close()


class Backends:
    """Connections by back end and address; one call uses one, and gives it back."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolve: Resolve = resolve,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._allowed = allowed_hosts
        self._resolve = resolve
        self._clock = clock
        self._addresses: Bounded[Target, str] = Bounded(MAX_IDLE * 4, clock)
        self._idle: OrderedDict[Place, Connection] = OrderedDict()
        self._trust: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    @property
    def idle(self) -> int:
        """How many connections wait."""
        return len(self._idle)

    def take(
        self, endpoint: str, authorities: str, deadline: Deadline, fresh: bool = False
    ) -> Connection:
        """A connection to an endpoint's host; `authorities` (PEM) are those that it trusts in place
        of the public ones.

        Raises AddressRefused for an address that users may not make us call, else OSError.
        """
        target = target_of(endpoint)
        address = self._addresses.get(target)
        if address is None:
            address = pin(target, self._resolve(target.host, target.port), self._allowed)
            self._addresses.put(target, address, self._clock() + NAME_SECONDS)
        place = (target, address, authorities if target.scheme == "https" else "")
        idle = self._idle.pop(place, None)
        if idle is not None:
            if not fresh and self._clock() - idle.idle_since <= IDLE_SECONDS and idle.quiet:
                return idle
            idle.close()
        try:
            return Connection(place, self._connect(place, deadline))
        except OSError:
            # The next call asks for the address anew: this one may be gone.
            self._addresses.put(target, address, 0)
            raise

    def give(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        connection.kept, connection.idle_since = True, self._clock()
        other = self._idle.pop(connection.place, None)
        if other is not None:
            other.close()
        self._idle[connection.place] = connection
        if len(self._idle) > MAX_IDLE:
            self._idle.popitem(last=False)[1].close()

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.popitem()[1].close()

    def _connect(self, place: Place, deadline: Deadline) -> socket.socket:
        target, address, authorities = place
        wire = socket.create_connection(
            (address, target.port), min(CONNECT_SECONDS, deadline.left())
        )
        try:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "http":
                return wire
            wire.settimeout(min(CONNECT_SECONDS, deadline.left()))
            # The name is what the certificate must be for; the address was judged before.
            return self._context(authorities).wrap_socket(wire, server_hostname=target.host)
        except BaseException:
            wire.close()
            raise

    def _context(self, authorities: str) -> ssl.SSLContext:
        name = sha256(authorities.encode()).hexdigest() if authorities else ""
        context = self._trust.pop(name, None)
        if context is None:
            # With authorities of its own, an endpoint trusts no public one.
            context = ssl.create_default_context(cadata=authorities or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._trust[name] = context
        if len(self._trust) > MAX_AUTHORITIES:
            self._trust.popitem(last=False)
        return context
