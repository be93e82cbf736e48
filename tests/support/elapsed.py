"""A clock for durations that only the test moves."""

from __future__ import annotations


class Elapsed:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
