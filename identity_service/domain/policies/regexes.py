"""Regular expressions that a policy's author writes: google-re2, so in linear time."""

from __future__ import annotations

from typing import Any, Protocol

import re2  # pyright: ignore[reportMissingTypeStubs]

MAX_PATTERN_LENGTH = 1_000
"""Longest regular expression, in characters."""

_re2: Any = re2  # ships no types


class Regex(Protocol):
    """What we use of a compiled expression."""

    def fullmatch(self, text: str, /) -> object | None:
        """Something when the whole text matches."""
        ...


def compile_regex(pattern: str) -> Regex:
    """Compile; raises ValueError with re2's reason, or when the pattern is too long."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        msg = f"{len(pattern)} characters are too many: at most {MAX_PATTERN_LENGTH}"
        raise ValueError(msg)
    options = _re2.Options()
    options.log_errors = False
    try:
        return _re2.compile(pattern, options)
    except _re2.error as mistake:
        reason = mistake.args[0]
        if isinstance(reason, bytes):
            reason = reason.decode(errors="replace")
        msg = f"not a regular expression of re2 (no look-around, no back-references): {reason}"
        raise ValueError(msg) from None
