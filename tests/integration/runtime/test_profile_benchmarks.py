"""The benchmarks of profiles run, and what they compare is the same; how fast, no test says."""

from __future__ import annotations

import pytest

from benchmarks import freshness, marks, outbox, profiles
from benchmarks.running import running
from benchmarks.stream import Stream
from benchmarks.turns import Work


def test_each_runs_in_small(capsys: pytest.CaptureFixture[str]) -> None:
    take = Stream(seed=3).take
    work = Work("batches", take, 10, 2, slice_seconds=0.1, turns=1, warm_up_seconds=0)
    with running(heap="512m") as service:
        profiles.measure(service, customers=500, events=3_000)
        ages = freshness.measure(service, 100, events_a_minute=6_000, warm_up=0.5, seconds=1)
        operations = outbox.measure(service, customers=30)
        marks.measure(service, [work], [take(10)])

    assert ages
    assert operations == 30
    printed = capsys.readouterr().out
    for said in ("no value differs", "Age of the values", "nothing differs", "marks alone"):
        assert said in printed
