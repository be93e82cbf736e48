"""The pages of the documentation, and the fenced blocks in them.

The language of a block says what the tests do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

RUN: Final = frozenset({"console", "bash", "graphql", "python", "cypher", "sql"})
"""Run as they stand; their answers are compared."""

ANSWERS: Final = frozenset({"json", "text"})
"""The answer to the block before."""

POLICY: Final = "yaml"
"""Read as a policy, and saved where the sentence before it names a file."""

NOT_RUN: Final = {
    "sh": "is about the reader's own machine: installs, serves until Ctrl-C, names their database",
    "js": "runs in a browser, where tests/clients/ replays what SDKs send, or in Node: "
    "tests/docs/test_services.py",
    "go": "needs Go: tests/docs/test_services.py, where it is there",
    "py": "needs a library or a plugin that does not come with the service",
    "cypher-enterprise": "needs Neo4j Enterprise or Aura",
}
"""Languages of blocks that are not run, each with the reason."""

BUILT: Final = frozenset({"{toctree}", "{case}", "{literalinclude}", "{code-block}"})
"""Directives, which the build of the pages resolves. Included GraphQL is asked, too; a code block
is a part of something else that is run.
"""

_BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"\b[Ss]ave it as `([\w.-]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: `argument` is that of a directive.

    `file` is the name under which the reader is told to save it.
    """

    language: str
    argument: str
    text: str
    file: str | None

    @property
    def question(self) -> Path | None:
        """The file of GraphQL that it includes, if it does."""
        includes = self.language == "{literalinclude}" and self.argument.endswith(".graphql")
        return (DOCS / "guides" / self.argument).resolve() if includes else None


def pages() -> list[Path]:
    """Every page that is written by hand, the README first."""
    return [ROOT / "README.md", *sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)]


def name_of(page: Path) -> str:
    """A page as a test's id says it."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in _BLOCK.finditer(text):
        names = _FILE.findall(text[end : match.start()])
        language, argument, content = match.groups()
        found.append(Block(language, argument or "", content, names[-1] if names else None))
        end = match.end()
    return found


def is_run(block: Block) -> bool:
    """Whether a test runs a block against the service."""
    return block.language in RUN or block.question is not None


def with_answers(found: list[Block]) -> Iterator[tuple[Block, Block | None]]:
    """Each block that is no answer itself, with the answer right after it."""
    for block, after in zip_longest(found, found[1:]):
        if block.language not in ANSWERS:
            yield block, after if after is not None and after.language in ANSWERS else None


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a `console` block, and what the block shows that it prints."""

    command: str
    shown: str


def steps(text: str) -> list[Step]:
    """The commands of a `console` block; one may go on over lines that end with a backslash."""
    found: list[Step] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line.removeprefix("$ ")
            while command.endswith("\\"):
                command += "\n" + next(lines)
            found.append(Step(command, ""))
        else:
            assert found, f"An answer before any command: {line}"
            found[-1] = Step(found[-1].command, f"{found[-1].shown}{line}\n")
    return found
