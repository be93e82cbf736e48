"""One word for one thing: words that the glossary replaces are gone, and its terms are unique."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
GLOSSARY: Final = ROOT / "docs" / "glossary.md"

FORBIDDEN: Final = {
    "told": "reported, said, or the name of what it is",
    "noted": "recorded",
    "recall": "as of",
    "recalled": "resolved as of",
    "hub": "super-connector",
    "hubs": "super-connectors",
    "crowd": "over-connected component",
    "hang together": "are connected",
    "hangs together": "is connected",
    "hung together": "was connected",
    "resettlement": "policy rollout",
    "companions": "co-members",
    "severed": "cut off",
    "golden record": "customer",
}
"""Words with two meanings or none, and what to write instead."""

NAMES_OF_OTHERS: Final = re.compile("x-hub-signature", re.IGNORECASE)
"""A header of Intercom's."""

FOLDERS: Final = (
    "*.md",
    *(f"{folder}/**/*" for folder in ("identity_service", "cypher", "docs", "benchmarks")),
)
READ: Final = (".py", ".cypher", ".md", ".graphql", ".html", ".yaml")
NOT_OURS: Final = (
    "docs/_build/",
    "docs/glossary.md",
    "identity_service/api/graphql/explorer/assets/",
)


def terms() -> list[str]:
    """The first column of the glossary's tables."""
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| [^|]*\|$", GLOSSARY.read_text("utf-8"), re.MULTILINE
    )
    return [row for row in rows if row not in ("term", "---")]


def lines_of_ours() -> Iterator[tuple[str, int, str]]:
    """Every line of code, statements and pages, but the glossary."""
    for path in sorted(found for folder in FOLDERS for found in ROOT.glob(folder)):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix not in READ or name.startswith(NOT_OURS):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield name, number, NAMES_OF_OTHERS.sub("", line)


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, int, str]]:
    """As `lines_of_ours`, read once."""
    return list(lines_of_ours())


def test_every_term_is_defined_once() -> None:
    found = terms()

    assert len(found) > 40
    assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize("word", FORBIDDEN)
def test_a_forbidden_word_is_gone(word: str, lines: list[tuple[str, int, str]]) -> None:
    pattern = re.compile(rf"(?<![A-Za-z])[{word[0].upper()}{word[0]}]{word[1:]}(?![A-Za-z])")

    found = [
        f"{name}:{number}: {line.strip()}" for name, number, line in lines if pattern.search(line)
    ]

    assert not found, f"“{word}”: write {FORBIDDEN[word]}.\n" + "\n".join(found)
