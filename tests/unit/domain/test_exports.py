"""Cursors, and what an export since one holds."""

from __future__ import annotations

import pytest

from identity_service.domain.exports import OVERLAP, Cursor, changed_since, parse_cursor

NOW = Cursor("shop", 2_000_000, 3, settled=True)


@pytest.mark.parametrize("settled", [True, False])
def test_a_cursor_is_read_back_from_its_text(settled: bool) -> None:
    cursor = Cursor("my-shop_2", 1_795_338_512_000, 12, settled=settled)

    assert parse_cursor(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "1:shop:1", "1:Shop:1:1", "1:shop:1:1:late", "2:shop:1:1"])
def test_what_is_no_cursor_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        parse_cursor(text)


def test_an_export_goes_back_beyond_its_cursor_by_the_overlap() -> None:
    earlier = Cursor("shop", 1_500_000, 3, settled=True)

    assert changed_since(earlier, NOW) == 1_500_000 - OVERLAP
    assert changed_since(earlier, NOW, overlap=0) == 1_500_000


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        (None, NOW),
        (Cursor("shop", 1, 2, settled=True), NOW),
        (Cursor("shop", 1, 3, settled=False), NOW),
        (Cursor("shop", 1, 3, settled=True), Cursor("shop", 2, 3, settled=False)),
    ],
)
def test_without_a_cursor_or_around_a_change_of_policy_an_export_is_complete(
    earlier: Cursor | None, now: Cursor
) -> None:
    assert changed_since(earlier, now) is None
