"""Under which key a scalar property of an event is kept."""

from __future__ import annotations

import pytest

from identity_service.domain.events import MAX_PROPERTY_NAME, property_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("revenue", "p_revenue"),
        ("Order_2", "p_Order_2"),
        ("order id", "p_order_id"),
        ("größe", "p_gr__e"),
        ("a.b-c", "p_a_b_c"),
        ("", "p_"),
    ],
)
def test_a_property_keeps_its_name_with_underscores_for_what_is_not_ascii(
    name: str, key: str
) -> None:
    assert property_key(name) == key


def test_a_long_name_is_cut_at_its_end() -> None:
    name = "x" * MAX_PROPERTY_NAME

    assert property_key(name + "y") == "p_" + name
