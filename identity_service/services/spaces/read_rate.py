"""How often a key may ask the read routes of other products."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from identity_service.errors import Overloaded
from identity_service.services.kit.clock import Timer
from identity_service.services.spaces.access import Caller

MAX_PER_SECOND: Final = 100
"""Most questions of one key in a second, as Segment has it."""


class ReadRate:
    """Counts what each key asks. It is of one process, and remembers no second but the last."""

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._timer = timer
        self._second = 0
        self._asked: Counter[str] = Counter()

    def count(self, caller: Caller) -> None:
        """Count a question. Raises Overloaded for a key that has asked too many in this second."""
        second = int(self._timer())
        if second != self._second:
            self._second, self._asked = second, Counter()
        key = f"{caller.space}/{caller.name}"
        if self._asked[key] >= MAX_PER_SECOND:
            raise Overloaded(f"This key asks more than {MAX_PER_SECOND} questions per second.")
        self._asked[key] += 1
