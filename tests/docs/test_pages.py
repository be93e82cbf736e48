"""A reader who has run `make demo` can follow every page: what it shows is what comes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
import typer

from docs._ext import generated
from identity_service.cli import app
from identity_service.domain.journeys.journeys import JOURNEYS
from identity_service.graph.statements import statement
from identity_service.settings import Settings
from tests.docs.pages import (
    ANSWERS,
    BUILT,
    NOT_RUN,
    POLICY,
    RUN,
    Block,
    blocks,
    is_run,
    name_of,
    pages,
    steps,
)
from tests.docs.reader import Reader
from tests.support.neo4j import driver_of

PAGES: Final = pages()
FOLLOWED: Final = [page for page in PAGES if any(map(is_run, blocks(page)))]
COMMAND: Final[Any] = typer.main.get_command(app)
INLINE: Final = re.compile(r"`(identity-service [^`]+)`")


@pytest.mark.neo4j
@pytest.mark.parametrize("page", FOLLOWED, ids=name_of)
def test_what_a_page_shows_is_what_comes(page: Path, reader: Reader) -> None:
    reader.follow(blocks(page))


@pytest.mark.neo4j
@pytest.mark.usefixtures("reader")
def test_every_line_of_parameters_in_the_reference_asks_the_demo(
    database_settings: Settings,
) -> None:
    lines = re.findall(r"^:params (.*)$", generated.journeys(), re.MULTILINE)
    answered: dict[str, int] = {}

    with driver_of(database_settings) as driver:
        ask = cast("Any", driver).execute_query
        for name, line in zip(JOURNEYS, lines, strict=True):
            [given] = ask(f"RETURN {line} AS parameters").records
            text = statement(f"journeys/{name}").definition.text
            answered[name] = len(ask(text, given["parameters"]).records)

    assert {name for name, rows in answered.items() if rows == 0} == {"cross_app_users"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_says_by_its_language_why_not(page: Path) -> None:
    known = RUN | ANSWERS | {POLICY} | NOT_RUN.keys() | BUILT
    found = blocks(page)

    assert [block.language for block in found if block.language not in known] == []
    assert len(found) * 2 == page.read_text(encoding="utf-8").count("```")
    assert answers_without_a_question(found) == []


def answers_without_a_question(found: list[Block]) -> list[str]:
    questions = RUN - {"console"}
    return [
        block.text
        for before, block in zip([None, *found], found, strict=False)
        if block.language in ANSWERS and (before is None or before.language not in questions)
    ]


def test_every_reason_not_to_run_a_block_is_needed() -> None:
    used = {block.language for page in PAGES for block in blocks(page)}

    assert NOT_RUN.keys() <= used


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_names_is_there_with_its_options(page: Path) -> None:
    for words in commands(page):
        assert problem(words) is None, f"{' '.join(words)}: {problem(words)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_command_in_a_sentence_is_no_example_that_nobody_runs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert [span for span in INLINE.findall(text) if not only_names(shlex.split(span))] == []


def only_names(words: list[str]) -> bool:
    """Whether a command has no values, but names of commands, options and PLACEHOLDERS."""
    return all(re.fullmatch(r"[a-z0-9-]+|--[a-z-]+|[A-Z:]+", word) for word in words)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command of ours on a page, in blocks and in sentences."""
    for span in INLINE.findall(page.read_text(encoding="utf-8")):
        yield shlex.split(span)
    for block in blocks(page):
        if block.language == "console":
            lines = [step.command for step in steps(block.text)]
        else:
            lines = block.text.splitlines() if block.language in ("bash", "sh") else []
        for line in lines:
            if found := re.search(r"\bidentity-service .*", line.replace("\\\n", " ")):
                words = shlex.split(found[0], comments=True)
                ends = [n for n, word in enumerate(words) if re.fullmatch(r"[|>&;]+", word)]
                yield words[: min(ends, default=len(words))]


def problem(words: list[str]) -> str | None:
    """What keeps a command from being one of ours; None when it is."""
    command = COMMAND
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        name = rest.pop(0)
        if name == "COMMAND":
            return None
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    given = {word.partition("=")[0] for word in rest if word.startswith("--")}
    return f"there is no option {given - options}" if given - options else None
