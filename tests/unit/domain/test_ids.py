"""Ids that sort by the time at which they were made."""

from __future__ import annotations

from identity_service.domain.ids import mpid_of, time_sortable


def test_an_id_is_its_prefix_and_128_bits_in_hexadecimal() -> None:
    assert time_sortable("cus", 1, 2) == "cus_0000000000010000000000000000000" + "2"


def test_ids_sort_by_time_whatever_the_entropy() -> None:
    earlier, later = time_sortable("cus", 9, (1 << 80) - 1), time_sortable("cus", 10, 0)

    assert earlier < later
    assert earlier == "cus_000000000009" + "f" * 20


def test_what_exceeds_48_bits_of_time_or_80_of_entropy_is_left_out() -> None:
    assert time_sortable("cus", (1 << 48) + 3, (1 << 80) + 5) == time_sortable("cus", 3, 5)


def test_the_number_of_a_customer_is_the_same_each_time_and_fits_64_bits_with_a_sign() -> None:
    numbers = [mpid_of(f"cus_{n}") for n in range(1_000)]

    assert mpid_of("cus_0") == numbers[0] == 5_166_699_851_818_153_982
    assert len(set(numbers)) == 1_000
    assert all(0 <= number < 2**63 for number in numbers)
    assert max(numbers) > 2**62
