"""Passwords at rest: argon2id (RFC 9106), slow on purpose; clients have random secrets instead."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# OWASP's least for argon2id: 19 MiB, 2 passes, one lane (a function has one core).
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1

# The hash of random bytes that nobody kept, made with these numbers. The password given for an
# unknown user is compared with it, so that the answer takes as long as for a known one.
DUMMY = (
    "$argon2id$v=19$m=19456,t=2,p=1$7fYj63L4i+YbevKirziVjQ$"
    "q3FjZhMGt+S2WQejfHJ595Z/22lcwOys/SepcAqw/Ew"
)


class Passwords:
    """Hashes in argon2's own encoded form; loads argon2 at first use, for most calls need none."""

    @cached_property
    def _argon(self) -> "PasswordHasher":
        from argon2 import PasswordHasher  # 20 ms of start-up that only passwords need

        return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)

    def hash(self, password: str) -> str:
        """A fresh hash with a salt of its own."""
        return self._argon.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        """Whether the password is the one of the hash; a hash that is none fits no password."""
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._argon.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other numbers than today's."""
        return self._argon.check_needs_rehash(hashed)
