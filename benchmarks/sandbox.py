"""A sandbox of a million events, made by the command as a user runs it.

The peer is a part of it: the bare offline import of the same files, in the same run.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import IO, cast

import psutil

from benchmarks.figures import table
from benchmarks.journey_world import SPACE, build, fill
from benchmarks.running import SERVE, Running, environment_of
from identity_service.settings import Settings

LOOK_EVERY = 0.2
"""Seconds between two looks at memory and processor time."""

IMPORT = "importing"


def run(service: Running) -> None:
    """Build the world, make a sandbox of it, print."""
    service.create_space(SPACE)
    asyncio.run(fill(service.settings, build()))
    measure(service.settings, service.neo4j)


def measure(settings: Settings, neo4j: psutil.Process) -> None:
    """Make a sandbox of the world in that Neo4j, and remove it; print."""
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as directory:
        watched = _Watched(Path(directory), neo4j)
        stages = _started(settings, directory, watched)
        _command(settings, directory, "stop", "--remove").wait()
    whole = sum(seconds for _, seconds in stages)
    imported = dict(stages)[IMPORT]
    rows = [[name, f"{seconds:.1f}"] for name, seconds in [*stages, ("all", whole)]]
    table(f"sandbox start: {watched.nodes:,} nodes", ("stage", "s"), rows)
    print(f"  {watched.nodes / whole:,.0f} nodes/s; {whole / imported:.1f} times the bare import")
    rows = [
        [name, f"{watched.processor[name]:.1f}", f"{watched.memory[name] / 1e6:,.0f}"]
        for name in watched.processor
    ]
    table("Processes", ("process", "processor s", "peak MB"), rows)


def _started(settings: Settings, directory: str, watched: _Watched) -> list[tuple[str, float]]:
    """The stages of `sandbox start`, as it announces them, with their seconds."""
    begun = [("opening", time.perf_counter())]
    with _command(settings, directory, "start", "--space", SPACE, "--json") as process:
        with watched.following(process.pid):
            for line in cast("IO[str]", process.stderr):
                name = line.strip().removesuffix(" …")
                begun.append((name, time.perf_counter()))
        said = cast("IO[str]", process.stdout).read()
    if process.returncode != 0:
        raise RuntimeError(f"It ended with {process.returncode}: {begun[-1][0]}")
    ended = [at for _, at in begun[1:]] + [time.perf_counter()]
    copied: dict[str, int] = json.loads(said)["copied"]
    watched.nodes = sum(number for what, number in copied.items() if what != "links")
    return [(name, end - at) for (name, at), end in zip(begun, ended, strict=True)]


def _command(settings: Settings, directory: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, "sandbox", *arguments],
        env={**os.environ, **environment_of(settings), "IDENTITY_DATA_DIR": directory},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class _Watched:
    """Processor seconds and most memory in bytes of each process that takes part."""

    directory: Path
    production: psutil.Process
    nodes: int = 0
    processor: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))
    memory: dict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))

    @contextmanager
    def following(self, command: int) -> Generator[None]:
        """Look at them until the block ends."""
        before = sum(self.production.cpu_times()[:2])
        ended = Event()

        def look() -> None:
            while not ended.wait(LOOK_EVERY):
                self._look("production", self.production, before)
                self._look("command", psutil.Process(command))
                for process in psutil.process_iter():
                    with suppress(psutil.Error):
                        if f"{self.directory}/" in (line := " ".join(process.cmdline())):
                            name = "import" if "admin.arguments" in line else "sandbox"
                            self._look(name, process)

        looking = Thread(target=look)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()

    def _look(self, name: str, process: psutil.Process, before: float = 0) -> None:
        with suppress(psutil.Error):
            self.processor[name] = max(self.processor[name], sum(process.cpu_times()[:2]) - before)
            self.memory[name] = max(self.memory[name], process.memory_info().rss)
