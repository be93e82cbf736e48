"""Processor time, by process."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import psutil

Clock = Callable[[], float]
"""Processor seconds used so far; not a number where this system does not tell."""


def clock_of(process: psutil.Process) -> Clock:
    """The processor time of a process and all its children, those that have ended included."""

    def read() -> float:
        try:
            times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        except psutil.Error:
            return math.nan
        return sum(t.user + t.system + t.children_user + t.children_system for t in times)

    return read


def clock_of_commands() -> float:
    """The processor time of all commands that this process started and that have ended."""
    if os.name == "nt":
        return math.nan
    times = os.times()
    return times.children_user + times.children_system
