from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from identity_service.collect.gc_pause import gc_paused


@pytest.fixture(autouse=True)
def collecting() -> Generator[None]:
    """The collector as it is in a process, whatever becomes of a test."""
    gc.enable()
    yield
    gc.enable()


def test_the_collector_rests_until_the_last_one_inside_has_left() -> None:
    with gc_paused():
        with gc_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()

    assert gc.isenabled()


def test_an_exception_wakes_the_collector() -> None:
    with pytest.raises(ValueError, match="boom"), gc_paused():
        raise ValueError("boom")

    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()

    with gc_paused():
        pass

    assert not gc.isenabled()
