"""YAML as plain data, with every slip in its place."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.domain.policies.yaml_text import MAX_DEPTH, read_yaml
from identity_service.errors import Problem


def read(text: str, max_bytes: int = 1_000) -> tuple[Any, list[Problem]]:
    return read_yaml(text, name="case", max_bytes=max_bytes)


def data(text: str) -> Any:
    found, problems = read(text)
    assert problems == []
    return found


def problem(text: str) -> tuple[str, str]:
    found, [only] = read(text)
    assert found is None
    return only.path, only.message


def test_mappings_lists_and_scalars_become_plain_data() -> None:
    assert data("a: [1, {b: x}]\nc:\n  - true\n") == {"a": [1, {"b": "x"}], "c": [True]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None),
        ("true", True), ("FALSE", False),
        ("7", 7), ("-7", -7), ("+7", 7), ("007", 7),
        ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("-1e3", -1000.0), ("1.5E+2", 150.0),
        ("1" * 18, int("1" * 18)), ("1" * 19, float("1" * 19)),
        ("on", "on"), ("no", "no"), ("1:30", "1:30"), ("2026-01-31", "2026-01-31"), ("0x1", "0x1"),
        ("tRUE", "tRUE"), (".", "."), ("1e", "1e"), ("plain text", "plain text"),
        ("'7'", "7"), ('"true"', "true"), ("|\n  7", "7"), ("''", ""),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = data(f"a: {text}")["a"]

    assert (found, type(found)) == (value, type(value))


def test_keys_are_text() -> None:
    assert data("1: a\ntrue: b\n~: c") == {"1": "a", "true": "b", "~": "c"}


def test_a_text_without_a_document_is_nothing() -> None:
    assert read("# only a comment") == (None, [])


def test_a_key_that_stands_twice_is_named_with_its_lines_and_the_first_counts() -> None:
    found, problems = read("a:\n- b: 1\n  c: 2\n  b: 3\na: 4")

    assert found == {"a": [{"b": 1, "c": 2}]}
    assert problems == [
        Problem("a.0.b", "stands twice, in lines 2 and 4: keep one"),
        Problem("a", "stands twice, in lines 1 and 5: keep one"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: &x 1\nb: *x", "line 2, column 4", "aliases (*x) are not read: write it out"),
        ("a: !int 1", "line 1, column 4", "tags (!int) are not read: leave it out"),
        ("? [a]\n: 1", "line 1, column 3", "a key must be plain text"),
        ("a: 1\n---\nb: 2", "line 2, column 1", "a second document begins here: write one"),
    ],
)
def test_what_is_not_read_is_named_with_its_place(text: str, place: str, message: str) -> None:
    assert problem(text) == (place, message)


def test_a_slip_is_named_with_its_place_and_the_parsers_reason() -> None:
    place, message = problem("a: ]")

    assert place == "line 1, column 4"
    assert message.startswith("not YAML: while parsing ")


def test_a_text_that_holds_what_yaml_does_not_allow_is_no_yaml() -> None:
    place, message = problem("a: \x00")

    assert place == "case"
    assert message.startswith("not YAML: ")
    assert "\n" not in message


def test_nesting_is_read_down_to_the_bound() -> None:
    deepest = "[" * MAX_DEPTH + "7" + "]" * MAX_DEPTH

    found = data(deepest)
    for _ in range(MAX_DEPTH):
        [found] = found
    assert found == 7
    assert problem(f"[{deepest}]") == (
        f"line 1, column {MAX_DEPTH + 2}",
        "nested too deeply: at most 20 levels are read",
    )


def test_mappings_count_for_the_depth_as_lists_do() -> None:
    deepest = "".join(f"{' ' * depth}a:\n" for depth in range(MAX_DEPTH))

    assert read(deepest)[1] == []
    assert "nested too deeply" in problem(deepest + " " * MAX_DEPTH + "a: 1")[1]


def test_a_text_that_is_too_long_is_not_read() -> None:
    assert read("é: 1", max_bytes=5) == ({"é": 1}, [])
    assert read("é: 1", max_bytes=4) == (
        None,
        [Problem("case", "5 bytes are too many: at most 4 are read")],
    )


def test_half_of_a_character_is_no_text() -> None:
    assert problem("a: \ud800") == ("case", "not Unicode text")
