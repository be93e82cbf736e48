"""What values are looked up by, and what a text may mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.search import (
    MAX_START,
    MAX_STARTS,
    Clue,
    Likeness,
    SearchText,
    clues_of,
    ending,
    spelled,
    starts,
    starts_of,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("ann.lee@example.com", ["ann lee example com", "lee example com", "example com"]),
        (
            "john.ronald.tolkien@acme.co.uk",
            ["john ronald tolkien acme co uk", "ronald tolkien acme co uk", "acme co uk"],
        ),
        ("ORD-2024-0017", ["ord 2024 0017", "2024 0017", "0017"]),
        ("ord20240017", ["ord20240017", "20240017"]),
        ("José Ñandú", ["jose nandu", "nandu"]),
        ("O'Neil", ["o neil", "neil"]),
        ("3f2b8c1e-77aa-4b4e-9d11-aabbccddeeff", ["3f2b8c1e 77aa 4b4e 9d11 aabbccddeeff"]),
        ("王小明", ["王小明"]),
        ("Ann Marie van der Berg", ["ann marie van der berg", "marie van der berg", "berg"]),
        ("ORD-2024-0017-A", ["ord 2024 0017 a", "2024 0017 a", "0017 a"]),
        ("+31 (0)6 1234", ["31 6 1234", "6 1234", "1234"]),
        (" -. ", []),
    ],
)
def test_a_value_is_looked_up_by_its_beginning_and_those_of_its_words(
    value: str, found: list[str]
) -> None:
    assert starts(value) == found


@pytest.mark.parametrize(
    ("value", "end"), [("+31 6-1234", "4321613"), ("123", None), ("u-1008", None)]
)
def test_a_number_is_looked_up_by_its_end(value: str, end: str | None) -> None:
    assert ending(value) == end


@given(st.text(max_size=300))
def test_every_beginning_is_found_by_itself(value: str) -> None:
    found = starts(value)

    assert len(found) <= MAX_STARTS
    for each in found:
        assert 0 < len(each) <= MAX_START
        assert spelled(each) == each.rstrip()
        assert spelled(value)[: len(found[0])] == found[0]


def test_numbers_of_orders_are_looked_up_on_every_event_and_names_where_a_person_is_described() -> (
    None
):
    properties = {
        "orderNumber": 17,
        "url": "x",
        "Ticket ID": "T-1",
        "order_id": "",
        "invoice": {"id": "I-2", "total": 9, "order_id": "no"},
        "product": {"id": "P-3"},
    }
    traits = [{"first_name": "Ann", "lastName": "Lee", "plan": "pro"}, {"company": "Acme"}]

    assert clues_of("track", properties, traits, "acme-7") == [
        Clue("orderNumber", "17"),
        Clue("Ticket ID", "T-1"),
        Clue("invoice.id", "I-2"),
    ]
    assert clues_of("identify", {}, traits, "acme-7") == [
        Clue("name", "Ann Lee"),
        Clue("company", "Acme"),
    ]
    assert clues_of("group", {}, [{"name": "Acme"}], "acme-7") == [
        Clue("name", "Acme"),
        Clue("account", "acme-7"),
    ]


def test_whole_values_of_an_event_come_before_words_of_any() -> None:
    values = [Clue("name", "Acme Rockets"), Clue("account", "acme-7")]

    assert starts_of(values) == (["acme rockets", "acme 7", "rockets"], 2)


def test_a_text_may_name_a_type_and_digits_may_be_an_end() -> None:
    assert SearchText.of("email:Ann.Lee").phrase.starts == ["email ann lee", "ann lee"]
    assert SearchText.of("06-1234 5678").phrase.ending == "876543216"
    assert SearchText.of("+31 (0)6 12345678").phrase.ending == "87654321613"
    assert SearchText.of("ann").phrase.ending is None
    assert SearchText.of("ann").words is None
    assert SearchText.of("ann marie").words == ("marie", ["ann"])
    assert SearchText.of("ann").misspelt is None


def test_what_is_whole_is_closer_than_what_begins_so() -> None:
    asked = SearchText.of("email:ann")

    assert asked.likeness("ann", whole=True) is Likeness.WHOLE
    assert asked.likeness("annika", whole=True) is Likeness.BEGINNING
    assert asked.likeness("ann", whole=False) is Likeness.WORD
    assert asked.likeness("nna", whole=None) is Likeness.ENDING
