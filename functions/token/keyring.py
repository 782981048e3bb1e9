"""The signing keys of access tokens, fetched and parsed once and looked at again now and then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from portico.domain.errors import Unavailable
from portico.ports import Clock
from portico.tokens.keys import SigningKey, VerificationKey, current, signing_keys

LIFETIME = 300  # seconds; a new key is in the secret for longer than that before it signs


@dataclass
class KeyRing:
    """Keys from the text that `fetch` gives; old ones serve on while a newer text cannot be had."""

    fetch: Callable[[], str]
    clock: Clock
    _keys: tuple[SigningKey, ...] = ()
    _public: dict[str, VerificationKey] = field(default_factory=dict)
    _fetched: float = 0

    def signing(self) -> SigningKey:
        """The key that signs now."""
        self._refresh()
        return current(self._keys, self.clock.now())

    def verifying(self) -> Mapping[str, VerificationKey]:
        """The public halves of all keys by key id."""
        self._refresh()
        return self._public

    def _refresh(self) -> None:
        # Also after a SnapStart restore, when the clock has jumped.
        now = self.clock.now()
        if self._keys and now - self._fetched < LIFETIME:
            return
        try:
            keys = tuple(signing_keys(self.fetch()))
        except Unavailable:
            if not self._keys:
                raise
            keys = self._keys
        self._keys, self._fetched = keys, now
        self._public = {
            key.kid: VerificationKey(key.kid, key.alg, key.private.public_key()) for key in keys
        }
