"""Who calls: the first credential that the API takes and that is responsible for the call."""

from collections.abc import Sequence
from typing import Protocol

from functions.authorizer.calls import Call, Guess, Identity, Kind, Refused
from portico.domain.words import Access

DEFAULT = (Kind.TOKEN,)


class Credential(Protocol):
    """A kind of credential (`functions.authorizer.credentials`)."""

    @property
    def kind(self) -> str: ...

    def foresee(self, call: Call) -> Guess | None: ...

    def authenticate(self, call: Call) -> Identity | None: ...


class Credentials:
    """The kinds of credentials in the order in which they are asked."""

    def __init__(self, kinds: Sequence[Credential]) -> None:
        self._kinds = tuple(kinds)
        self._internal = tuple(one for one in kinds if one.kind == Kind.INTERNAL)
        # API's kinds -> credentials; an API has one of a few lists.
        self._taken: dict[tuple[str, ...], tuple[Credential, ...]] = {}

    def foreseen(self, call: Call) -> list[Guess]:
        """What the call's credentials will need: they are believed, for reading only."""
        found = []
        for kind in self._of(call):
            guess = kind.foresee(call)
            if guess is not None:
                found.append(guess)
        return found

    def check_state(self, call: Call) -> None:
        """Blocked APIs say so; prototypes are open; what is not for callers is not there, unless
        somebody tests it with an internal key.
        """
        match call.api.answers:
            case Access.TOKEN:
                pass
            case Access.OPEN:
                call.open = True
            case Access.BLOCKED:
                raise Refused("700700")
            case _:
                call.identity = self._tester(call)
                if call.identity is None:
                    raise Refused("404")

    def authenticate(self, call: Call) -> None:
        """Who calls; 900902 when no credential that the API takes is there."""
        if call.open or call.identity is not None:
            return
        for credential in self._of(call):
            call.identity = credential.authenticate(call)
            if call.identity is not None:
                return
        raise Refused("900902")

    def _tester(self, call: Call) -> Identity | None:
        try:
            found = (one.authenticate(call) for one in self._internal)
            return next((identity for identity in found if identity is not None), None)
        except Refused:
            # Whoever guesses learns nothing of APIs that are not published.
            return None

    def _of(self, call: Call) -> tuple[Credential, ...]:
        if call.deployment is None:
            return self._kinds
        security = tuple(call.deployment.security) or DEFAULT
        taken = self._taken.get(security)
        if taken is None:
            taken = tuple(
                one for one in self._kinds if one.kind in security or one.kind == Kind.INTERNAL
            )
            if len(self._taken) < 64:
                self._taken[security] = taken
        return taken
