"""Durations as people write them: a number and `s`, `m`, `h` or `d`."""

from __future__ import annotations

import re

DURATION_HELP = "a number and s, m, h or d, as in 30m or 7d"
MAX_DURATION_DAYS = 36_500
"""Days of the longest duration, a hundred years."""

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)([smhd])")


def parse_duration(text: str) -> int:
    """Milliseconds in `7d`, `1.5h`, `30m` or `90s`.

    Raises ValueError for anything else, for none at all and for more than a hundred years.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        msg = f"“{text}” is not a duration: write {DURATION_HELP}"
        raise ValueError(msg)
    milliseconds = round(float(match[1]) * _UNITS[match[2]])
    if not 0 < milliseconds <= MAX_DURATION_DAYS * _UNITS["d"]:
        msg = f"“{text}” is out of bounds: more than nothing and at most {MAX_DURATION_DAYS}d"
        raise ValueError(msg)
    return milliseconds
