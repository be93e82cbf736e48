"""Ids that sort by the time at which they were made."""

from __future__ import annotations

from identity_service.domain.ids import time_sortable


def test_an_id_is_its_prefix_and_128_bits_in_hexadecimal() -> None:
    assert time_sortable("cus", 1, 2) == "cus_0000000000010000000000000000000" + "2"


def test_ids_sort_by_time_whatever_the_entropy() -> None:
    earlier, later = time_sortable("cus", 9, (1 << 80) - 1), time_sortable("cus", 10, 0)

    assert earlier < later
    assert earlier == "cus_000000000009" + "f" * 20


def test_what_exceeds_48_bits_of_time_or_80_of_entropy_is_left_out() -> None:
    assert time_sortable("cus", (1 << 48) + 3, (1 << 80) + 5) == time_sortable("cus", 3, 5)
