"""Writing events in processes of their own, beside the one that tests."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from identity_service.domain.events import ReportedEvent
from identity_service.settings import Settings
from tests.support.neo4j import environment_of
from tests.support.writer import as_lines

ROOT = Path(__file__).parents[2]


async def write_in_a_process(
    settings: Settings, write_key: str, events: Sequence[ReportedEvent], *, at_once: int = 20
) -> set[str]:
    """Write events in a process of its own; returns the message ids that were answered.

    `at_once` requests are on their way, each with one event.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.writer",
        write_key,
        str(at_once),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | environment_of(settings),
    )
    answered, _ = await process.communicate(as_lines(events).encode())
    assert process.returncode == 0
    return set(answered.decode().split())
