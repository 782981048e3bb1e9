"""Connections to back ends: guarded addresses, pinned, kept alive, and bounded in number."""

import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from http.client import HTTPResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from portico.domain.addresses import Target, pin, target_of
from portico.domain.bounded import Bounded

MAX_POOLS = 64  # back ends with open connections
IDLE_SECONDS = 30.0  # an older idle socket is not trusted: the function may have been frozen
NAME_SECONDS = 30.0  # how long a resolved address is used
MAX_INTERIM = 10  # interim answers before the real one
TARGET = "x-portico-target"  # carries the request target past urllib3's normalisation

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Final(HTTPResponse):
    """Reads up to the final answer (RFC 9110, section 15.2); the base class skips only 100.

    Taken for the answer, a 103 would leave the real one on the connection, for the next caller.
    """

    def begin(self) -> None:
        super().begin()
        for _ in range(MAX_INTERIM):
            if not 101 < self.status < 200:
                return
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _Exact:
    """Sends the request target as given: a client's query may be signed as it stands."""

    response_class: Any = _Final
    wire: socket.socket | None = None

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any
    ) -> None:
        target = headers.pop(TARGET, url)
        super().request(method, target, body=body, headers=headers, **more)  # type: ignore[misc]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        # The answer's reader detaches the socket from the connection; its timeout is still ours to
        # set.
        self.wire = self.sock  # type: ignore[attr-defined]


class _Http(_Exact, HTTPConnection):
    pass


class _Https(_Exact, HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


Pool = _HttpPool | _HttpsPool


class Backends:
    """Pools of connections, one for each back end and address."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        resolve: Resolve = resolve,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._allowed = allowed_hosts
        self._resolve = resolve
        self._clock = clock
        self._addresses: Bounded[Target, str] = Bounded(MAX_POOLS * 4, clock)
        self._pools: OrderedDict[tuple[Target, str], tuple[Pool, float]] = OrderedDict()
        self._tls: ssl.SSLContext | None = None

    def pool(self, endpoint: str) -> Pool:
        """Connections to an endpoint's host. Raises AddressRefused or OSError."""
        target = target_of(endpoint)
        address = self._addresses.get(target)
        if address is None:
            address = pin(target, self._resolve(target.host, target.port), self._allowed)
            self._addresses.put(target, address, self._clock() + NAME_SECONDS)
        now = self._clock()
        pool, used = self._pools.pop((target, address), (None, now))
        if pool is not None and now - used > IDLE_SECONDS:
            pool.close()
            pool = None
        if pool is None:
            pool = self._open(target, address)
        self._pools[target, address] = (pool, now)
        if len(self._pools) > MAX_POOLS:
            self._pools.popitem(last=False)[1][0].close()
        return pool

    def close(self) -> None:
        """Close all connections."""
        for pool, _ in self._pools.values():
            pool.close()
        self._pools.clear()

    def _open(self, target: Target, address: str) -> Pool:
        if target.scheme == "http":
            return _HttpPool(address, target.port, maxsize=4)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        # The name is what the certificate must be for; the address was judged before.
        return _HttpsPool(
            address,
            target.port,
            maxsize=4,
            ssl_context=self._tls,
            server_hostname=target.host,
            assert_hostname=target.host,
        )
