"""Which rejected events may stay."""

from __future__ import annotations

import pytest

from identity_service.domain.ids import time_sortable
from identity_service.graph.rejected import KeptRejection
from identity_service.services.limits import RejectedLimits
from identity_service.services.write.rejected_retention import newest_beyond

NOW = 1_700_000_000_000


def kept(age_ms: int, size: int = 10) -> KeptRejection:
    return KeptRejection(time_sortable("rej", NOW - age_ms, 7), size)


@pytest.mark.parametrize(
    ("limits", "beyond"),
    [
        (RejectedLimits(events=3, bytes=30, age_ms=30), None),
        (RejectedLimits(events=2), 2),
        (RejectedLimits(bytes=29), 2),
        (RejectedLimits(bytes=9), 0),
        (RejectedLimits(age_ms=29), 2),
        (RejectedLimits(age_ms=9), 1),
    ],
)
def test_the_newest_one_that_is_beyond_a_bound_goes_with_all_older_ones(
    limits: RejectedLimits, beyond: int | None
) -> None:
    newest_first = [kept(0), kept(10), kept(30)]

    found = newest_beyond(newest_first, limits, NOW)

    assert found == (None if beyond is None else newest_first[beyond].id)


def test_where_nothing_is_kept_nothing_is_beyond() -> None:
    assert newest_beyond([], RejectedLimits(), NOW) is None
