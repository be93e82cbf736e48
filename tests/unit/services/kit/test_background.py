from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest
import structlog
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from identity_service.errors import Unavailable
from identity_service.services.kit import background
from identity_service.services.kit.background import supervised


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.001)


class Work:
    """Raises one error after the other, then returns."""

    def __init__(self, *errors: Exception) -> None:
        self._errors: Iterator[Exception] = iter(errors)
        self.done = False

    async def __call__(self) -> None:
        for error in self._errors:
            raise error
        self.done = True


def counted(task: str) -> float:
    return REGISTRY.get_sample_value("identity_background_failures_total", {"task": task}) or 0.0


async def test_work_that_fails_is_done_again_until_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One that has logged before keeps the configuration of that moment.
    monkeypatch.setattr(background, "_log", structlog.get_logger())
    work = Work(ValueError("ann@example.com"), Unavailable("The database does not answer."))
    before = counted("counting")

    with capture_logs() as logged:
        await supervised("counting", work, asyncio.Event(), space="shop")

    assert work.done
    assert counted("counting") == before + 2
    assert [(each["event"], each["log_level"], each["space"]) for each in logged] == [
        ("counting_failed", "error", "shop"),
        ("counting_interrupted", "warning", "shop"),
    ]
    assert "ann@example.com" not in str(logged)
    assert "test_background.py" in str(logged[0]["at"])


async def test_work_is_not_done_again_once_it_is_to_end() -> None:
    ending = asyncio.Event()

    async def end_and_fail() -> None:
        ending.set()
        raise ValueError

    await supervised("ending", end_and_fail, ending)


async def test_a_pause_ends_when_the_work_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 3_600)
    ending, failed = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise ValueError

    task = supervised("pausing", fail, ending)
    await failed.wait()
    ending.set()

    async with asyncio.timeout(10):
        await task


async def test_the_pauses_grow_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LONGEST_PAUSE_S", 0.004)
    pauses: list[float] = []
    monkeypatch.setattr(asyncio, "wait_for", noting("growing", pauses))

    await supervised("growing", Work(*(ValueError() for _ in range(4))), asyncio.Event())

    assert pauses == [0.001, 0.002, 0.004, 0.004]


def noting(task: str, pauses: list[float]) -> Callable[..., object]:
    """An `asyncio.wait_for` that notes how long the task of this name waits."""
    wait_for = asyncio.wait_for

    def noted(waiting: object, seconds: float) -> object:
        if (asking := asyncio.current_task()) and asking.get_name() == task:
            pauses.append(seconds)
        return wait_for(waiting, seconds)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]

    return noted


async def test_the_work_knows_nothing_of_the_request_that_began_it() -> None:
    asker: ContextVar[str] = ContextVar("asker", default="nobody")
    asker.set("a reader")
    seen: list[str] = []

    async def look() -> None:
        seen.append(asker.get())

    await supervised("looking", look, asyncio.Event())

    assert seen == ["nobody"]
