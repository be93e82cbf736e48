"""Many senders at once on a network that is slow and breaks: nothing lost, nothing doubled.

`LOAD_SECONDS=120` for longer than the suite has time for.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import psutil
from segment.analytics.client import Client  # pyright: ignore[reportMissingTypeStubs]

from identity_service.settings import Settings
from tests.support.served import served
from tests.support.service import create_space
from tests.support.wire import Wire, wire_to

SECONDS = float(os.environ.get("LOAD_SECONDS", "12"))
SENDERS = 32
MAX_GROWTH = 32 * 1024 * 1024
"""What the service may hold more at the end than after half of the time, in bytes."""


class Sender:
    """Somebody's server with Segment's SDK."""

    def __init__(self, name: str, address: str, key: str) -> None:
        self.failures: list[Any] = []
        self.sent = 0
        self._name = name
        self._sdk: Any = Client(
            key,
            host=f"http://{address}",
            on_error=lambda error, _: self.failures.append(error),  # pyright: ignore[reportUnknownLambdaType]
            upload_interval=0.1,
            timeout=5,
        )

    def send_until(self, end: float) -> None:
        """Send what four people do, then all that still waits."""
        for number in count():
            if time.monotonic() >= end:
                break
            person = f"{self._name}-{number % 4}"
            if number < 4:
                self._sdk.identify(person, {"plan": "pro"}, anonymous_id=f"a-{person}")
            else:
                self._sdk.track(person, "Clicked", {"number": number})
            self.sent += 1
            time.sleep(0.1)  # the pace of this sender
        self._sdk.flush()
        self._sdk.join()


def break_until(end: float, wire: Wire) -> Iterator[None]:
    """Break the network in one way after the other; yields after each."""
    drawn = random.Random(13)  # noqa: S311
    faults = [
        (lambda: wire.portal.call(wire.relay.cut), lambda: None),
        (wire.cut_answers, wire.mend),
        (
            lambda: wire.portal.call(wire.relay.hold),
            lambda: wire.portal.call(wire.relay.let_go),
        ),
    ]
    while time.monotonic() < end:
        begin, stop = drawn.choice(faults)
        begin()
        time.sleep(drawn.uniform(0.1, 0.6))
        stop()
        time.sleep(drawn.uniform(0.1, 0.6))
        yield


def test_many_senders_on_a_bad_network_lose_nothing_and_double_nothing(
    database_settings: Settings,
) -> None:
    space = create_space(database_settings)

    with (
        served(database_settings, workers=1) as (process, url),
        wire_to(url) as wire,
        ThreadPoolExecutor(SENDERS) as threads,
    ):
        end = time.monotonic() + SECONDS
        senders = [Sender(f"s-{n}", wire.address, space.write_key) for n in range(SENDERS)]
        running = [threads.submit(sender.send_until, end) for sender in senders]
        serving = psutil.Process(process.pid)
        memory = [serving.memory_info().rss for _ in break_until(end, wire)]
        for each in running:
            each.result()

    assert [sender.failures for sender in senders if sender.failures] == []
    assert len(space.events()) == sum(sender.sent for sender in senders)
    assert len(space.customers()) == SENDERS * 4
    assert memory[-1] - memory[len(memory) // 2] < MAX_GROWTH
