"""Segment's own Python SDK against the running service."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from segment.analytics.client import Client  # pyright: ignore[reportMissingTypeStubs]

from identity_service.settings import Settings
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import wait_until
from tests.support.wire import wire_to

CALLS: dict[str, Callable[[Any], Any]] = {
    "page": lambda sdk: sdk.page(anonymous_id="a-1", name="Home"),
    "identify": lambda sdk: sdk.identify("u-1", {"email": "Ann@Example.com"}, anonymous_id="a-1"),
    "track": lambda sdk: sdk.track("u-1", "Order Completed", {"total": 12.5}),
    "screen": lambda sdk: sdk.screen("u-1", name="Basket"),
    "group": lambda sdk: sdk.group("u-1", "acme", {"name": "Acme"}),
    "alias": lambda sdk: sdk.alias("a-0", "u-1"),
}


class Failures:
    """What the SDK gave up on."""

    def __init__(self) -> None:
        self.errors: list[Any] = []

    def note(self, error: Exception, _batch: list[Any]) -> None:
        self.errors.append(error)


@contextmanager
def segment(address: str, key: str, **options: Any) -> Generator[Any]:
    """The SDK, and the check that it reported no failed upload."""
    failures = Failures()
    sdk: Any = Client(
        key, host=f"http://{address}", on_error=failures.note, upload_interval=0.05, **options
    )
    try:
        yield sdk
        sdk.flush()
    finally:
        sdk.join()
    assert failures.errors == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_call_of_the_sdk_arrives_once(
    service: RunningService, space: Space, packed: bool
) -> None:
    with segment(service.address, space.write_key, gzip=packed) as sdk:
        for call in CALLS.values():
            call(sdk)

    assert sorted(event["type"] for event in space.events()) == sorted(CALLS)
    assert space.rejections() == []
    assert space.customers() == [
        {"user_id:u-1", "anonymous_id:a-1", "anonymous_id:a-0", "email:ann@example.com"}
    ]


def test_events_wait_in_the_sdk_until_the_service_is_there(database_settings: Settings) -> None:
    with running_service(database_settings) as before:
        space = create_space(database_settings)
    port = int(before.address.rpartition(":")[2])

    with segment(before.address, space.write_key) as sdk:
        sdk.track("u-1", "Order Completed")
        with running_service(database_settings, port):
            sdk.flush()

    assert len(space.events()) == 1


def test_an_answer_that_was_lost_on_the_way_doubles_nothing(
    service: RunningService, space: Space
) -> None:
    with wire_to(service.url) as wire, segment(wire.address, space.write_key) as sdk:
        wire.cut_answers()
        sdk.track("u-1", "Order Completed")
        flushing = Thread(target=sdk.flush)
        flushing.start()
        wait_until(lambda: len(space.events()) == 1)
        assert flushing.is_alive()
        wire.mend()
        flushing.join()

    assert len(space.events()) == 1
    assert space.rows("MATCH (i:Identifier {space: $space}) RETURN count(*) AS n") == [{"n": 1}]


def test_a_refused_batch_is_not_sent_again(service: RunningService) -> None:
    failures = Failures()
    sdk: Any = Client("unknown", host=service.url, on_error=failures.note)
    sdk.track("u-1", "Order Completed")
    sdk.flush()
    sdk.join()

    assert [error.status for error in failures.errors] == [401]
    assert "write key is not known" in failures.errors[0].message
