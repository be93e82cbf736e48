"""Moments, cursors and ids as they stand in answers."""

from __future__ import annotations

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from identity_service.api.graphql.connections import (
    decode_cursor,
    encode_cursor,
    global_id,
    number_in,
    page_size,
    parse_global_id,
)
from identity_service.api.graphql.scalars import millis
from identity_service.api.security import bearer_key
from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput


@given(st.integers(min_value=-(10**13), max_value=10**14))
def test_a_moment_is_read_as_it_was_written(moment: int) -> None:
    assert millis(iso(moment)) == moment


def test_a_moment_is_written_in_utc_to_the_millisecond() -> None:
    assert iso(1_769_904_000_007) == "2026-02-01T00:00:00.007Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-01T01:00:00+01:00", 1_769_904_000_000),
        ("2026-02-01T00:00:00", 1_769_904_000_000),
        ("2026-02-01", 1_769_904_000_000),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_offsets_are_minded_and_without_one_it_is_utc(text: str, expected: int) -> None:
    assert millis(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "", 5, None])
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(GraphQLError, match="no DateTime"):
        millis(text)


@given(st.integers(), st.text())
def test_a_cursor_gives_its_parts_back_whatever_the_last_one_holds(number: int, text: str) -> None:
    cursor = encode_cursor("event", number, text)

    assert decode_cursor("event", cursor, 2) == [str(number), text]


@pytest.mark.parametrize("cursor", ["x", "é", "====", encode_cursor("change", "1"), "ZXZlbnQ="])
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput, match="no cursor of this list"):
        decode_cursor("event", cursor, 2)


@pytest.mark.parametrize(
    "part", ["five", "", "1.0", "1_000", " 1", "\u0661", str(2**63), str(-(2**63)), "9" * 5_000]
)
def test_a_cursor_whose_number_is_none_of_the_database_is_refused(part: str) -> None:
    with pytest.raises(BadInput, match="no cursor of this list"):
        number_in("cursor", part)


@pytest.mark.parametrize("number", [0, -1, 2**62, -(2**62)])
def test_a_number_of_a_cursor_is_read(number: int) -> None:
    assert number_in("cursor", str(number)) == number


def test_a_global_id_keeps_colons_of_its_key() -> None:
    found = parse_global_id(global_id("Identifier", "shop", "email:a:b"))

    assert found == ("Identifier", "shop", "email:a:b")


@pytest.mark.parametrize("first", [-1, 501])
def test_a_page_has_0_to_500_entries(first: int) -> None:
    with pytest.raises(BadInput, match="0 to 500"):
        page_size(first, 20)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        (None, None),
    ],
)
def test_a_key_comes_as_bearer(header: str | None, key: str | None) -> None:
    assert bearer_key(header) == key
