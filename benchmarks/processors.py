"""Processor time, by process."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import suppress

import psutil

Clock = Callable[[], float]
"""Processor seconds used so far; not a number where this system does not tell."""


def clock_of(process: psutil.Process) -> Clock:
    """The processor time of a process and all its children, those that have ended included."""

    def read() -> float:
        try:
            used = _used(process)
            for child in process.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    used += _used(child)
        except psutil.Error:
            return math.nan
        return used

    return read


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def clock_of_commands() -> float:
    """The processor time of all commands that this process started and that have ended."""
    if os.name == "nt":
        return math.nan
    times = os.times()
    return times.children_user + times.children_system
