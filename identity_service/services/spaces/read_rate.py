"""How often a key may ask the read routes of other products."""

from __future__ import annotations

import math
import time
from typing import Final

from identity_service.errors import Overloaded
from identity_service.services.kit.allowances import Allowances
from identity_service.services.kit.clock import Timer
from identity_service.services.spaces.access import Caller

MAX_PER_SECOND: Final = 100
"""Most questions of one key in a second, as Segment has it."""


class ReadRate:
    """Counts what each key asks, of one process."""

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._allowances = Allowances(MAX_PER_SECOND, MAX_PER_SECOND, timer)

    def count(self, caller: Caller) -> None:
        """Count a question. Raises Overloaded for a key that asks too many in a second."""
        wait_s = self._allowances.spend(f"{caller.space}/{caller.name}", 1)
        if wait_s:
            raise Overloaded(
                f"This key asks more than {MAX_PER_SECOND} questions per second.",
                retry_after=math.ceil(wait_s),
            )
