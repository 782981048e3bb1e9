"""The Clock port on the machine's own time."""

import time


class SystemClock:
    """What time it is here."""

    def now(self) -> float:
        return time.time()
