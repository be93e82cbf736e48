"""Case files of profiles on the command line."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.command import Command

PASSING = """
id: one
title: "an order"
profiles: {features: {orders: {count: Order}, paid: {sum: n, of: any}}}
customers: {ann: {events: [{at: 2026-01-01T00:00:00Z, did: Order, properties: {n: 0.10}}]}}
expected: [{at: 2026-01-02T00:00:00Z, features: {orders: 1}}]
"""
FAILING = PASSING.replace("id: one", "id: two").replace("{orders: 1}", "{orders: 2, paid: 0.2}")


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    (tmp_path / "one.yaml").write_text(PASSING)
    (tmp_path / "two.yml").write_text(FAILING)
    return tmp_path


def test_the_shipped_examples_pass(command: Command) -> None:
    folder = Path(str(files("identity_service.examples").joinpath("profiles/cases")))

    ended = command("features", "test", folder)

    assert (ended.code, ended.err) == (0, "")
    assert "passed: cart-left A cart on the phone" in ended.out
    assert ended.out.endswith(" passed, 0 failed\n")


def test_a_case_that_fails_shows_what_was_expected_and_what_was_found(
    command: Command, cases: Path
) -> None:
    ended = command("features", "test", cases)

    assert (ended.code, ended.err) == (1, "")
    assert ended.out == (
        "passed: one an order\n"
        "failed: two an order\n"
        "  ann at 2026-01-02T00:00:00.000Z, features.orders\n"
        "    expected  2\n"
        "    found     1\n"
        "  ann at 2026-01-02T00:00:00.000Z, features.paid\n"
        "    expected  0.2\n"
        "    found     0.1\n"
        "1 passed, 1 failed\n"
    )


def test_the_outcome_for_programs(command: Command, cases: Path) -> None:
    ended = command("features", "test", "--json", cases)

    one, two = json.loads(ended.out)
    assert ended.code == 1
    assert one == {
        "file": str(cases / "one.yaml"),
        "id": "one",
        "title": "an order",
        "passed": True,
        "differences": [],
    }
    assert two["passed"] is False
    assert two["differences"][1] == {
        "who": "ann",
        "at": "2026-01-02T00:00:00.000Z",
        "what": "features.paid",
        "expected": 0.2,
        "found": 0.1,
    }


def test_a_case_with_mistakes_fails_and_the_others_are_tried(command: Command, cases: Path) -> None:
    (cases / "three.yaml").write_text("id: three")

    ended = command("features", "test", cases / "three.yaml", cases / "one.yaml")
    for_programs = command("features", "test", "--json", cases / "three.yaml")

    assert ended.code == 1
    assert "title: is missing" in ended.out
    assert "1 passed, 1 failed" in ended.out
    (outcome,) = json.loads(for_programs.out)
    assert (outcome["passed"], outcome["id"]) == (False, None)
    assert "title: is missing" in outcome["error"]


def test_a_pattern_that_finds_nothing_is_wrong_usage(command: Command, cases: Path) -> None:
    assert "There is no case file" in command.complains("features", "test", cases / "x*", code=2)
