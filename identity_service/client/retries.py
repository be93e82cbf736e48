"""When a client comes back, and when it gives up."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 10.0
"""Pauses where the service did not say how long: each is twice the one before, up to this."""


@dataclass(frozen=True, slots=True)
class Retries:
    """`most` attempts after the first. A wait of more than `longest_wait_s` is left to the caller.

    `Retry-After` is never cut short. What many clients would do at the same moment is spread: a
    tenth longer at most than was asked for.
    """

    most: int = 5
    longest_wait_s: float = 60.0

    def pause(self, failures: int, after_s: float | None) -> float | None:
        """Seconds to wait after so many failures in a row; None: give up.

        `after_s` is what the service asked for, None where it did not say.
        """
        too_long = after_s is not None and after_s > self.longest_wait_s
        return None if failures > self.most or too_long else pause(failures, after_s)


def pause(failures: int, after_s: float | None) -> float:
    """The same for one who never gives up."""
    if after_s is not None:
        return after_s * random.uniform(1.0, 1.1)  # noqa: S311  (no secret)
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  (likewise)
