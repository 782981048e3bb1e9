"""The outside world, on one page: what services need of it. Adapters implement these;
`tests/fakes.py` has the fakes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from portico.domain.executions import Mail
from portico.domain.http_api import Survey, WantedRoute
from portico.domain.records import Change, Record, Wanted

R = TypeVar("R", bound=Record)


class Records(Protocol):
    """Stored records; reads are consistent. Keys are given as the record's own field names."""

    def get(self, kind: type[R], *, by: str = "", **key: str) -> R | None:
        """The record with this key, or None; `by` names another way to find it (see
        `portico.storage.kinds`).
        """

    def get_many(self, kind: type[R], keys: Sequence[Mapping[str, str]]) -> list[R]:
        """The records with these keys that exist, in no order."""

    def gather(self, *wanted: Wanted) -> "list[Record | None]":
        """Records of any kinds in one read (at most 100), in the order asked for; None where there
        is none.
        """

    def list(
        self,
        kind: type[R],
        *,
        by: str = "",
        newest_first: bool = False,
        limit: int | None = None,
        **key: str,
    ) -> list[R]:
        """The records of one partition (the key fields given), in the order of their sort key."""

    def commit(self, *changes: Change) -> None:
        """Write all changes or none (at most 100 items).

        Raises AlreadyExists, LostRace or Unavailable.
        """


class Documents(Protocol):
    """Large texts and files, by key. Keys start with the tenant."""

    def read(self, key: str) -> bytes | None: ...

    def write(self, key: str, content: bytes, content_type: str) -> None: ...

    def delete(self, key: str) -> None: ...

    def upload_form(self, key: str, max_bytes: int, seconds: int) -> dict[str, Any]:
        """A presigned POST (url and fields) by which a browser or client uploads one file straight
        to storage.
        """


class Clock(Protocol):
    """Time, so that rules can be tested at any."""

    def now(self) -> float:
        """Epoch seconds."""


class Lifecycle(Protocol):
    """The lifecycle function, as the publisher asks it."""

    def transition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a transition; raises the domain errors that the lifecycle function names."""

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for something else, named by `request`; raises the same."""

    def work_outbox(self) -> None:
        """Have side effects that were just asked for carried out soon; never fails the caller."""


class Routes(Protocol):
    """Routes of pass-through APIs on the HTTP API."""

    def ensure(self, tenant: str, api_id: str, context: str, endpoint: str) -> None:
        """Make or correct the route and integration of an API; idempotent."""

    def remove(self, tenant: str, api_id: str) -> None:
        """Remove what `ensure` made; harmless when there is nothing."""

    def survey(self, wanted: Sequence[WantedRoute]) -> Survey:
        """What differs from all that is wanted, and what others have there; changes nothing."""


class Schedules(Protocol):
    """One-time calls of the lifecycle function at a later time."""

    def ensure(self, name: str, at: int, request: Mapping[str, Any]) -> None:
        """Have the function called with the request at a time (epoch seconds); idempotent."""

    def remove(self, name: str) -> None:
        """Have it not called; harmless when there is nothing."""


class TokenEndpoint(Protocol):
    """Our own OAuth endpoints, asked as a client does: only the token function has the signing key.

    Both raise Unauthenticated for a wrong secret, InvalidInput for what the endpoint refuses
    otherwise, and Unavailable when it does not answer.
    """

    def client_credentials(
        self, client_id: str, secret: str, scopes: Sequence[str], validity: int | None
    ) -> tuple[str, tuple[str, ...], int]:
        """An access token of the client itself: its text, its scopes, its validity in seconds."""

    def revoke(self, client_id: str, secret: str, token: str) -> None:
        """Revoke a token of the client (RFC 7009)."""


class Downloads(Protocol):
    """Files at addresses that a user names, behind the address guard."""

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """The file. Raises AddressRefused for internal addresses, InvalidInput when there is no
        such file, TooLarge.
        """


class Mailer(Protocol):
    """Sends mails from the deployment's own address."""

    def send(self, mail: Mail) -> None:
        """Raises InvalidInput when the recipient's address is none, else Unavailable."""


class Poster(Protocol):
    """HTTP to addresses that a document names, behind the address guard."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises AddressRefused, or Unavailable unless the answer is a 2xx in time."""


class Sealer(Protocol):
    """Encrypts short texts that have to be read again, such as another server's client secret."""

    def seal(self, text: str, context: str) -> str:
        """The text encrypted (base64) for one context, such as `acme.com:login-provider`.

        InvalidInput when it has more than 4,096 bytes, Unavailable when the key service does not
        answer.
        """

    def open(self, sealed: str, context: str) -> str:
        """What was sealed. InvalidInput when it was changed or sealed for another context;
        Unavailable.
        """
