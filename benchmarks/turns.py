"""The same work done by several contenders in turns: how fast, and on how much processor time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.figures import percentile, table
from benchmarks.processors import Clock

Call = dict[str, Any]

TURNS = 6
"""Measured slices of each contender."""

SLICE_SECONDS = 4.0
"""How long the first contender works in one slice."""

WARM_UP_SECONDS = 120.0
"""After so long a warm-up ends, steady or not, unless the work says otherwise."""

STEADY = 0.05
"""Two successive slices of a warm contender differ by less than this share."""


class Contender(Protocol):
    """One that does the work, with the clocks of the processes in which it does."""

    @property
    def clocks(self) -> Mapping[str, Clock]:
        """`own`, unless its work is done in this process, and `database`."""
        ...

    def prepare(self, requests: Sequence[list[Call]]) -> list[Any]:
        """What `send` takes; not part of what is measured."""
        ...

    async def send(self, prepared: list[Any], senders: int) -> list[float]:
        """Do the work; the seconds that each request took."""
        ...


@dataclass(frozen=True)
class Work:
    """What is done: calls in requests of `size`, from so many senders that wait for each answer."""

    name: str
    take: Callable[[int], list[Call]]
    size: int
    senders: int
    slice_seconds: float = SLICE_SECONDS
    turns: int = TURNS
    warm_up_seconds: float = WARM_UP_SECONDS

    def requests(self, count: int) -> list[list[Call]]:
        """The next calls, in so many requests."""
        return [self.take(self.size) for _ in range(count)]


@dataclass
class Done:
    """What one contender did in one slice or several. `processor` is in seconds, by process."""

    events: int = 0
    seconds: float = 0
    took: list[float] = field(default_factory=list[float])
    processor: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    def add(self, other: Done) -> None:
        """Count another slice in."""
        self.events += other.events
        self.seconds += other.seconds
        self.took += other.took
        for name, seconds in other.processor.items():
            self.processor[name] = self.processor.get(name, 0.0) + seconds


async def take_turns(work: Work, contenders: Sequence[Contender]) -> list[Done]:
    """Warm up, say how that went, and measure; one result for each contender."""
    count = await warm_up(work, contenders)
    done = [Done() for _ in contenders]
    for _ in range(work.turns):
        for total, one in zip(done, await _turn(work, contenders, count), strict=True):
            total.add(one)
    return done


async def warm_up(work: Work, contenders: Sequence[Contender]) -> int:
    """Work until every contender is steady; returns how many requests make a slice."""
    started = time.monotonic()
    count = 4 * work.senders
    before = await _turn(work, contenders, count)
    while True:
        count = max(work.senders, round(before[0].rate * work.slice_seconds / work.size))
        now = await _turn(work, contenders, count)
        changed = max(abs(n.rate / b.rate - 1) for n, b in zip(now, before, strict=True))
        lasted = time.monotonic() - started
        if changed < STEADY:
            print(f"{work.name}: steady after {lasted:.0f} s", flush=True)
            return count
        if lasted > work.warm_up_seconds:
            print(
                f"{work.name}: NOT steady after {lasted:.0f} s,"
                f" the last two slices differ by {changed:.0%}",
                flush=True,
            )
            return count
        before = now


async def _turn(work: Work, contenders: Sequence[Contender], count: int) -> list[Done]:
    requests = work.requests(count)
    return [await _slice(contender, requests, work.senders) for contender in contenders]


async def _slice(contender: Contender, requests: Sequence[list[Call]], senders: int) -> Done:
    prepared = contender.prepare(requests)
    clocks: dict[str, Clock] = {**contender.clocks, "sender": time.process_time}
    before = {name: clock() for name, clock in clocks.items()}
    started = time.perf_counter()
    took = await contender.send(prepared, senders)
    seconds = time.perf_counter() - started
    processor = {name: clock() - before[name] for name, clock in clocks.items()}
    return Done(sum(map(len, requests)), seconds, took, processor)


def print_results(
    title: str, names: tuple[str, str], results: Mapping[str, Sequence[Done]]
) -> None:
    """Print the results of several works, a line for each of two contenders."""
    columns = (
        *("what", "by", "events/s", "ratio", "p50 ms", "p99 ms", "longest"),
        *("own µs", "database µs", "sender µs", f"of {os.cpu_count()} processors"),
    )
    rows = [
        [
            what if one is done[0] else "",
            name,
            f"{one.rate:,.0f}",
            f"{done[0].rate / done[1].rate:.2f}" if one is done[0] else "",
            *_milliseconds(one.took),
            *(_microseconds(one, process) for process in ("own", "database", "sender")),
            _processors(one),
        ]
        for what, done in results.items()
        for name, one in zip(names, done, strict=True)
    ]
    table(title, columns, rows)


def _milliseconds(took: Sequence[float]) -> list[str]:
    if not took:
        return ["", "", ""]
    return [
        f"{percentile(took, 0.5):.1f}",
        f"{percentile(took, 0.99):.1f}",
        f"{max(took) * 1_000:.0f}",
    ]


def _microseconds(done: Done, process: str) -> str:
    return _figure(done.processor.get(process, math.nan) / done.events * 1e6, 0)


def _processors(done: Done) -> str:
    return _figure(sum(done.processor.values()) / done.seconds, 2)


def _figure(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
